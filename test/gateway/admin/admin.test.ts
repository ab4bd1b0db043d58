import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Admin, startAdmin } from '../../../gateway/admin/admin.ts'
import { createMetrics } from '../../../gateway/admin/metrics.ts'
import { Authenticator } from '../../../gateway/authn/authenticator.ts'
import { ownIdentity } from '../../../gateway/pki.ts'
import { readPolicy } from '../../../gateway/policy/policy-file.ts'
import { systemTimers } from '../../../gateway/tape/clock.ts'
import type { KeyValueReader } from '../../../protocols/tape/reader.ts'
import { RemoteTapes } from '../../../replay/remote.ts'
import { NoSuchTape, TapesUnavailable } from '../../../replay/tapes.ts'
import { verifyEach, verifyWholeLog } from '../../../replay/verification.ts'
import { openBooks } from '../../support/books.ts'
import { collect, execRecording, Recording } from '../../support/recording.ts'
import { LOG_KEY, stored } from '../../support/stored-recordings.ts'

const exec = execRecording({ tape: '01KAQ9V2Y8J4M6T3S5R7W9X0ZB' })
const api = new Recording({ tape: '01KAQ9V2Y8J4M6T3S5R7W9X0ZA' })
  .request(1, {})
  .answer(2, 1, 200, 'x'.repeat(200_000))
  .seal(3)

const data = mkdtempSync(join(tmpdir(), 'sallyport-admin-'))
const faults: Error[] = []
let admin: Admin
let ca: string
let fault: string | undefined
let broken = false

before(async () => {
  const identity = await ownIdentity(join(data, 'pki'), [], Date.now())
  ca = readFileSync(identity.caPath!, 'utf8')
  const tapes = stored(api, exec)
  const reader: KeyValueReader = {
    get: (key) => tapes.get(key),
    entries(from, to, options) {
      if (broken) throw new Error('the disk is gone: secret detail')
      return tapes.entries(from, to, options)
    },
  }
  admin = await startAdmin({
    address: '127.0.0.1:0',
    tls: identity,
    caPath: identity.caPath!,
    data,
    reader,
    state: { fault: () => fault },
    people: {
      ...(await openBooks()),
      policy: () => readPolicy(undefined, 'group'),
      authenticator: () => new Authenticator({ jwt: [] }, { now: Date.now }),
      clusters: () => ['test'],
      operators: () => [],
      answering: () => new Map(),
      tickets: () => assert.fail('a ticket is asked for'),
      now: Date.now,
      timers: systemTimers,
    },
    metrics: createMetrics().registry,
    gatewayUrl: 'https://127.0.0.1:8443',
    failed: (error) => faults.push(error),
  })
})

after(async () => {
  await admin.close()
  rmSync(data, { recursive: true })
})

function token(): string {
  return readFileSync(join(data, 'admin.token'), 'utf8').trim()
}

interface Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((answered, failed) => {
    const asked = request(new URL(path, admin.url), { ca, headers, method, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', failed)
      answer.on('end', () =>
        answered({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() }),
      )
    })
    asked.on('error', failed)
    asked.end()
  })
}

function authorized(path: string): Promise<Answer> {
  return ask(path, { authorization: `Bearer ${token()}` })
}

function remote(options: Partial<ConstructorParameters<typeof RemoteTapes>[0]> = {}): RemoteTapes {
  return new RemoteTapes({ url: new URL(admin.url), token: token(), ca, ...options })
}

test('probes need no token', async () => {
  assert.deepEqual([(await ask('/healthz')).status, (await ask('/readyz')).status], [200, 200])
  fault = 'nothing can be recorded'
  assert.deepEqual([(await ask('/healthz')).status, (await ask('/readyz')).status], [200, 503])
  fault = undefined
})

for (const path of ['/metrics', '/v1', '/v1/tapes', `/v1/tapes/${exec.id}`, '/v1/log/leaves', '/nothing', '/']) {
  test(`without the token, or with another, ${path} is 401`, async () => {
    for (const headers of [{}, { authorization: `Bearer ${'A'.repeat(43)}` }]) {
      const answer = await ask(path, headers)
      assert.equal(answer.status, 401)
      assert.match(String(answer.headers['www-authenticate']), /^Bearer /)
    }
  })
}

test('every answer carries the security headers, refusals as well', async () => {
  const answers = [
    await ask('/healthz'),
    await ask('/v1/tapes'),
    await authorized('/v1/tapes'),
    await ask('/', {}, 'POST'),
  ]
  answers.push(await authorized(`/v1/tapes/${exec.id}`))
  for (const { headers } of answers) {
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cache-control'], 'no-store')
    assert.match(String(headers['content-security-policy']), /default-src 'none'/)
  }
})

test('other methods are 405 whatever the path and the token', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS']) {
    assert.equal((await ask('/v1/tapes', { authorization: `Bearer ${token()}` }, method)).status, 405)
  }
})

test('metrics are in the form of Prometheus', async () => {
  const { status, headers, text } = await authorized('/metrics')
  assert.equal(status, 200)
  assert.match(String(headers['content-type']), /^text\/plain/)
  assert.match(text, /^# TYPE sallyport_requests_total counter$/m)
})

test('a list is JSON with a cursor where there may be more, and wrong filters are 400', async () => {
  const page = JSON.parse((await authorized('/v1/tapes?limit=1')).text) as { tapes: { id: string }[]; cursor: string }
  assert.deepEqual([page.tapes.map(({ id }) => id), page.cursor], [[exec.id], exec.id])
  const { status, text } = await authorized('/v1/tapes?limit=9999')
  assert.equal(status, 400)
  assert.match(text, /limit must be from 1 to 1000/)
  assert.equal((await authorized('/v1/tapes/..%2f..%2fetc')).status, 400)
  assert.equal((await authorized('/v1/tapes/00000000000000000000000000')).status, 404)
})

test('a remote reader sees the same tapes, entries and bytes as the store', async () => {
  const tapes = remote()
  const list = await collect(tapes.list({ limit: 10, text: 'get pods -n prod' }))
  assert.deepEqual(
    list.map(({ id }) => id),
    [api.id],
  )
  for (const recording of [api, exec]) {
    const entries = await collect(tapes.entries(recording.id))
    assert.deepEqual(
      entries.map(({ entry }) => [entry.seq, entry.kind]),
      recording.entries.map(({ seq, kind }) => [seq, kind]),
    )
  }
  await assert.rejects(collect(tapes.entries('00000000000000000000000000')), NoSuchTape)
  await tapes.close()
})

test('tapes and the log verify over the API as they do at rest', async () => {
  const tapes = remote()
  const options = { key: LOG_KEY, checkpoints: [] }
  const log = await verifyWholeLog(tapes, options)
  assert.deepEqual([log.size, log.signed, log.problems], [4, 4, []])
  const reports = await collect(verifyEach(tapes, log, options))
  assert.deepEqual(
    reports.map(({ tape, completeness, integrity }) => [tape, integrity, completeness]),
    [
      [exec.id, 'intact', 'complete'],
      [api.id, 'intact', 'complete'],
    ],
  )
  await tapes.close()
})

test('a reader that stops in the middle leaves room for the next', async () => {
  const tapes = remote()
  for (let turn = 0; turn < 40; turn++) {
    for await (const { entry } of tapes.entries(api.id)) if (entry.kind === 'open') break
  }
  assert.equal((await collect(tapes.entries(api.id))).length, api.entries.length)
  await tapes.close()
})

test('a wrong token, an unknown authority and nobody there are said in words', async () => {
  const cases: readonly (readonly [tapes: RemoteTapes, message: RegExp])[] = [
    [remote({ token: 'x' }), /refused the token; name its file with --token-file/],
    [remote({ ca: undefined }), /not trusted; name its authority with --ca/],
    [remote({ url: new URL('https://127.0.0.1:1') }), /ECONNREFUSED\): is the gateway running\?/],
  ]
  for (const [tapes, message] of cases) {
    await assert.rejects(collect(tapes.list({ limit: 1 })), (error: Error) => {
      assert.ok(error instanceof TapesUnavailable)
      assert.match(error.message, message)
      return true
    })
    await tapes.close()
  }
})

test('the server’s own certificate may be named in place of an authority', async () => {
  const own = readFileSync(join(data, 'pki', 'tls.crt'), 'utf8')
  const tapes = remote({ ca: own })
  assert.equal((await collect(tapes.list({ limit: 10 }))).length, 2)
  await tapes.close()
})

test('a store that cannot be read is 500 without its details, and the gateway is told', async () => {
  broken = true
  const { status, text } = await authorized('/v1/tapes')
  broken = false
  assert.equal(status, 500)
  assert.doesNotMatch(text, /secret detail/)
  assert.equal(faults.length, 1)
})

test('commands find the API by admin.json, which goes with it', async () => {
  const path = join(data, 'admin.json')
  const announced = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  assert.equal(announced.address, admin.url)
  assert.equal(announced.pid, process.pid)
})
