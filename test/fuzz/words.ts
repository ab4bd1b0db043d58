// Words of the grammars that more than one target reads.

/** Lines and pieces of HTTP/1.1, right and wrong; what smugglers use. */
export const HTTP1_WORDS: readonly string[] = [
  '\r\n',
  '\r\n\r\n',
  '\n',
  '\r',
  '\0',
  '\t',
  '\r\n ',
  ': ',
  '+',
  '-',
  '0x',
  ',',
  ';',
  '_',
  '\x0b',
  '\x80',
  ' ',
  ' HTTP/1.1\r\n',
  'HTTP/1.0',
  'HTTP/2.0',
  'GET ',
  'POST ',
  'HEAD ',
  'OPTIONS ',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\n',
  'Host: a\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: +0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive\r\n',
  'Connection: Upgrade\r\n',
  'Upgrade: websocket\r\n',
  'Expect: 100-continue\r\n',
  'Trailer: a\r\n',
  'A_b: c\r\n',
  'X-Remote-User: a\r\n',
  '0\r\n\r\n',
  '1\r\na\r\n',
  'ffffffff\r\n',
  '00000000000000005\r\n',
  '5;a=b\r\n',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\n\r\n',
  'HTTP/1.0 200 OK\r\n\r\n',
]

/** WebSocket frames of a server: each opcode, whole and begun, lengths of each form, and text that is and is not UTF-8. */
export const PLAIN_FRAMES: readonly Uint8Array[] = [
  Buffer.from('8100', 'hex'),
  Buffer.from('0101c3', 'hex'),
  Buffer.from('8001a4', 'hex'),
  Buffer.from('8004f09f92a5', 'hex'),
  Buffer.from('0203010203', 'hex'),
  Buffer.from('827e0080', 'hex'),
  Buffer.from('827f0000000000010000', 'hex'),
  Buffer.from('8800', 'hex'),
  Buffer.from('880203e8', 'hex'),
  Buffer.from('890470696e67', 'hex'),
  Buffer.from('8a00', 'hex'),
]

/** The same of a client, under the key 0, which leaves the payload readable. */
export const MASKED_FRAMES: readonly Uint8Array[] = PLAIN_FRAMES.map(masked)

function masked(frame: Uint8Array): Uint8Array {
  const lead = frame[1]!
  const header = lead === 126 ? 4 : lead === 127 ? 10 : 2
  const bytes = Buffer.concat([frame.subarray(0, header), new Uint8Array(4), frame.subarray(header)])
  bytes[1] = lead | 0x80
  return bytes
}

/** SPDY frames without a header block: each type, for the streams that tests have open. */
export const SPDY_FRAMES: readonly Uint8Array[] = [
  Buffer.from('0000000300000001', 'hex'),
  Buffer.from('000000030100000178', 'hex'),
  Buffer.from('8003000300000008', 'hex'),
  Buffer.from('80030003000000080000000300000005', 'hex'),
  Buffer.from('800300040000000c00000001000000040000ffff', 'hex'),
  Buffer.from('800300060000000400000001', 'hex'),
  Buffer.from('80030007000000080000000000000000', 'hex'),
  Buffer.from('80030009000000080000000300010000', 'hex'),
  Buffer.from('80030001', 'hex'),
  Buffer.from('80030002', 'hex'),
  Buffer.from('80030008', 'hex'),
]
