// A whole gateway that keeps what it masks for an auditor: the tape has it all, and nobody reads it without the key.

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { main } from '../../../cli/main.ts'
import { limits } from '../../../protocols/limits.ts'
import type { OriginalBody } from '../../../protocols/tape/entry.ts'
import { openAtRest } from '../../../replay/store-at-rest.ts'
import { StoredTapes } from '../../../replay/stored-tapes.ts'
import { decoded } from '../../../replay/tapes.ts'
import { CapturedIo } from '../../support/captured-io.ts'
import { GatewayFixture } from '../../support/running-gateway.ts'

const VALUES = [
  'correct-horse-battery',
  'staple-9f3k-lime',
  'written-7h2q-here',
  'ghp_a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5abcdef',
] as const
const [READ, LISTED, WRITTEN, TOKEN] = VALUES

function secret(value: string): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'n' }, data: { k: btoa(value) } }
}

const padding = { annotations: { padding: 'x'.repeat(20_000) } }
const items = Array.from({ length: 100 }, (_, at) => ({
  ...secret(`${LISTED}-${at}`),
  metadata: { name: `s${at}`, ...padding },
}))
/** Longer than what is encrypted together. */
const LONG = { kind: 'SecretList', apiVersion: 'v1', metadata: {}, items }
const BODIES: Readonly<Record<string, string>> = {
  '/api/v1/namespaces/n/secrets/a': JSON.stringify(secret(READ)),
  '/api/v1/namespaces/n/secrets': JSON.stringify(LONG),
  '/api/v1/namespaces/n/secrets/none': '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"none"}}',
  '/api/v1/namespaces/n/configmaps/c': `{"kind":"ConfigMap","data":{"a":"${READ}","b":"${TOKEN}"}}`,
  '/api/v1/namespaces/n/configmaps/plain': '{"kind":"ConfigMap","data":{"a":"nothing"}}',
}

let fixture: GatewayFixture
let identity: string
const originals: OriginalBody[] = []
let tape: string
/** Exchanges of the tape, by their targets. */
const numbers = new Map<string, number>()

before(async () => {
  identity = await generateX25519Identity()
  const recipients = [await identityToRecipient(identity), await identityToRecipient(await generateX25519Identity())]
  fixture = await GatewayFixture.open(
    (request, response) => {
      response.setHeader('Content-Type', 'application/json')
      request.resume()
      request.on('end', () => response.end(BODIES[request.url ?? ''] ?? '{}'))
    },
    undefined,
    (config) => Object.assign(config, { masking: { originals: { recipients } } }),
  )
  const token = await fixture.token()
  for (const path of Object.keys(BODIES)) {
    const { status, body } = await fixture.call({ path, token })
    assert.equal(status, 200)
    for (const value of VALUES) assert.equal(body.includes(value) || body.includes(btoa(value)), false, path)
  }
  const write = { path: '/api/v1/namespaces/n/secrets', method: 'POST', body: JSON.stringify(secret(WRITTEN)) }
  const headers = { 'Content-Type': 'application/json' }
  await fixture.call({ ...write, token, headers })
  const refused = await fixture.token({ subject: 'bob', groups: [] })
  assert.equal(
    (await fixture.call({ ...write, path: `${write.path}?dryRun=All`, token: refused, headers })).status,
    403,
  )
  await fixture.close()
  const tapes = new StoredTapes(await openAtRest(fixture.data))
  for await (const { id, kind } of tapes.list({ limit: 100 })) {
    if (kind !== 'api') continue
    for await (const entry of decoded(tapes.entries(id))) {
      // Each call of the fixture has a connection of its own, and so a tape.
      if (entry.kind === 'request') tape = entry.body.target
      if (entry.kind === 'original') {
        originals.push({ ...entry.body, bytes: entry.body.bytes.slice() })
        numbers.set(`${tape} ${entry.body.of}`, originals.length - 1)
      }
      if (entry.kind === 'request' && entry.body.target.endsWith('/secrets/a')) numbers.set(id, -1)
    }
  }
  await tapes.close()
})

after(() => fixture.remove())

async function opened(target: string, of: OriginalBody['of'] = 'responseBody'): Promise<string> {
  const index = numbers.get(`${target} ${of}`)
  assert.ok(index !== undefined, `nothing is kept of ${target}`)
  // The pieces of one body stand one behind another.
  const pieces: OriginalBody[] = []
  for (let at = index; at >= 0; at -= 1) {
    pieces.unshift(originals[at] as OriginalBody)
    if ((originals[at] as OriginalBody).at === 0) break
  }
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  let text = ''
  for (const piece of pieces) {
    assert.equal(piece.at, text.length)
    const bytes = await decrypter.decrypt(piece.bytes)
    assert.equal(bytes.length, piece.length)
    text += Buffer.from(bytes).toString()
  }
  return text
}

test('decrypted, an answer whose fields are masked is what the cluster sent, to the byte', async () => {
  for (const path of ['/api/v1/namespaces/n/secrets/a', '/api/v1/namespaces/n/secrets']) {
    assert.equal(await opened(path), BODIES[path])
  }
  assert.ok((BODIES['/api/v1/namespaces/n/secrets'] as string).length > limits.mask.original)
})

test('of a text the pieces in which something is masked are kept, and of a body in which nothing is, none', async () => {
  const path = '/api/v1/namespaces/n/configmaps/c'
  assert.equal(await opened(path), BODIES[path])
  for (const target of ['/api/v1/namespaces/n/configmaps/plain', '/api/v1/namespaces/n/secrets/none']) {
    assert.equal(numbers.has(`${target} responseBody`), false)
  }
})

test('a request body is kept, refused or not', async () => {
  for (const target of ['/api/v1/namespaces/n/secrets', '/api/v1/namespaces/n/secrets?dryRun=All']) {
    assert.equal(await opened(target, 'requestBody'), JSON.stringify(secret(WRITTEN)))
  }
})

test('no value, and no encoding of one, is in any byte of the store’s files', () => {
  const files = readdirSync(fixture.data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  let looked = 0
  for (const { parentPath, name } of files) {
    const bytes = readFileSync(join(parentPath, name))
    looked += bytes.length
    for (const value of VALUES) {
      for (const form of [value, btoa(value), Buffer.from(value).toString('hex')]) {
        assert.equal(bytes.includes(form), false, `${form} in ${name}`)
      }
    }
  }
  assert.ok(looked > 1_000_000)
})

async function run(...argv: readonly string[]) {
  const io = new CapturedIo()
  const code = await main(['tapes', ...argv, '--data', fixture.data], io)
  return { code, stdout: io.stdout, stderr: io.stderr }
}

test('tapes with originals verify, show and export like others', async () => {
  const verified = await run('verify')
  assert.equal(verified.code, 0, verified.stdout + verified.stderr)
  const id = [...numbers].find(([, index]) => index === -1)?.[0] as string
  assert.match((await run('show', id)).stdout, /kept as it was, encrypted to auditors/)
  const exported = (await run('export', id)).stdout
  assert.match(exported, /"kind":"original"/)
  assert.equal(exported.includes(READ), false)
})

test('tapes originals: age files for who has the tool, the bytes for who gives the key, nothing without it', async () => {
  const id = [...numbers].find(([, index]) => index === -1)?.[0] as string
  const folder = join(fixture.folder, 'out')
  const key = join(fixture.folder, 'key.txt')
  const other = join(fixture.folder, 'other.txt')
  writeFileSync(key, `# created: today\n# public key: age1\n${identity}\n`)
  writeFileSync(other, `${await generateX25519Identity()}\n`)

  const sealed = await run('originals', id, '-o', folder, '--json')
  assert.equal(sealed.code, 0, sealed.stderr)
  const [told] = sealed.stdout.trimEnd().split('\n').map((line) => JSON.parse(line)) // biome-ignore format: one step
  assert.match(told.file, /\/\d{4}-exchange-1-response\.age$/)
  assert.match(readFileSync(told.file, 'latin1'), /^age-encryption\.org\/v1\n-> X25519 /)
  assert.equal(statSync(told.file).mode & 0o777, 0o600)
  assert.match((await run('originals', id, '-o', folder)).stderr, /is there already; add --force/)

  mkdirSync(join(fixture.folder, 'clear'))
  const clear = await run('originals', id, '-o', join(fixture.folder, 'clear'), '-i', key)
  assert.equal(clear.code, 0, clear.stderr)
  assert.equal(clear.stdout + clear.stderr.replace(/^.*: 1 file written.*\n/, ''), '')
  const [name] = readdirSync(join(fixture.folder, 'clear'))
  assert.equal(
    readFileSync(join(fixture.folder, 'clear', name as string), 'utf8'),
    BODIES['/api/v1/namespaces/n/secrets/a'],
  )

  for (const [file, message] of [
    [other, /cannot be decrypted with .*other\.txt: it is for another key/],
    [fixture.config, /holds a line that is no age identity/],
    [join(fixture.folder, 'none'), /cannot be read \(ENOENT\)/],
  ] as const) {
    const { code, stderr } = await run('originals', id, '-o', join(fixture.folder, 'never'), '-i', file, '--force')
    assert.equal(code, 1)
    assert.match(stderr, message)
  }
})
