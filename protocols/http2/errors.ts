// What an HTTP/2 peer did wrong, with the error code that tells it so (RFC 9113 section 7).

import { PeerError } from '../errors.ts'

export const ERROR_CODE = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const

export class Http2Error extends PeerError {
  readonly protocol = 'http2'
  /** An error code of RFC 9113 section 7. */
  readonly code: number

  constructor(code: number, rule: string, explanation: string) {
    super(rule, explanation)
    this.code = code
  }
}

/** PROTOCOL_ERROR. */
export function wrong(rule: string, explanation: string): Http2Error {
  return new Http2Error(ERROR_CODE.PROTOCOL_ERROR, rule, explanation)
}

/** FRAME_SIZE_ERROR. */
export function sizeError(rule: string): Http2Error {
  return new Http2Error(ERROR_CODE.FRAME_SIZE_ERROR, rule, 'a frame of a length that its type does not have')
}

/** STREAM_CLOSED. */
export function streamClosed(rule: string): Http2Error {
  return new Http2Error(ERROR_CODE.STREAM_CLOSED, rule, 'a frame for a stream that the peer has closed')
}

/** ENHANCE_YOUR_CALM. */
export function calm(rule: string, explanation: string): Http2Error {
  return new Http2Error(ERROR_CODE.ENHANCE_YOUR_CALM, rule, explanation)
}
