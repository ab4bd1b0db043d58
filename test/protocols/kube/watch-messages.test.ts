// A watch's body becomes its events, one by one, however it is cut; what is no event goes no further.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonError } from '../../../protocols/json/errors.ts'
import { WatchMessages } from '../../../protocols/kube/watch-messages.ts'
import { limits } from '../../../protocols/limits.ts'
import { assertAnyCut } from '../../support/cut.ts'

/** The messages of a body, and the rule that it broke. */
class Reading {
  readonly #messages: WatchMessages

  constructor(watchEvent = limits.kubernetes.watchEvent) {
    this.#messages = new WatchMessages({ watchEvent })
  }

  receive(bytes: Uint8Array): readonly (Uint8Array | { rule: string })[] {
    return this.#messages.receive(bytes)
  }

  receiveEnd(): readonly { rule: string }[] {
    try {
      this.#messages.end()
      return []
    } catch (error) {
      assert.ok(error instanceof JsonError)
      return [{ rule: error.rule }]
    }
  }
}

function heard(body: string): string[] {
  const { events } = assertAnyCut(() => new Reading(), Buffer.from(body), { end: true })
  return events.map((event) => (event instanceof Uint8Array ? Buffer.from(event).toString() : event.rule))
}

/** The rule that a body breaks at its last byte, and not before. */
function fault(body: Uint8Array, watchEvent?: number): string | undefined {
  for (const pieces of [[body], Array.from(body, (byte) => Uint8Array.of(byte))]) {
    const reading = new Reading(watchEvent)
    for (const piece of pieces.slice(0, -1)) reading.receive(piece)
    assert.throws(() => reading.receive(pieces.at(-1) as Uint8Array), JsonError)
  }
  try {
    new Reading(watchEvent).receive(body)
  } catch (error) {
    return (error as JsonError).rule
  }
  return undefined
}

test('each event is a message, without what stands between them', () => {
  const events = [
    '{"type":"ADDED","object":{"a":[{},{"b":1}]}}',
    '{"type":"MODIFIED","object":{"s":"} \\" \\\\"}}',
    '{"type":"BOOKMARK","object":{"metadata":{"name":"ä€𝄞"}}}',
    '{\n  "type": "DELETED",\r\n  "object": {}\n}',
  ]
  assert.deepEqual(heard(`${events[0]}\n${events[1]}\n${events[2]}${events[3]} \r\n`), events)
  assert.deepEqual(heard(''), [])
})

test('half an event at the end is no message', () => {
  assert.deepEqual(heard('{"a":1}\n{"b":"}"'), ['{"a":1}', 'json.watch.cut'])
})

test('what stands between events is refused', () => {
  for (const between of [',', '[', '"', '}', '1', '\0']) {
    assert.equal(fault(Buffer.from(`{"a":1}\n${between}`)), 'json.watch.between', between)
  }
})

test('an event is held up to its limit', () => {
  assert.equal(Buffer.from(new Reading(9).receive(Buffer.from('{"a":123}'))[0] as Uint8Array).toString(), '{"a":123}')
  assert.equal(fault(Buffer.from('{"a":1234}'), 9), 'json.watch.length')
})

test('what is not UTF-8 is no text', () => {
  assert.equal(fault(Buffer.from('{"a":"\xe4"}', 'latin1')), 'json.watch.utf8')
})
