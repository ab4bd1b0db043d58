import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Names } from '../../../gateway/budgets/names.ts'
import { Window } from '../../../gateway/budgets/window.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 10, 28, 12)

test('what is spent comes back after the window, at most one part late', () => {
  const window = new Window(HOUR)
  window.add(3, START)
  assert.equal(window.total(START + HOUR - 1), 3)
  const backAt = window.backAt(1, START)
  assert.ok(backAt >= START + HOUR && backAt <= START + HOUR + window.partMillis)
  assert.equal(window.total(backAt - 1), 3)
  assert.equal(window.total(backAt), 0)
})

test('parts come back one after another', () => {
  const window = new Window(HOUR)
  window.add(1, START)
  window.add(2, START + HOUR / 2)
  assert.ok(window.backAt(1, START + HOUR / 2) < window.backAt(2, START + HOUR / 2))
  assert.equal(window.total(window.backAt(1, START)), 2)
})

test('a clock that goes back forgets nothing and gives nothing back', () => {
  const window = new Window(HOUR)
  window.add(2, START)
  window.add(1, START - 2 * HOUR)
  assert.equal(window.total(START - 3 * HOUR), 3)
  assert.equal(window.total(START), 3)
})

test('what did not come about is taken back from its part, and not from another one behind it', () => {
  const window = new Window(HOUR)
  const part = window.add(5, START)
  window.giveBack(2, part)
  assert.equal(window.total(START), 3)
  window.total(START + 2 * HOUR)
  window.giveBack(3, part)
  assert.equal(window.total(START + 2 * HOUR), 0)
})

test('property: no window of its length ever holds more than was added in it is said to, and all of it is forgotten', () => {
  const steps = fc.array(fc.record({ wait: fc.nat(600), amount: fc.nat(5) }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 60, max: 5_000 }), (all, millis) => {
      const window = new Window(millis)
      const added: { at: number; amount: number }[] = []
      let now = START
      for (const { wait, amount } of all) {
        now += wait
        window.add(amount, now)
        added.push({ at: now, amount })
        const within = sum(added.filter(({ at }) => at > now - millis))
        const little = sum(added.filter(({ at }) => at > now - millis - 2 * window.partMillis))
        assert.ok(window.total(now) >= within, 'it forgets too early')
        assert.ok(window.total(now) <= little, 'it forgets too late')
      }
      assert.equal(window.total(now + millis + 2 * window.partMillis), 0)
    }),
  )
})

test('what is restored is what was spent, also in a window of another length', () => {
  const window = new Window(HOUR)
  window.add(1, START)
  window.add(2, START + HOUR / 2)
  const now = START + HOUR / 2
  const same = new Window(HOUR)
  same.restore(window.spent(now), window.partMillis, now)
  assert.deepEqual(same.spent(now), window.spent(now))
  const shorter = new Window(HOUR / 4)
  shorter.restore(window.spent(now), window.partMillis, now)
  assert.equal(shorter.total(now), 2)
  const longer = new Window(24 * HOUR)
  longer.restore(window.spent(now), window.partMillis, now)
  assert.equal(longer.total(now + HOUR), 3)
})

function sum(added: readonly { readonly amount: number }[]): number {
  return added.reduce((total, { amount }) => total + amount, 0)
}

test('names count once, for as long as they come up, and a long one is cut', () => {
  const names = new Names(HOUR)
  names.add('web', START)
  names.add('db', START)
  names.add('web', START + HOUR / 2)
  assert.equal(names.total(START + HOUR / 2), 2)
  const backAt = names.backAt(START + HOUR / 2)
  assert.equal(names.total(backAt), 1)
  assert.ok(names.has('web', backAt))
  names.add('x'.repeat(10_000), backAt)
  assert.ok(names.spent(backAt).every(([, name]) => name.length <= 64))
  assert.equal(names.total(START + 3 * HOUR), 0)
})

test('names are restored with when they came up', () => {
  const names = new Names(HOUR)
  names.add('web', START)
  names.add('db', START + HOUR / 2)
  const again = new Names(HOUR)
  again.restore(names.spent(START + HOUR / 2), START + HOUR / 2)
  assert.deepEqual(again.spent(START + HOUR / 2), names.spent(START + HOUR / 2))
  assert.equal(again.total(again.backAt(START + HOUR / 2)), 1)
})
