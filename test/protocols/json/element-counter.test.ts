import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ElementCounter } from '../../../protocols/json/element-counter.ts'
import { assertAnyCut } from '../../support/cut.ts'

/** The counter as a machine that says one event for each element. */
class Counting {
  readonly #counter: ElementCounter

  constructor(isWatch: boolean) {
    this.#counter = new ElementCounter(isWatch)
  }

  receive(bytes: Uint8Array): string[] {
    return new Array<string>(this.#counter.receive(bytes)).fill('element')
  }
}

function count(text: string, isWatch = false): number {
  return assertAnyCut(() => new Counting(isWatch), Buffer.from(text)).events.length
}

const POD = { metadata: { name: 'a"]},{', items: [{}, {}] }, spec: { items: ['x', [1, 2], {}] } }

const CASES: readonly [string, string, number, boolean?][] = [
  ['an empty list', '{"kind":"PodList","items":[]}', 0],
  ['a list of one', JSON.stringify({ kind: 'PodList', items: [POD] }), 1],
  ['a list with metadata behind its items', JSON.stringify({ items: [POD, POD, POD], metadata: { items: [1, 2] } }), 3],
  ['a list with spaces', JSON.stringify({ metadata: {}, items: [POD, POD] }, null, 2), 2],
  ['the rows of a Table', JSON.stringify({ columnDefinitions: [{}, {}], rows: [{ cells: [] }, { cells: [] }] }), 2],
  ['no list at all', JSON.stringify(POD), 0],
  ['the events of a watch', `${JSON.stringify({ object: POD })}\n${JSON.stringify({ object: POD })}\n`, 2, true],
  ['a watch without an event', '', 0, true],
]

for (const [what, text, expected, isWatch] of CASES) {
  test(`${what}: ${expected}, however it is cut`, () => assert.equal(count(text, isWatch), expected))
}

test('property: as many as JSON.parse finds', () => {
  const element = fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  fc.assert(
    fc.property(fc.array(element, { maxLength: 8 }), fc.nat(3), (items, indent) => {
      const bytes = Buffer.from(JSON.stringify({ metadata: {}, items }, null, indent))
      assert.equal(new ElementCounter(false).receive(bytes), items.length)
    }),
  )
})
