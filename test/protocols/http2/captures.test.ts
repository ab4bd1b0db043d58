// HTTP/2 connections of real kubectl to a real API server: each side's stream means the same under any cut, and is never
// refused.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { field } from '../../../protocols/fields.ts'
import type { Http2ServerEvent } from '../../../protocols/http2/events.ts'
import { assertAnyCut } from '../../support/cut.ts'
import { asking, freshServer, joinData } from './frames.ts'

interface Chunk {
  readonly from: 'client' | 'cluster'
  readonly bytes: string
}

const SHELL = '/api/v1/namespaces/default/pods/shell'
/** The paths of each connection, with what its answer begins with; undefined: it does not end, and says nothing yet. */
const CAPTURES: readonly { file: string; asked: readonly (readonly [path: RegExp, begins: string | undefined])[] }[] = [
  {
    file: 'get-pods.kubectl-1.37/c44.jsonl',
    asked: [[/^\/api\/v1\/namespaces\/default\/pods\?limit=500$/, '{"kind":"Table"']],
  },
  {
    file: 'get-secret-yaml.kubectl-1.20/c03.jsonl',
    asked: [[/^\/api\/v1\/namespaces\/default\/secrets\/db$/, '{"kind":"Secret"']],
  },
  {
    file: 'logs.kubectl-1.27/c25.jsonl',
    asked: [
      [/^\/api\/v1\/namespaces\/default\/pods\/[a-z]+$/, '{"kind":"Pod"'],
      [/\/log\?.*tailLines=5/, 'tick '],
    ],
  },
  {
    file: 'cp-upload.kubectl-1.37/c58.jsonl',
    asked: [
      [new RegExp(`^${SHELL}$`), 'k8s\0'],
      [new RegExp(`^${SHELL}$`), 'k8s\0'],
    ],
  },
  {
    file: 'watch-pods.kubectl-1.37/c57.jsonl',
    asked: [
      [/^\/api\/v1\/namespaces\/default\/pods\?limit=500$/, '{"kind":"Table"'],
      [/[?&]watch=true/, undefined],
    ],
  },
]

for (const { file, asked } of CAPTURES) {
  const url = new URL(`../../vectors/captures/${file}`, import.meta.url)
  const chunks = readFileSync(url, 'utf8').trim().split('\n').slice(1)
  const stream = (from: Chunk['from']): Buffer => {
    const side = chunks.map((line) => JSON.parse(line) as Chunk).filter((chunk) => chunk.from === from)
    return Buffer.concat(side.map((chunk) => Buffer.from(chunk.bytes, 'base64')))
  }

  test(`the client of ${file} asks for what kubectl was told to get`, () => {
    const { events } = assertAnyCut(freshServer, stream('client'), { join: joinData })
    const requests = events.filter((event): event is Http2ServerEvent & { type: 'request' } => event.type === 'request')
    assert.equal(requests.length, asked.length)
    for (const [at, { stream: id, head, end }] of requests.entries()) {
      assert.deepEqual([id, head.method, end], [2 * at + 1, 'GET', true])
      assert.match(head.path, asked[at]![0])
      assert.equal(field(head.fields, 'authorization'), 'Bearer test-token')
      assert.match(field(head.fields, 'user-agent') ?? '', /^kubectl/)
    }
    const others = events.filter(({ type }) => type !== 'request').map(({ type }) => type)
    assert.deepEqual(others, [])
  })

  test(`the cluster of ${file} answers it`, () => {
    const make = (): ReturnType<typeof asking> => asking(...asked.map(() => 'GET'))
    const { events } = assertAnyCut(make, stream('cluster'), { join: joinData })
    for (const [at, [, begins]] of asked.entries()) {
      const own = events.filter((event) => 'stream' in event && event.stream === 2 * at + 1)
      const [response, body, end] = own
      assert.ok(response?.type === 'response' && response.head.status === 200)
      assert.ok(field(response.head.fields, 'audit-id') !== undefined)
      if (begins === undefined) {
        assert.equal(own.length, 1)
        continue
      }
      assert.ok(body?.type === 'data')
      assert.ok(Buffer.from(body.bytes).toString('latin1').startsWith(begins))
      assert.deepEqual(end, { type: 'end', stream: 2 * at + 1, trailers: [] })
      assert.equal(own.length, 3)
    }
    assert.equal(events.at(-1)?.type === 'failed', false)
  })
}
