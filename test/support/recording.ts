// Entries of a tape, written by hand for tests of what reads tapes: sequence numbers, defaults and sums filled in.

import { createHash } from 'node:crypto'
import type { Entry, EntryBodies, EntryKind, OpenBody, RequestBody } from '../../protocols/tape/entry.ts'

/** 2026-11-23T12:00:00Z in microseconds. */
export const OPENED_AT = Date.UTC(2026, 10, 23, 12) * 1000

export const TAPE_ID = '01KAQ9V2Y8J4M6T3S5R7W9X0ZA'

/** A tape being written. `at` is in milliseconds since it opened. */
export class Recording {
  readonly id: string
  readonly entries: Entry[] = []

  constructor(open: Partial<OpenBody> = {}) {
    this.id = open.tape ?? TAPE_ID
    this.add(0, 'open', {
      format: 1,
      tape: TAPE_ID,
      kind: 'api',
      openedAt: OPENED_AT,
      cluster: 'prod',
      client: '127.0.0.1:51234',
      writer: 'sallyport/0.1.0',
      ...open,
    })
  }

  add<K extends EntryKind>(at: number, kind: K, body: EntryBodies[K]): this {
    this.entries.push({ seq: this.entries.length, micros: Math.round(at * 1000), kind, body } as Entry)
    return this
  }

  /** A request head with its decision. */
  request(at: number, request: Partial<RequestBody>): this {
    this.add(at, 'request', requestBody(request))
    const exchange = request.exchange ?? 1
    return this.add(at, 'decision', { exchange, effect: 'allow', rule: 'readers', reason: 'a read' })
  }

  /** An answer with its body. */
  answer(at: number, exchange: number, status: number, body = ''): this {
    this.add(at, 'response', { exchange, status, fields: ['Content-Type', 'text/plain'], by: 'cluster' })
    const bytes = Buffer.from(body)
    const sha256 = createHash('sha256').update(bytes).digest()
    return this.add(at, 'responseBody', { exchange, bytes, end: { length: bytes.length, sha256, cut: false } })
  }

  /** Stream bytes: each run is [milliseconds after `at`, channel, text or bytes]. */
  stream(
    at: number,
    ...runs: readonly (readonly [after: number, channel: number, bytes: string | Uint8Array])[]
  ): this {
    const pieces = runs.map(([, , bytes]) => (typeof bytes === 'string' ? Buffer.from(bytes) : bytes))
    const flat = runs.flatMap(([after, channel], index) => [Math.round(after * 1000), channel, pieces[index]!.length])
    return this.add(at, 'stream', { runs: flat, bytes: new Uint8Array(Buffer.concat(pieces)) })
  }

  seal(at: number, reason = 'closed'): this {
    return this.add(at, 'seal', { reason, entries: this.entries.length + 1 })
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Entry> {
    yield* this.entries
  }
}

/** A request head with everything a test does not care about filled in: alice gets pods in prod. */
export function requestBody(request: Partial<RequestBody> = {}): RequestBody {
  return {
    exchange: 1,
    method: 'GET',
    target: '/api/v1/namespaces/prod/pods?limit=500',
    fields: ['User-Agent', 'kubectl/v1.37.0'],
    principal: { user: 'oidc:alice', groups: ['oidc:dev'], actor: '' },
    attributes: attributes('list', 'pods', { namespace: 'prod' }),
    command: [],
    auditId: '8f1c1d8e-0000-4000-8000-000000000001',
    ...request,
  }
}

export function attributes(
  verb: string,
  resource: string,
  rest: Partial<NonNullable<RequestBody['attributes']>> = {},
): NonNullable<RequestBody['attributes']> {
  return {
    verb,
    resource,
    apiGroup: '',
    apiVersion: 'v1',
    namespace: '',
    subresource: '',
    name: '',
    path: '/',
    ...rest,
  }
}

/** `kubectl exec -it shell -c main -- sh` on a terminal of 100 by 30: a prompt, a command, its output, exit code 3. */
export function execRecording(open: Partial<OpenBody> = {}): Recording {
  const exitStatus = {
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: 'command terminated with non-zero exit code',
    details: { causes: [{ reason: 'ExitCode', message: '3' }] },
  }
  return new Recording({ kind: 'exec', ...open })
    .request(0, {
      target: '/api/v1/namespaces/default/pods/shell/exec?command=sh&container=main&stdin=true&stdout=true&tty=true',
      attributes: attributes('exec', 'pods', { namespace: 'default', name: 'shell', subresource: 'exec' }),
      command: ['sh'],
      principal: { user: 'oidc:alice', groups: ['oidc:dev'], actor: 'agent-7' },
    })
    .add(5, 'response', { exchange: 1, status: 101, fields: [], by: 'cluster' })
    .stream(10, [0, 4, '{"Width":100,"Height":30}\n'])
    .stream(20, [0, 1, '$ '], [1000, 0, 'ls\r'], [1002, 1, 'ls\r\n'])
    .stream(5000, [0, 1, '\x1b[1;34mbin\x1b[0m\r\n'], [2, 3, JSON.stringify(exitStatus)])
    .seal(5010)
}

/** Everything that an async iterable gives (Array.fromAsync, which Node 20 has not). */
export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const value of values) list.push(value)
  return list
}
