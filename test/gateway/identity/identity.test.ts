import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EXTRA, impersonation } from '../../../gateway/identity.ts'
import type { Principal } from '../../../gateway/principal.ts'
import { MisuseError } from '../../../protocols/errors.ts'
import { field, fieldValues } from '../../../protocols/fields.ts'

function principal(user: string, groups: string[] = []): Principal {
  return { user, groups, actor: '', issuer: 'https://issuer', expiresAt: 0 }
}

test('a principal becomes one user line, a line for each group and the extras that are not empty', () => {
  const fields = impersonation(principal('oidc:ada', ['oidc:sre', 'oidc:a, b']), {
    [EXTRA.TAPE]: '01JD',
    [EXTRA.ACTOR]: '',
    [EXTRA.ISSUER]: 'https://issuer',
  })
  assert.deepEqual(fields, [
    'Impersonate-User',
    'oidc:ada',
    'Impersonate-Group',
    'oidc:sre',
    'Impersonate-Group',
    'oidc:a, b',
    'Impersonate-Extra-sallyport-tape',
    '01JD',
    'Impersonate-Extra-sallyport-issuer',
    'https://issuer',
  ])
})

test('names that the API server could take for somebody else are a bug, not a header', () => {
  const bad = [
    '',
    ' ',
    ' ada',
    'ada ',
    '\tada',
    'ada\r\nImpersonate-Group: system:masters',
    'ada\u0000',
    'a\u007f',
    'system:masters',
    'System:Admin',
    'ada\ud800',
  ]
  for (const name of bad) {
    assert.throws(() => impersonation(principal(name), {}), MisuseError, JSON.stringify(name))
    assert.throws(() => impersonation(principal('oidc:ada', ['ok', name]), {}), MisuseError, JSON.stringify(name))
  }
  assert.throws(() => impersonation(principal('ada'), { 'Not/Plain': 'x' }), MisuseError)
  assert.throws(() => impersonation(principal('ada'), { ok: 'a\nb' }), MisuseError)
})

test('a character above U+00FF never turns into another one: the wire has its UTF-8 bytes', () => {
  // U+0173 cut to its low byte is "s": "ųystem:masters" must not arrive as "system:masters".
  const [, user] = impersonation(principal('\u0173ystem:masters'), {})
  assert.equal(Buffer.from(user as string, 'latin1').toString('utf8'), '\u0173ystem:masters')
  assert.equal(Buffer.from(user as string, 'latin1')[0], 0xc5)
})

test('whatever passes reads back as exactly the principal', () => {
  const decode = (text: string): string => Buffer.from(text, 'latin1').toString('utf8')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.array(fc.string({ unit: 'binary' })), (user, groups) => {
      let fields: readonly string[]
      try {
        fields = impersonation(principal(user, groups), {})
      } catch (error) {
        assert.ok(error instanceof MisuseError)
        return
      }
      assert.ok(fields.every((text) => /^[\x20-\x7e\x80-\xff]+$/.test(text)))
      assert.equal(decode(field(fields, 'impersonate-user') as string), user)
      assert.deepEqual(fieldValues(fields, 'impersonate-group').map(decode), groups)
    }),
  )
})
