// The load of the benchmark over HTTP/2, by node:http2: GETs on one connection, so many at a time or so many a second, and
// watches that stay open.

import { type ClientHttp2Session, connect } from 'node:http2'
import { dial, type Target } from './load.ts'

async function session(target: Target): Promise<ClientHttp2Session> {
  const socket = await dial(target, ['h2'])
  const opened = connect('https://localhost', {
    createConnection: () => socket,
    // As client-go's: a large window, so that the proxy is what is measured.
    settings: { enablePush: false, initialWindowSize: 4_194_304 },
  })
  opened.on('error', () => undefined)
  await new Promise((resolve, reject) => opened.once('remoteSettings', resolve).once('close', reject))
  opened.setLocalWindowSize(1 << 24)
  return opened
}

function fields(target: Target, path: string): Record<string, string> {
  return {
    ':path': path,
    ':authority': 'localhost',
    'user-agent': 'kubectl/v1.37.2',
    accept: 'application/json',
    authorization: `Bearer ${target.token}`,
  }
}

/** Milliseconds of one GET. */
function get(opened: ClientHttp2Session, target: Target, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const stream = opened.request(fields(target, path), { endStream: true })
    let status: unknown
    stream.on('response', (answer) => {
      status = answer[':status']
    })
    stream.on('error', reject)
    stream.on('end', () => {
      if (status === 200) resolve(performance.now() - started)
      else reject(new Error(`the answer was ${status}`))
    })
    stream.resume()
  })
}

/** Milliseconds of each of `count` GETs on one connection, `together` under way at any time. */
export async function keptHttp2(target: Target, path: string, count: number, together: number): Promise<number[]> {
  const opened = await session(target)
  const times: number[] = []
  let left = count
  const worker = async (): Promise<void> => {
    while (left-- > 0) times.push(await get(opened, target, path))
  }
  await Promise.all(Array.from({ length: together }, worker))
  opened.destroy()
  return times
}

/** Milliseconds of each of `count` GETs on one connection, begun at an even pace of `perSecond`, answered or not. */
export async function paced(target: Target, path: string, count: number, perSecond: number): Promise<number[]> {
  const opened = await session(target)
  const answers: Promise<number>[] = []
  const started = performance.now()
  while (answers.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - started) / 1000) * perSecond))
    while (answers.length < due) answers.push(get(opened, target, path))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const times = await Promise.all(answers)
  opened.destroy()
  return times
}

/** `count` watches on one connection, answered and silent. */
export async function watches(target: Target, count: number): Promise<ClientHttp2Session> {
  const opened = await session(target)
  const begun: Promise<unknown>[] = []
  for (let done = 0; done < count; done++) {
    const path = `/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=${done}`
    const stream = opened.request(fields(target, path), { endStream: true })
    stream.on('error', () => undefined)
    stream.resume()
    begun.push(new Promise((resolve, reject) => stream.once('response', resolve).once('error', reject)))
    // The cluster allows 100 streams before its settings are known, and more after.
    if (begun.length % 50 === 0) await Promise.all(begun)
  }
  await Promise.all(begun)
  return opened
}
