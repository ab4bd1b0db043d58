// A whole gateway that learns all Secrets of its cluster before anybody has asked for one.

import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfig } from '../../../gateway/config.ts'
import { openAtRest } from '../../../replay/store-at-rest.ts'
import { StoredTapes } from '../../../replay/stored-tapes.ts'
import { decoded } from '../../../replay/tapes.ts'
import { GatewayFixture } from '../../support/running-gateway.ts'

const VALUE = 'correct-horse-battery'
const LATER = 'staple-9f3k-lime'

function secret(name: string, value: string, resourceVersion: string): object {
  return { metadata: { name, namespace: 'n', resourceVersion }, data: { k: Buffer.from(value).toString('base64') } }
}

test('values of Secrets that nobody has read are masked, new ones as soon as they are watched; no file holds any', async (t) => {
  const seen = new EventEmitter()
  const watched = once(seen, 'watch')
  const asked: IncomingHttpHeaders[] = []
  const fixture = await GatewayFixture.open(
    (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'https://cluster')
      response.setHeader('Content-Type', 'application/json')
      if (pathname !== '/api/v1/secrets') {
        response.end(JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', data: { a: VALUE, b: LATER } }))
        return
      }
      asked.push(request.headers)
      if (searchParams.get('watch') === 'true') {
        response.flushHeaders()
        seen.emit('watch', response)
        return
      }
      response.end(JSON.stringify({ metadata: { resourceVersion: '5' }, items: [secret('one', VALUE, '4')] }))
    },
    undefined,
    (config) => {
      const [cluster] = config.clusters as object[]
      Object.assign(cluster as object, { learnSecrets: { as: { user: 'reader', groups: ['auditors'] } } })
    },
  )
  t.after(() => fixture.remove())
  const token = await fixture.token()
  const config = { path: '/api/v1/namespaces/n/configmaps/c', token }
  const [response] = await watched
  const before = JSON.parse((await fixture.call(config)).body)
  assert.deepEqual(before.data, { a: `~mask~${'~'.repeat(VALUE.length - 6)}`, b: LATER })
  response.write(`${JSON.stringify({ type: 'ADDED', object: secret('two', LATER, '6') })}\n`)
  let body: string
  do body = (await fixture.call(config)).body
  while (body.includes(LATER))
  assert.equal(asked[0]?.['impersonate-user'], 'reader')
  assert.equal(asked[0]?.['impersonate-group'], 'auditors')

  // A reload learns anew, as the new configuration says.
  const again = once(seen, 'watch')
  fixture.gateway.reload(readConfig(fixture.config))
  await again
  assert.equal(asked.length, 4)
  await fixture.close()

  for (const entry of readdirSync(fixture.data, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const bytes = readFileSync(join(entry.parentPath, entry.name))
    for (const value of [VALUE, btoa(VALUE), btoa(LATER)]) assert.equal(bytes.includes(value), false, entry.name)
  }
  const tapes = new StoredTapes(await openAtRest(fixture.data))
  const notes: string[] = []
  for await (const summary of tapes.list({ limit: 100 })) {
    for await (const entry of decoded(tapes.entries(summary.id))) {
      if (entry.kind === 'note' && entry.body.code.startsWith('learn.')) {
        notes.push(`${entry.body.code} ${JSON.stringify(entry.body.facts)}`)
      }
    }
  }
  await tapes.close()
  const learned = ['learn.list {"cluster":"test"}', 'learn.listed {"cluster":"test","secrets":1,"values":1}']
  assert.deepEqual(notes, [...learned, ...learned])
})
