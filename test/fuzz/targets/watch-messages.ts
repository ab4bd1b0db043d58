// The body of a watch: it is refused, or becomes its events, each whole JSON of an object and nothing lost between them, in
// any cut.

import assert from 'node:assert/strict'
import { JsonError } from '../../../protocols/json/errors.ts'
import { WatchMessages } from '../../../protocols/kube/watch-messages.ts'
import { cut } from '../../support/cut.ts'
import { lengths } from '../machine.ts'
import type { Target } from '../target.ts'

/** Short, so that it is met. */
const BOUNDS = { watchEvent: 64 }

const target: Target = {
  words: [
    '{"type":"ADDED"}',
    '{"a":{"b":[{}]}}',
    '{"s":"}{',
    '"',
    '\\"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    '\n',
    ' ',
    'ä',
    '\u{1d11e}',
  ],
  run: (body) => {
    const whole = read([body])
    assert.deepEqual(read(cut(body, lengths(body))), whole, 'a cut changes what comes out')
    for (const message of whole.messages) {
      assert.ok(message.startsWith('{') && message.endsWith('}'))
      assert.ok(Buffer.byteLength(message) <= BOUNDS.watchEvent)
    }
    if (whole.rule === '') {
      const text = Buffer.from(body).toString()
      assert.equal(squeezed(whole.messages.join('')), squeezed(text))
    }
    return [whole.rule, ...(whole.messages.length > 1 ? ['several'] : [])]
  },
}

export default target

function read(chunks: readonly Uint8Array[]): { messages: string[]; rule: string } {
  const events = new WatchMessages(BOUNDS)
  const messages: string[] = []
  try {
    for (const chunk of chunks)
      for (const message of events.receive(chunk)) messages.push(Buffer.from(message).toString())
    events.end()
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    return { messages: [], rule: error.rule }
  }
  return { messages, rule: '' }
}

function squeezed(text: string): string {
  return text.replace(/[ \t\r\n]/g, '')
}
