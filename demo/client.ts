// The tour's calls without kubectl: GET, PUT and DELETE over HTTPS, and exec over a WebSocket (v5.channel.k8s.io), one
// connection each. It shows answers as kubectl would, and nothing of an answer that it does not understand.

import { createHash, randomBytes, randomInt } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { Duplex } from 'node:stream'
import { table } from '../cli/table.ts'
import { drive, flush } from '../gateway/drive.ts'
import { CHANNEL } from '../protocols/kube/channels.ts'
import { limits } from '../protocols/limits.ts'
import { WebSocketConnection } from '../protocols/websocket/connection.ts'
import { OPCODE } from '../protocols/websocket/events.ts'
import type { Call, Caller, ExecCall, Result } from './call.ts'
import { at, listAt, textAt } from './cluster/object.ts'

export interface ClientOptions {
  /** The gateway's address. */
  readonly server: string
  /** The authority of its certificate, PEM. */
  readonly ca: string
  readonly token: string
  /** Why it calls, for people who must say yes (`Sallyport-Intent`); not said if absent. */
  readonly intent?: string
}

/** Longer than a call may wait for a person's yes. */
const DEADLINE_MILLIS = 150_000
const PROTOCOL = 'v5.channel.k8s.io'
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

/** A caller that is its own client. */
export function ownCaller(options: ClientOptions): Caller {
  return (call) => {
    switch (call.verb) {
      case 'list':
        return list(options, call)
      case 'get':
        return reveal(options, call)
      case 'update':
        return writeBack(options, call)
      case 'delete':
        return remove(options, call)
      case 'exec':
        return execute(options, call)
    }
  }
}

async function list(options: ClientOptions, { resource, namespace }: Extract<Call, { verb: 'list' }>): Promise<Result> {
  const path = resource === 'namespaces' ? '/api/v1/namespaces' : `/api/v1/namespaces/${namespace || 'default'}/pods`
  const { status, body } = await ask(options, 'GET', `${path}?limit=500`, { accept: TABLE })
  if (status !== 200 || at(body, 'kind') !== 'Table') return failure(body)
  // Columns of a priority above 0 are for `-o wide`.
  const columns = listAt(body, 'columnDefinitions').map((column, index) => ({
    index,
    title: textAt(column, 'name').toUpperCase(),
    shown: at(column, 'priority') === 0,
  }))
  const shown = columns.filter((column) => column.shown)
  const rows = listAt(body, 'rows').map((row) => shown.map(({ index }) => String(listAt(row, 'cells')[index] ?? '')))
  return { text: rows.length === 0 ? 'No resources found.\n' : table(shown, rows), code: 0 }
}

async function reveal(
  options: ClientOptions,
  { secret, key, namespace }: Extract<Call, { verb: 'get' }>,
): Promise<Result> {
  const { status, body } = await ask(options, 'GET', secretPath(secret, namespace), {})
  if (status !== 200) return failure(body)
  return { text: Buffer.from(textAt(body, `data.${key}`), 'base64').toString('utf8'), code: 0 }
}

async function writeBack(
  options: ClientOptions,
  { secret, namespace }: Extract<Call, { verb: 'update' }>,
): Promise<Result> {
  const path = secretPath(secret, namespace)
  const read = await ask(options, 'GET', path, {})
  if (read.status !== 200) return failure(read.body)
  const json = { 'content-type': 'application/json' }
  const { status, body } = await ask(options, 'PUT', path, json, JSON.stringify(read.body))
  return status === 200 ? { text: `secret/${secret} replaced\n`, code: 0 } : failure(body)
}

function secretPath(name: string, namespace: string): string {
  return `/api/v1/namespaces/${namespace || 'default'}/secrets/${name}`
}

async function remove(
  options: ClientOptions,
  { deployment, namespace }: Extract<Call, { verb: 'delete' }>,
): Promise<Result> {
  const { status, body } = await ask(
    options,
    'DELETE',
    `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`,
    {},
  )
  return status === 200 ? { text: `deployment.apps "${deployment}" deleted\n`, code: 0 } : failure(body)
}

/** As kubectl prints a Status (kubectl pkg/cmd/util/helpers.go). */
function failure(body: unknown): Result {
  const reason = textAt(body, 'reason')
  if (reason === 'Invalid') {
    const causes = listAt(body, 'details.causes').map((one) => `${textAt(one, 'field')}: ${textAt(one, 'message')}`)
    return { text: `The request is invalid: ${causes.join(', ')}\n`, code: 1 }
  }
  return {
    text: `Error from server${reason === '' ? '' : ` (${reason})`}: ${textAt(body, 'message') || 'no message'}\n`,
    code: 1,
  }
}

function ask(
  options: ClientOptions,
  method: string,
  path: string,
  headers: Record<string, string>,
  sent?: string,
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, options.server), {
      method,
      ca: options.ca,
      agent: false,
      timeout: DEADLINE_MILLIS,
      headers: { ...headers, ...claims(options) },
    })
    asked.on('timeout', () => asked.destroy(new Error('the gateway did not answer in time')))
    asked.on('error', reject)
    asked.on('response', (response) => {
      textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, body: jsonOf(text) }), reject)
    })
    asked.end(sent)
  })
}

/** Who calls, and why. */
function claims({ token, intent }: ClientOptions): Record<string, string> {
  return { authorization: `Bearer ${token}`, ...(intent !== undefined && { 'sallyport-intent': intent }) }
}

function execute(options: ClientOptions, { pod, container, namespace, argv }: ExecCall): Promise<Result> {
  const query = new URLSearchParams({ container, stdout: 'true', stderr: 'true' })
  for (const word of argv) query.append('command', word)
  const key = randomBytes(16).toString('base64')
  return new Promise((resolve, reject) => {
    const asked = request(
      new URL(`/api/v1/namespaces/${namespace || 'default'}/pods/${pod}/exec?${query}`, options.server),
      {
        ca: options.ca,
        agent: false,
        timeout: DEADLINE_MILLIS,
        headers: {
          ...claims(options),
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': key,
          'sec-websocket-protocol': PROTOCOL,
        },
      },
    )
    asked.on('timeout', () => asked.destroy(new Error('the gateway did not answer in time')))
    asked.on('error', reject)
    asked.on('response', (response) => {
      textOf(response).then((text) => resolve(failure(jsonOf(text))), reject)
    })
    asked.on('upgrade', (response: IncomingMessage, socket: Duplex, head: Uint8Array) => {
      const { 'sec-websocket-accept': accept, 'sec-websocket-protocol': protocol } = response.headers
      if (accept !== acceptFor(key) || protocol !== PROTOCOL) {
        socket.destroy()
        reject(new Error('the answer to the upgrade is not the one that was asked for'))
        return
      }
      readSession(socket, head).then(resolve, reject)
    })
    asked.end()
  })
}

/** Reads both outputs and the Status until the session ends. */
function readSession(socket: Duplex, head: Uint8Array): Promise<Result> {
  return new Promise((resolve, reject) => {
    const machine = new WebSocketConnection('client', limits.websocket, () => randomInt(2 ** 32))
    const pieces = new Map<number, Buffer[]>()
    let channel = -1
    const text = (...channels: number[]): string =>
      Buffer.concat(channels.flatMap((one) => pieces.get(one) ?? [])).toString('utf8')
    drive(
      socket,
      machine,
      {
        event(event) {
          if (event.type === 'failed') {
            socket.destroy()
          } else if (event.opcode === OPCODE.CLOSE) {
            machine.send({ type: 'close', code: 1000, reason: '' })
            flush(socket, machine)
            socket.end()
          } else if (event.opcode === OPCODE.BINARY || event.opcode === OPCODE.CONTINUATION) {
            let payload = event.payload
            if (event.start && event.opcode === OPCODE.BINARY) channel = -1
            if (channel === -1 && payload.length > 0) {
              channel = payload[0] ?? -1
              payload = payload.subarray(1)
            }
            const kind = channel === CHANNEL.ERROR ? CHANNEL.ERROR : CHANNEL.STDOUT
            pieces.set(kind, [...(pieces.get(kind) ?? []), Buffer.from(payload)])
          }
        },
        closed() {
          const status = jsonOf(text(CHANNEL.ERROR))
          const output = text(CHANNEL.STDOUT)
          if (textAt(status, 'status') === 'Success') resolve({ text: output, code: 0 })
          else if (textAt(status, 'status') === '') reject(new Error('the session ended without a status'))
          else resolve({ text: `${output}${textAt(status, 'message')}\n`, code: exitCode(status) })
        },
      },
      head,
    )
  })
}

function exitCode(status: unknown): number {
  const cause = listAt(status, 'details.causes').find((one) => textAt(one, 'reason') === 'ExitCode')
  return Number(textAt(cause, 'message')) || 1
}

/** RFC 6455 section 4.2.2. */
function acceptFor(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of response as AsyncIterable<Uint8Array>) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
