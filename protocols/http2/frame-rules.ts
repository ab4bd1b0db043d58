// What a frame's header alone shows to be wrong, by its type: its length, and whether it may or must name a stream (RFC 9113
// section 6). DATA and frames of unknown types have no such rule.

import { sizeError, wrong } from './errors.ts'
import { FLAG, FRAME } from './frames.ts'
import { checkSettingsLength } from './settings.ts'

/** Throws Http2Error, for the connection. `settingsEntries`: the most that one SETTINGS frame may have. */
export function checkFrame(type: number, flags: number, stream: number, length: number, settingsEntries: number): void {
  switch (type) {
    case FRAME.HEADERS:
      if (stream === 0) throw wrong('http2.headers.stream', 'HEADERS without a stream')
      return
    case FRAME.PRIORITY:
      if (stream === 0) throw wrong('http2.priority.stream', 'PRIORITY without a stream')
      // The stream may be idle or long closed, so there is none to reset: both faults end the connection (section 5.4).
      if (length !== 5) throw sizeError('http2.priority.length')
      return
    case FRAME.RST_STREAM:
      if (length !== 4) throw sizeError('http2.rst_stream.length')
      return
    case FRAME.SETTINGS:
      if (stream !== 0) throw wrong('http2.settings.stream', 'SETTINGS for one stream')
      if ((flags & FLAG.ACK) !== 0 && length !== 0) throw sizeError('http2.settings.ack_length')
      checkSettingsLength(length, settingsEntries)
      return
    case FRAME.PUSH_PROMISE:
      throw wrong('http2.push_promise', 'a push, which nobody has allowed')
    case FRAME.PING:
      if (length !== 8) throw sizeError('http2.ping.length')
      if (stream !== 0) throw wrong('http2.ping.stream', 'PING for one stream')
      return
    case FRAME.GOAWAY:
      if (length < 8) throw sizeError('http2.goaway.length')
      if (stream !== 0) throw wrong('http2.goaway.stream', 'GOAWAY for one stream')
      return
    case FRAME.WINDOW_UPDATE:
      if (length !== 4) throw sizeError('http2.window_update.length')
  }
}
