// The load of the benchmark, one raw TLS client: GETs one after another on a connection, and execs in bulk or echoing.
// It reads just enough of an answer to know its end, so that its own cost is small and the same for every proxy.

import { connect, type TLSSocket } from 'node:tls'
import { limits } from '../../protocols/limits.ts'
import { SpdyConnection } from '../../protocols/spdy/connection.ts'
import { clientFrame, PIECE, spdyData } from './frames.ts'

export interface Target {
  readonly port: number
  readonly ca: Buffer
  readonly token: string
}

const EXEC = '/api/v1/namespaces/default/pods/p/exec?container=c'
const WEBSOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n'
const SPDY =
  'Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n'

/** A verified TLS connection; `protocols` are offered by ALPN. */
export function dial(target: Target, protocols: string[] = []): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port: target.port,
      servername: 'localhost',
      ca: target.ca,
      ALPNProtocols: protocols,
    })
    socket.setNoDelay(true)
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      socket.off('error', reject)
      socket.on('error', () => socket.destroy())
      resolve(socket)
    })
  })
}

function head(target: Target, method: string, path: string, more: string): string {
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kubectl/v1.37.2\r\nAccept: application/json\r\nAuthorization: Bearer ${target.token}\r\n${more}\r\n`
}

/** Milliseconds of each of `count` GETs on one kept connection. */
export async function kept(target: Target, path: string, count: number): Promise<number[]> {
  const socket = await dial(target)
  const request = Buffer.from(head(target, 'GET', path, ''))
  const times: number[] = []
  for (let done = 0; done < count; done++) times.push(await get(socket, request))
  socket.destroy()
  return times
}

/** Milliseconds of each of `count` GETs, each with a connection of its own. */
export async function fresh(target: Target, path: string, count: number): Promise<number[]> {
  const request = Buffer.from(head(target, 'GET', path, ''))
  const times: number[] = []
  for (let done = 0; done < count; done++) {
    const started = performance.now()
    const socket = await dial(target)
    await get(socket, request)
    times.push(performance.now() - started)
    socket.destroy()
  }
  return times
}

function get(socket: TLSSocket, request: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    let expected = -1
    let seen = 0
    let start = ''
    const finish = (): void => {
      socket.off('data', onData)
      socket.off('close', onClose)
    }
    const onClose = (): void => reject(new Error(`the connection closed after ${seen} bytes: ${start.slice(0, 300)}`))
    const onData = (chunk: Buffer): void => {
      seen += chunk.length
      if (expected < 0) {
        start += chunk.toString('latin1')
        const end = start.indexOf('\r\n\r\n')
        if (end < 0) return
        if (!start.startsWith('HTTP/1.1 200')) {
          finish()
          reject(new Error(start.slice(0, 500)))
          return
        }
        const length = /\r\ncontent-length: (\d+)/i.exec(start)
        if (length === null) {
          finish()
          reject(new Error('the benchmark needs Content-Length'))
          return
        }
        expected = end + 4 + Number(length[1])
      }
      if (seen < expected) return
      finish()
      resolve(performance.now() - started)
    }
    socket.on('data', onData)
    socket.on('close', onClose)
    socket.write(request)
  })
}

/** An exec that has been answered with 101; the bytes behind it are the caller's. */
export async function exec(target: Target, transport: 'websocket' | 'spdy', query: string): Promise<TLSSocket> {
  const socket = await dial(target)
  const method = transport === 'websocket' ? 'GET' : 'POST'
  socket.write(head(target, method, EXEC + query, transport === 'websocket' ? WEBSOCKET : SPDY))
  await new Promise<void>((resolve, reject) => {
    let start = ''
    const onData = (chunk: Buffer): void => {
      start += chunk.toString('latin1')
      const end = start.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.off('data', onData)
      socket.pause()
      if (!start.startsWith('HTTP/1.1 101')) {
        reject(new Error(start.slice(0, 500)))
        return
      }
      socket.unshift(Buffer.from(start.slice(end + 4), 'latin1'))
      resolve()
    }
    socket.on('data', onData)
    socket.once('close', () => reject(new Error('closed before 101')))
  })
  return socket
}

/** Seconds until `bytes` of stdout have come and the connection has ended. */
export async function bulkOut(
  target: Target,
  transport: 'websocket' | 'spdy',
  bytes: number,
  what: 'out' | 'text' = 'out',
): Promise<number> {
  const socket = await exec(target, transport, `&command=${what}&command=${bytes}&stdout=true&stderr=true`)
  const started = performance.now()
  if (transport === 'spdy') await openStreams(socket, ['error', 'stdout', 'stderr'], false)
  const seen = await drained(socket)
  if (seen < bytes) throw new Error(`only ${seen} of ${bytes} bytes came`)
  return (performance.now() - started) / 1000
}

/** Seconds until `bytes` of stdin have been taken and the connection has ended. */
export async function bulkIn(target: Target, transport: 'websocket' | 'spdy', bytes: number): Promise<number> {
  const frames = Math.ceil(bytes / PIECE)
  const payload = Buffer.alloc(PIECE, 'i')
  const frame = transport === 'websocket' ? clientFrame(0, payload) : spdyData(3, payload, false)
  const query = `&command=in&command=${frames * frame.length}&stdin=true&stdout=true&stderr=true`
  const socket = await exec(target, transport, query)
  if (transport === 'spdy') await openStreams(socket, ['error', 'stdin', 'stdout', 'stderr'], true)
  const started = performance.now()
  let left = frames
  const more = (): void => {
    while (left > 0) {
      left -= 1
      if (!socket.write(frame)) {
        socket.once('drain', more)
        return
      }
    }
  }
  more()
  await drained(socket)
  if (left > 0) throw new Error('the connection ended before stdin did')
  return (performance.now() - started) / 1000
}

/** Opens the streams as client-go does, in order; with `wait` only returns when all have been replied to. */
async function openStreams(socket: TLSSocket, types: readonly string[], wait: boolean): Promise<void> {
  const machine = new SpdyConnection('client', limits.spdy)
  types.forEach((type, index) => {
    machine.send({ type: 'synStream', streamId: 2 * index + 1, headers: ['streamtype', type] })
  })
  for (const piece of machine.takeOutput()) socket.write(piece)
  if (!wait) return
  let replies = 0
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      for (const event of machine.receive(chunk)) if (event.type === 'synReply') replies += 1
      if (replies < types.length) return
      socket.off('data', onData)
      resolve()
    }
    socket.on('data', onData)
    socket.once('close', () => reject(new Error('closed before the streams were open')))
    socket.resume()
  })
}

function drained(socket: TLSSocket): Promise<number> {
  return new Promise((resolve) => {
    let seen = 0
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.length
    })
    socket.once('close', () => resolve(seen))
    socket.resume()
  })
}

/** Milliseconds of each of `count` round trips of 16 bytes through an exec. */
export async function echo(target: Target, count: number): Promise<number[]> {
  const socket = await exec(target, 'websocket', '&command=echo&stdin=true&stdout=true&stderr=true')
  const frame = clientFrame(0, Buffer.alloc(16, 'e'))
  const times: number[] = []
  let heard: () => void = () => undefined
  let pending = 0
  socket.on('data', (chunk: Buffer) => {
    // The opening frame of 3 bytes comes first; then one frame of 19 for each of ours.
    pending += chunk.length
    if (pending >= 3 + 19 * (times.length + 1)) heard()
  })
  socket.resume()
  for (let done = 0; done < count; done++) {
    const started = performance.now()
    await new Promise<void>((resolve) => {
      heard = resolve
      socket.write(frame)
    })
    times.push(performance.now() - started)
  }
  socket.destroy()
  return times
}

/** Opens `count` execs that say nothing, and leaves them open. */
export async function idle(target: Target, count: number): Promise<TLSSocket[]> {
  const sockets: TLSSocket[] = []
  for (let done = 0; done < count; done++) {
    const socket = await exec(target, 'websocket', '&command=idle&stdin=true&stdout=true&stderr=true')
    socket.resume()
    sockets.push(socket)
  }
  return sockets
}

/** `count` connections that are kept after one GET each, as clients keep them. */
export async function connections(target: Target, path: string, count: number): Promise<TLSSocket[]> {
  const request = Buffer.from(head(target, 'GET', path, ''))
  const sockets: TLSSocket[] = []
  const one = async (): Promise<TLSSocket> => {
    const socket = await dial(target)
    await get(socket, request)
    return socket
  }
  // Few at a time: a burst of handshakes is another measurement.
  while (sockets.length < count) sockets.push(...(await Promise.all([one(), one(), one(), one()])))
  for (const socket of sockets) socket.resume()
  return sockets
}
