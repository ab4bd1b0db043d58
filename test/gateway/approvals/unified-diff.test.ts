import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { unifiedDiff } from '../../../gateway/approvals/unified-diff.ts'

const ONE_TO_TWENTY = Array.from({ length: 20 }, (_, at) => `line ${at + 1}\n`).join('')

const TABLE: readonly (readonly [string, string, string, string])[] = [
  ['nothing', 'a\n', 'a\n', ''],
  ['what is new', '', 'a\nb\n', '@@ -0,0 +1,2 @@\n+a\n+b\n'],
  ['what goes', 'a\nb\n', '', '@@ -1,2 +0,0 @@\n-a\n-b\n'],
  ['a line between others', 'a\nb\nc\n', 'a\nB\nc\n', '@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n'],
  [
    'changes far apart, with three lines around each',
    ONE_TO_TWENTY,
    ONE_TO_TWENTY.replace('line 2\n', 'two\n').replace('line 19\n', ''),
    '@@ -1,5 +1,5 @@\n line 1\n-line 2\n+two\n line 3\n line 4\n line 5\n@@ -16,5 +16,4 @@\n line 16\n line 17\n line 18\n-line 19\n line 20\n',
  ],
]

for (const [what, before, after, diff] of TABLE) {
  test(`a diff shows ${what}`, () => assert.equal(unifiedDiff(before, after), diff))
}

/** Applies a diff as patch(1) does. */
function patched(before: string, diff: string): string {
  const source = before === '' ? [] : before.slice(0, -1).split('\n')
  const result: string[] = []
  let at = 0
  for (const line of diff === '' ? [] : diff.slice(0, -1).split('\n')) {
    const head = /^@@ -(\d+),(\d+) \+(\d+),(\d+) @@$/.exec(line)
    if (head !== null) {
      const start = Number(head[1]) - (head[2] === '0' ? 0 : 1)
      while (at < start) result.push(source[at++] as string)
      assert.equal(result.length, Number(head[3]) - (head[4] === '0' ? 0 : 1), 'the place in the new text')
      continue
    }
    if (line[0] !== '+') assert.equal(source[at++], line.slice(1))
    if (line[0] !== '-') result.push(line.slice(1))
  }
  result.push(...source.slice(at))
  return result.map((line) => `${line}\n`).join('')
}

test('property: a diff applied to the one text is the other', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', '-x', '+y', ''), { maxLength: 40 })
  const joined = text.map((lines) => lines.map((line) => `${line}\n`).join(''))
  fc.assert(
    fc.property(joined, joined, (before, after) => assert.equal(patched(before, unifiedDiff(before, after)), after)),
    { numRuns: 500 },
  )
})

test('texts too long to be compared are shown one after the other', () => {
  const long = (word: string): string => `${word}\n`.repeat(5_000)
  const diff = unifiedDiff(`same\n${long('a')}`, `same\n${long('b')}`)
  assert.equal(patched(`same\n${long('a')}`, diff), `same\n${long('b')}`)
})
