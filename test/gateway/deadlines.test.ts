import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deadlines } from '../../gateway/deadlines.ts'

test('a deadline that has passed is told, one to come is not, and a forgotten one never', () => {
  let now = 1_000
  const deadlines = new Deadlines(() => now)
  const told: string[] = []
  const waiting = (name: string, deadline: number) => ({ deadline, expired: () => told.push(name) })
  const forgotten = waiting('forgotten', 1_500)
  deadlines.watch(waiting('early', 1_500))
  deadlines.watch(waiting('late', 9_000))
  deadlines.watch(waiting('never', Number.POSITIVE_INFINITY))
  deadlines.watch(forgotten)
  deadlines.forget(forgotten)
  deadlines.look()
  assert.deepEqual(told, [])
  now = 1_500
  deadlines.look()
  assert.deepEqual(told, ['early'])
  deadlines.close()
})

test('one that forgets itself while it is told does not disturb the others', () => {
  const deadlines = new Deadlines(() => 10)
  const told: number[] = []
  for (const number of [1, 2, 3]) {
    const waiting = {
      deadline: 5,
      expired: () => {
        told.push(number)
        deadlines.forget(waiting)
      },
    }
    deadlines.watch(waiting)
  }
  deadlines.look()
  deadlines.look()
  assert.deepEqual(told, [1, 2, 3])
  deadlines.close()
})
