// The frames of HTTP/2 (RFC 9113 sections 4.1 and 6): their types and flags, and how they are written.

export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const

export const FLAG = { ACK: 0x01, END_STREAM: 0x01, END_HEADERS: 0x04, PADDED: 0x08, PRIORITY: 0x20 } as const

export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
  /** RFC 8441 section 3; never sent. */
  ENABLE_CONNECT_PROTOCOL: 8,
  /** RFC 9218 section 2.1; never sent. */
  NO_RFC7540_PRIORITIES: 9,
} as const

/** What a client begins with (section 3.4). */
export const PREFACE = new TextEncoder().encode('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export const HEADER_OCTETS = 9
/** The window of a new stream and of the connection, until settings or updates say otherwise (section 6.9.2). */
export const DEFAULT_WINDOW = 65_535
export const LARGEST_WINDOW = 2_147_483_647
/** SETTINGS_MAX_FRAME_SIZE may not be set below it (section 6.5.2), and above it we send nothing: streams take turns. */
export const SMALLEST_MAX_FRAME = 16_384
export const LARGEST_MAX_FRAME = 16_777_215

/** Payloads up to this are copied behind their header, so that many short frames become one write. */
const COPIED = 2_048
const SLAB_OCTETS = 32_768

/** Memory that short frames of all connections are cut from, never used twice. */
let slab = new Uint8Array(0)
let slabAt = 0

function cut(octets: number): Uint8Array {
  if (slabAt + octets > slab.length) {
    slab = Buffer.allocUnsafeSlow(Math.max(SLAB_OCTETS, octets))
    slabAt = 0
  }
  const piece = slab.subarray(slabAt, slabAt + octets)
  slabAt += octets
  return piece
}

/** Adds a frame to the output. The payload is copied if it is short, and referred to if it is long. */
export function writeFrame(
  output: Uint8Array[],
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array,
): void {
  const length = payload.length
  const isCopied = length <= COPIED
  const frame = cut(isCopied ? HEADER_OCTETS + length : HEADER_OCTETS)
  frame[0] = length >>> 16
  frame[1] = length >>> 8
  frame[2] = length
  frame[3] = type
  frame[4] = flags
  putUint32(frame, 5, stream)
  if (isCopied && length > 0) frame.set(payload, HEADER_OCTETS)
  output.push(frame)
  if (!isCopied) output.push(payload)
}

/** RST_STREAM and WINDOW_UPDATE: a number of 32 bits. */
export function writeNumber(output: Uint8Array[], type: number, stream: number, value: number): void {
  const payload = new Uint8Array(4)
  putUint32(payload, 0, value)
  writeFrame(output, type, 0, stream, payload)
}

export function writeGoaway(output: Uint8Array[], lastStream: number, code: number): void {
  const payload = new Uint8Array(8)
  putUint32(payload, 0, lastStream)
  putUint32(payload, 4, code)
  writeFrame(output, FRAME.GOAWAY, 0, 0, payload)
}

/** `settings`: identifier, value, identifier, value, … */
export function writeSettings(output: Uint8Array[], settings: readonly number[]): void {
  const payload = new Uint8Array(settings.length * 3)
  for (let at = 0; at < settings.length; at += 2) {
    payload[at * 3 + 1] = settings[at]!
    putUint32(payload, at * 3 + 2, settings[at + 1]!)
  }
  writeFrame(output, FRAME.SETTINGS, 0, 0, payload)
}

export function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
