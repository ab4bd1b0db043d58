// Frames made once and written many times: bulk payloads as kubectl and the kubelet cut them.

/** Payload bytes of one bulk frame: kubectl's io.Copy buffer (cri-streaming and client-go, 32 KiB). */
export const PIECE = 32_768

/** A server's WebSocket frame with the channel byte in front (RFC 6455 section 5.2). */
export function serverFrame(channel: number, payload: Uint8Array): Buffer {
  const length = payload.length + 1
  return Buffer.concat([frameHead(0x82, length, 0), Buffer.from([channel]), payload])
}

/** A client's frame, masked with a fixed key: the mask's value does not matter to the time it takes. */
export function clientFrame(channel: number, payload: Uint8Array): Buffer {
  const mask = [0x12, 0x34, 0x56, 0x78]
  const masked = Buffer.concat([Buffer.from([channel]), payload])
  for (let at = 0; at < masked.length; at++) masked[at] = (masked[at] as number) ^ (mask[at & 3] as number)
  return Buffer.concat([frameHead(0x82, masked.length, 0x80), Buffer.from(mask), masked])
}

function frameHead(first: number, length: number, maskBit: number): Buffer {
  if (length < 126) return Buffer.from([first, maskBit | length])
  if (length < 65_536) return Buffer.from([first, maskBit | 126, length >> 8, length & 0xff])
  const head = Buffer.alloc(10)
  head[0] = first
  head[1] = maskBit | 127
  head.writeUInt32BE(length, 6)
  return head
}

/** A SPDY/3.1 data frame. */
export function spdyData(streamId: number, payload: Uint8Array, fin: boolean): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(streamId, 0)
  head.writeUInt32BE(payload.length, 4)
  head[4] = fin ? 1 : 0
  return Buffer.concat([head, payload])
}

/** Bytes of an application's log, a line each 150 bytes or so, of which nothing is to be masked: as a cluster's pods write it. */
export function logText(length: number): Buffer {
  const lines: string[] = []
  for (let at = 0, line = 0; at < length; line++) {
    const time = new Date(Date.UTC(2026, 10, 28, 20) + line * 137).toISOString()
    const trace = Math.imul(line, 2_654_435_761) >>> 0
    const item = Math.imul(line, 7_919) % 100_000
    const text = `${time} INFO server: handled method=GET path=/api/v1/items/${item} status=200 duration=${line % 97}ms agent="kube-probe/1.37" trace=${trace.toString(16)}\n`
    lines.push(text)
    at += text.length
  }
  return Buffer.from(lines.join(''), 'latin1').subarray(0, length)
}
