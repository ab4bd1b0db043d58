// Memory at its end: new work is refused first, then strangers' connections go.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deadlines } from '../../gateway/deadlines.ts'
import { Pressure } from '../../gateway/pressure.ts'
import { limits } from '../../protocols/limits.ts'

test('refuses new work from 85 percent on, drops strangers at each look from 95 on, and takes work again below', () => {
  let now = 0
  let percent = 0
  let dropped = 0
  const deadlines = new Deadlines(() => now)
  const pressure = new Pressure(
    deadlines,
    () => {
      dropped += 1
    },
    () => percent,
  )
  const look = (used: number): [boolean, number] => {
    percent = used
    now += limits.gateway.memoryMillis
    deadlines.look()
    return [pressure.isHigh, dropped]
  }
  assert.deepEqual(look(84.9), [false, 0])
  assert.deepEqual(look(85), [true, 0])
  assert.deepEqual(look(95), [true, 1])
  assert.deepEqual(look(99), [true, 2])
  assert.deepEqual(look(80), [false, 2])
  pressure.close()
  assert.deepEqual(look(99), [false, 2])
  deadlines.close()
})

test('this process has memory left', () => {
  const deadlines = new Deadlines(() => 0)
  const pressure = new Pressure(deadlines, () => assert.fail('no stranger is to be dropped'))
  deadlines.look()
  assert.equal(pressure.isHigh, false)
  deadlines.close()
})
