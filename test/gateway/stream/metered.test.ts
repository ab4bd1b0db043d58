import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Meter } from '../../../gateway/budget.ts'
import { refuse } from '../../../gateway/decision.ts'
import { MeteredConnection } from '../../../gateway/stream/metered.ts'
import type { Connection } from '../../../protocols/connection.ts'

/** A machine whose events are what it received, in hex. */
class Echo implements Connection<string, string> {
  readonly sent: string[] = []
  receive(bytes: Uint8Array): readonly string[] {
    return [Buffer.from(bytes).toString('hex')]
  }
  receiveEnd(): readonly string[] {
    return ['end']
  }
  send(command: string): void {
    this.sent.push(command)
  }
  takeOutput(): readonly Uint8Array[] {
    return this.sent.splice(0).map((word) => Buffer.from(word))
  }
}

const OVER = refuse(403, 'Forbidden', 'budgets.b', 'budget b is spent')

test('a piece that has no room is not read, and nothing behind it; the machine can still be told the last words', () => {
  let left = 3
  const meter: Meter = {
    answered: () => undefined,
    passes: () => undefined,
    streams: (count) => {
      if (count > left) return OVER
      left -= count
      return undefined
    },
  }
  const over: string[] = []
  const machine = new MeteredConnection(new Echo(), meter, ({ rule }) => over.push(rule))
  assert.deepEqual(machine.receive(Buffer.from([1, 2])), ['0102'])
  assert.deepEqual(machine.receive(Buffer.from([3, 4])), [])
  assert.deepEqual(machine.receive(Buffer.from([5])), [])
  assert.deepEqual(machine.receiveEnd(), [])
  assert.deepEqual(over, ['budgets.b'])
  machine.send('bye')
  assert.equal(Buffer.concat(machine.takeOutput()).toString(), 'bye')
})
