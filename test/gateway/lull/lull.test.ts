import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Lull } from '../../../gateway/lull.ts'
import { ManualAlarms } from '../../support/manual-alarms.ts'
import { until } from '../../support/manual-time.ts'

/** Holds until a whole look has passed without a byte. */
class Holder {
  readonly alarms = new ManualAlarms()
  readonly timer = new Lull(this, 20, this.alarms)
  #moved = false
  letGoAt: number | undefined

  byte(): void {
    this.#moved = true
    this.letGoAt = undefined
    this.timer.holding()
  }

  lull(): boolean {
    if (this.#moved) {
      this.#moved = false
      return true
    }
    this.letGoAt = this.alarms.millis
    return false
  }
}

describe('a lull', () => {
  it('comes within the time that counts as quiet, and not before half of it', () => {
    for (let early = 0; early < 10; early++) {
      const holder = new Holder()
      holder.byte()
      holder.alarms.advance(early)
      holder.byte()
      holder.alarms.advance(10)
      assert.equal(holder.letGoAt, undefined)
      holder.alarms.advance(10)
      assert.ok(holder.letGoAt !== undefined && holder.letGoAt - early >= 10, `a byte at ${early}`)
    }
  })

  it('does not come while bytes come', () => {
    const holder = new Holder()
    for (let at = 0; at < 500; at += 5) {
      holder.byte()
      holder.alarms.advance(5)
      assert.equal(holder.letGoAt, undefined)
    }
  })

  it('takes one timer, however often something is held, and none while nothing is', () => {
    const holder = new Holder()
    for (let round = 0; round < 50; round++) {
      for (let byte = 0; byte < 10; byte++) holder.byte()
      holder.alarms.advance(20)
      assert.notEqual(holder.letGoAt, undefined)
      assert.equal(holder.alarms.on, 0)
    }
    assert.equal(holder.alarms.made, 1)
  })

  it('does not come once it was stopped', () => {
    const holder = new Holder()
    holder.byte()
    holder.timer.stop()
    holder.byte()
    holder.alarms.advance(100)
    assert.equal(holder.letGoAt, undefined)
    assert.equal(holder.alarms.made, 1)
  })

  it('comes by timers of the machine, too', async () => {
    let looks = 0
    const timer = new Lull({ lull: () => ++looks < 2 }, 2)
    timer.holding()
    await until(() => looks === 2, 'it looks twice')
    timer.stop()
  })
})
