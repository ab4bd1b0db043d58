// Random and mutated bytes: a machine tells a fault or goes on, and never throws, hangs or says one thing whole and
// another cut.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cut, hear } from '../../support/cut.ts'
import { block, control, data, joinData, synStream } from './frames.ts'
import { facingClient, facingCluster } from './sessions.ts'

const { peer } = facingClient()
const SESSION = Buffer.concat([
  synStream(7, peer.deflate(block(['streamtype', 'stderr']))),
  data(3, 'some input'),
  control(6, 0, 1),
  control(8, 0, 5, peer.deflate(block(['x', 'y'], ['streamtype', 'stderr']))),
  control(4, 0, 1, 4, 100),
  data(5, '', 1),
  control(3, 0, 1, 5),
  data(3, 'more', 1),
  control(7, 0, 0, 0),
])

const MUTATED = fc
  .array(fc.record({ at: fc.nat({ max: SESSION.length - 1 }), byte: fc.integer({ min: 0, max: 255 }) }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((changes) => {
    const bytes = Buffer.from(SESSION)
    for (const { at, byte } of changes) bytes[at] = byte
    return bytes
  })

for (const [what, bytes] of [
  ['mutated sessions', MUTATED],
  ['random bytes', fc.uint8Array({ maxLength: 200 })],
] as const) {
  for (const session of [facingClient, facingCluster]) {
    test(`${what}, ${session.name}: the same under any cut, and a fault is the last event`, () => {
      fc.assert(
        fc.property(bytes, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (stream, lengths) => {
          const whole = hear(session().machine, [stream], { join: joinData, end: true })
          assert.deepEqual(hear(session().machine, cut(stream, lengths), { join: joinData, end: true }), whole)
          assert.ok(whole.events.every((event, n) => event.type !== 'failed' || n === whole.events.length - 1))
        }),
        { numRuns: 250 },
      )
    })
  }
}
