import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { adminToken, isAuthorized } from '../../../gateway/admin/admin-token.ts'
import { announce } from '../../../gateway/admin/announcement.ts'

test('the token is made once, for its owner alone, and then kept', async (context) => {
  const path = join(directory(context), 'admin.token')
  const token = await adminToken(path)
  assert.match(token, /^[A-Za-z0-9_-]{43}$/)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  chmodSync(path, 0o644)
  assert.equal(await adminToken(path), token)
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a file that holds no token is refused and not overwritten', async (context) => {
  const path = join(directory(context), 'admin.token')
  writeFileSync(path, 'password\n')
  await assert.rejects(adminToken(path), /does not hold an admin token/)
  assert.equal(readFileSync(path, 'utf8'), 'password\n')
})

const token = 'A'.repeat(43)
const headers: readonly (readonly [header: string | undefined, authorized: boolean])[] = [
  [`Bearer ${token}`, true],
  [`bearer ${token}`, true],
  [undefined, false],
  ['', false],
  ['Bearer ', false],
  [token, false],
  [`Basic ${token}`, false],
  [`Bearer ${token}A`, false],
  [`Bearer ${token.slice(1)}`, false],
  [`Bearer ${token}, Bearer x`, false],
  [`Bearer ${'A'.repeat(100_000)}`, false],
]

for (const [header, authorized] of headers) {
  test(`authorization ${String(header).slice(0, 60)}: ${authorized}`, () => {
    assert.equal(isAuthorized(header, token), authorized)
  })
}

test('the announcement is there while the gateway runs, and replaces one that was left behind', async (context) => {
  const data = directory(context)
  const path = join(data, 'admin.json')
  writeFileSync(path, 'left behind')
  const announcement = {
    address: 'https://127.0.0.1:1',
    ca: '/ca.crt',
    tokenFile: '/admin.token',
    gateway: 'https://127.0.0.1:2',
    pid: 1,
  }
  const retract = await announce(data, announcement)
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), announcement)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await retract()
  assert.throws(() => statSync(path), { code: 'ENOENT' })
  await retract()
})

function directory(context: { after(work: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-admin-'))
  context.after(() => rmSync(path, { recursive: true }))
  return path
}
