import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { excludes, implies, type Labels, matchesLabels, parseSelector, selectorOf } from '../../gateway/labels.ts'

const KEYS = ['app', 'tier', 'x.io/a']
const VALUES = ['a', 'b', '']

const term = fc.oneof(
  fc
    .tuple(fc.constantFrom(...KEYS), fc.constantFrom('=', '==', '!='), fc.constantFrom('a', 'b'))
    .map((parts) => parts.join('')),
  fc
    .tuple(
      fc.constantFrom(...KEYS),
      fc.constantFrom(' in ', ' notin '),
      fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
    )
    .map(([key, word, values]) => `${key}${word}(${values.join(', ')})`),
  fc.constantFrom(...KEYS),
  fc.constantFrom(...KEYS).map((key) => `!${key}`),
)
const selector = fc.array(term, { minLength: 1, maxLength: 3 }).map((terms) => terms.join(','))
const labels: fc.Arbitrary<Labels> = fc
  .dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES))
  .map((object) => new Map(Object.entries(object)))

test('what a request’s selector implies of a rule’s holds for every object, and so does what it excludes', () => {
  fc.assert(
    fc.property(selector, selector, labels, (one, other, object) => {
      const asked = selectorOf(one)
      const wanted = selectorOf(other)
      if (!matchesLabels(asked, object)) return
      if (implies(asked, wanted)) assert.ok(matchesLabels(wanted, object), `${one} implies ${other}`)
      if (excludes(asked, wanted)) assert.ok(!matchesLabels(wanted, object), `${one} excludes ${other}`)
    }),
    { numRuns: 5_000 },
  )
})

test('a selector implies itself, and excludes its opposite', () => {
  fc.assert(
    fc.property(selector, (text) => {
      assert.ok(implies(selectorOf(text), selectorOf(text)))
    }),
  )
  for (const [one, other] of [
    ['app=a', 'app=b'],
    ['app', '!app'],
    ['app in (a, b)', 'app notin (a, b, c)'],
    ['!app', 'app=a'],
  ] as const) {
    assert.ok(excludes(selectorOf(one), selectorOf(other)), `${one} and ${other}`)
    assert.ok(excludes(selectorOf(other), selectorOf(one)), `${other} and ${one}`)
  }
})

test('what is not plain does not parse', () => {
  assert.deepEqual(parseSelector('  '), [])
  for (const text of [
    'a=b,',
    ',a',
    'a b',
    'a in b',
    'a in (b',
    'a>5',
    'a<5',
    'in',
    'in=x',
    'a=b=c',
    'a=(b)',
    '!a=b',
    '!',
  ]) {
    assert.equal(parseSelector(text), undefined, text)
  }
  for (const text of ['', '-a=b', 'a/b/c=d', 'a=-', `${'x'.repeat(64)}=a`]) assert.throws(() => selectorOf(text), text)
  assert.throws(() => selectorOf({ 'a b': 'c' }))
})
