// The demo's cluster for a test, with what it holds at first; and requests to it as the gateway would make them.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { type DemoCluster, startCluster } from '../../../demo/cluster/cluster.ts'
import { seed } from '../../../demo/cluster/seed.ts'
import { peerIdentity } from '../../support/peer-pki.ts'

const TOKEN = 'gateway-token'

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  readonly json: Record<string, unknown>
}

export interface Upgraded {
  readonly socket: Duplex
  readonly head: Uint8Array
  readonly headers: IncomingMessage['headers']
}

export interface TestCluster {
  readonly cluster: DemoCluster
  ask(
    method: string,
    path: string,
    headers?: Record<string, string | string[]>,
    body?: string | Uint8Array,
  ): Promise<Answer>
  /** Resolves with the first lines of an answer that goes on, and ends it. */
  lines(path: string, count: number, meanwhile?: () => unknown): Promise<string[]>
  upgrade(method: string, path: string, headers: Record<string, string | string[]>): Promise<Upgraded | Answer>
  close(): Promise<void>
}

export async function testCluster(): Promise<TestCluster> {
  const identity = await peerIdentity()
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-demo-test-'))
  const cluster = await startCluster({ cert: identity.cert, key: identity.key, token: TOKEN, folder, port: 0 })
  const stopSeed = await seed(cluster.store)
  const identified = { authorization: `Bearer ${TOKEN}`, 'impersonate-user': 'oidc:alice' }
  const send = (method: string, path: string, headers: Record<string, string | string[]>) =>
    request(new URL(path, cluster.url), {
      method,
      ca: identity.ca,
      agent: false,
      headers: { ...identified, ...headers },
    })
  return {
    cluster,
    ask: (method, path, headers = {}, body) =>
      new Promise((resolve, reject) => {
        const asked = send(method, path, headers)
        asked.on('error', reject)
        asked.on('response', (response) => answerOf(response).then(resolve, reject))
        asked.end(body)
      }),
    lines: (path, count, meanwhile) =>
      new Promise((resolve, reject) => {
        const asked = send('GET', path, {})
        asked.on('error', reject)
        asked.on('response', (response) => {
          let text = ''
          response.on('data', (bytes: Uint8Array) => {
            text += Buffer.from(bytes).toString()
            const lines = text.split('\n')
            if (lines.length <= count) return
            response.destroy()
            resolve(lines.slice(0, count))
          })
          meanwhile?.()
        })
        asked.end()
      }),
    upgrade: (method, path, headers) =>
      new Promise((resolve, reject) => {
        const asked = send(method, path, { connection: 'Upgrade', ...headers })
        asked.on('error', reject)
        asked.on('upgrade', (response, socket, head) => resolve({ socket, head, headers: response.headers }))
        asked.on('response', (response) => answerOf(response).then(resolve, reject))
        asked.end()
      }),
    async close() {
      stopSeed()
      await cluster.close()
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** The fields of a WebSocket request with that subprotocol. */
export function websocketFields(protocol: string): Record<string, string> {
  return {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-protocol': protocol,
  }
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  const pieces: Uint8Array[] = []
  for await (const piece of response as AsyncIterable<Uint8Array>) pieces.push(piece)
  const text = Buffer.concat(pieces).toString('utf8')
  let json: Record<string, unknown> = {}
  try {
    json = JSON.parse(text) as Record<string, unknown>
  } catch {
    // Not all answers are JSON.
  }
  return { status: response.statusCode ?? 0, headers: response.headers, text, json }
}
