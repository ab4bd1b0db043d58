// The peer's SETTINGS (RFC 9113 section 6.5): what it says -> what we keep of it. Refuses values that no endpoint may send.

import { calm, ERROR_CODE, Http2Error, wrong } from './errors.ts'
import { DEFAULT_WINDOW, LARGEST_MAX_FRAME, LARGEST_WINDOW, SETTING, SMALLEST_MAX_FRAME, uint32 } from './frames.ts'

const ENTRY_OCTETS = 6
const DEFAULT_TABLE = 4_096

export interface PeerSettings {
  headerTableSize: number
  /** The least that the last SETTINGS frame made of it, in whatever order. */
  leastHeaderTableSize: number
  /** Streams that we may open; a client's concern. */
  maxStreams: number
  initialWindow: number
  maxFrame: number
}

/** What holds until the peer's first SETTINGS. 100 streams are assumed, as the standard asks every server to allow. */
export function initialSettings(): PeerSettings {
  return {
    ...{ headerTableSize: DEFAULT_TABLE, leastHeaderTableSize: DEFAULT_TABLE, maxStreams: 100 },
    ...{ initialWindow: DEFAULT_WINDOW, maxFrame: SMALLEST_MAX_FRAME },
  }
}

/** Judges a SETTINGS frame by its header. Throws Http2Error, for the connection. */
export function checkSettingsLength(length: number, entries: number): void {
  if (length % ENTRY_OCTETS !== 0) {
    throw new Http2Error(ERROR_CODE.FRAME_SIZE_ERROR, 'http2.settings.length', 'SETTINGS that end within an entry')
  }
  if (length > entries * ENTRY_OCTETS) {
    throw calm('http2.settings.count', 'more settings than are taken')
  }
}

/**
 * Takes over a SETTINGS payload of whole entries. Throws Http2Error, for the connection. `isFirst`: what is not said is
 * unlimited. `isServers`: a server sent it, and may not allow us to push.
 */
export function applySettings(
  settings: PeerSettings,
  payload: Uint8Array,
  { isFirst, isServers }: { readonly isFirst: boolean; readonly isServers: boolean },
): void {
  settings.leastHeaderTableSize = settings.headerTableSize
  if (isFirst) settings.maxStreams = LARGEST_WINDOW
  for (let at = 0; at < payload.length; at += ENTRY_OCTETS) {
    const value = uint32(payload, at + 2)
    switch ((payload[at]! << 8) | payload[at + 1]!) {
      case SETTING.HEADER_TABLE_SIZE:
        settings.headerTableSize = value
        settings.leastHeaderTableSize = Math.min(settings.leastHeaderTableSize, value)
        break
      case SETTING.ENABLE_PUSH:
        if (value > 1) throw wrong('http2.settings.push', 'SETTINGS_ENABLE_PUSH is neither 0 nor 1')
        if (value === 1 && isServers) throw wrong('http2.settings.push_by_server', 'a server that asks for pushes')
        break
      case SETTING.ENABLE_CONNECT_PROTOCOL:
      case SETTING.NO_RFC7540_PRIORITIES:
        if (value > 1) throw wrong('http2.settings.switch', 'a setting that is neither 0 nor 1')
        break
      case SETTING.MAX_CONCURRENT_STREAMS:
        settings.maxStreams = value
        break
      case SETTING.INITIAL_WINDOW_SIZE:
        if (value > LARGEST_WINDOW) {
          throw new Http2Error(
            ERROR_CODE.FLOW_CONTROL_ERROR,
            'http2.settings.window',
            'SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1',
          )
        }
        settings.initialWindow = value
        break
      case SETTING.MAX_FRAME_SIZE:
        // Below the smallest, a sender that divides by it never ends (CVE-2026-33814).
        if (value < SMALLEST_MAX_FRAME || value > LARGEST_MAX_FRAME) {
          throw wrong('http2.settings.frame_size', 'SETTINGS_MAX_FRAME_SIZE out of its range')
        }
        settings.maxFrame = value
        break
    }
  }
}
