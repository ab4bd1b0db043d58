// Upgrade connections of real kubectl to a real API server: both sides' heads are read, under any cut, and all
// that follows a 101 is handed on untouched.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { field, fieldValues } from '../../../protocols/fields.ts'
import { assertAnyCut } from '../../support/cut.ts'
import { joinData, server, upgrading } from './messages.ts'

interface Chunk {
  readonly from: 'client' | 'cluster'
  readonly bytes: string
}

const SPDY = { method: 'POST', upgrade: 'spdy/3.1' }
const WEBSOCKET = { method: 'GET', upgrade: 'websocket' }
const CAPTURES = [
  { file: 'exec-output.kubectl-1.20/c06.jsonl', ...SPDY },
  { file: 'exec-output.kubectl-1.27/c20.jsonl', ...SPDY },
  { file: 'exec-stdin-100k-spdy.kubectl-1.37/c64.jsonl', ...SPDY },
  { file: 'exec-tty.kubectl-1.37/c52.jsonl', ...WEBSOCKET },
  { file: 'attach.kubectl-1.37/c62.jsonl', ...WEBSOCKET },
  { file: 'cp-upload.kubectl-1.37/c59.jsonl', ...WEBSOCKET },
]

for (const { file, method, upgrade } of CAPTURES) {
  const url = new URL(`../../vectors/captures/${file}`, import.meta.url)
  const chunks = readFileSync(url, 'utf8').trim().split('\n').slice(1)
  const stream = (from: Chunk['from']): Buffer => {
    const side = chunks.map((line) => JSON.parse(line) as Chunk).filter((chunk) => chunk.from === from)
    return Buffer.concat(side.map((chunk) => Buffer.from(chunk.bytes, 'base64')))
  }

  test(`the request of ${file} asks for ${upgrade}`, () => {
    const bytes = stream('client')
    const heard = assertAnyCut(server, bytes, {
      act: (event, machine) => {
        if (event.type === 'end') machine.send({ type: 'switch', fields: [] })
      },
      observe: (machine) => machine.takeTrailing(),
    })
    const [request, end] = heard.events
    assert.ok(request?.type === 'request')
    assert.equal(request.head.method, method)
    assert.equal(request.upgrade, upgrade)
    assert.equal(request.framing, 0)
    assert.match(request.head.target, /^\/api\/v1\/namespaces\/default\/pods\/[a-z]+\/(exec|attach)\?/)
    assert.equal(field(request.head.fields, 'authorization'), 'Bearer test-token')
    if (upgrade === 'spdy/3.1') assert.ok(fieldValues(request.head.fields, 'x-stream-protocol-version').length >= 4)
    assert.equal(end?.type, 'end')
    assert.deepEqual(heard.observed, behindHead(bytes))
  })

  test(`the answer of ${file} is its 101`, () => {
    const bytes = stream('cluster')
    const heard = assertAnyCut(upgrading, bytes, {
      join: joinData,
      end: true,
      observe: (machine) => machine.takeTrailing(),
    })
    const [answer] = heard.events
    assert.ok(answer?.type === 'switched')
    assert.equal(answer.head.status, 101)
    assert.equal(field(answer.head.fields, 'upgrade')?.toLowerCase(), upgrade)
    assert.deepEqual(heard.observed, behindHead(bytes))
    assert.equal(heard.events.length, 1)
  })
}

function behindHead(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4))
}
