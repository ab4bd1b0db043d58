// What a cluster answers to requests of each form: under any cut, and read on while requests go out through narrow windows.

import assert from 'node:assert/strict'
import { Http2Client } from '../../../protocols/http2/client.ts'
import type { Http2ClientEvent } from '../../../protocols/http2/events.ts'
import { cut } from '../../support/cut.ts'
import { HTTP2_FIELDS, HTTP2_FORM, HTTP2_RECORDS, http2Bytes } from '../http2-frames.ts'
import { NARROW_LIMITS, SMALL_LIMITS, StreamGrammar } from '../http2-streams.ts'
import { checkMachine, choice, joinData, lengths, namesOf } from '../machine.ts'
import type { Target } from '../target.ts'

const OUTPUT_RATIO = 5
const BODY = new Uint8Array(300)
/** Streams 1, 3 and 5; the last one's request has not ended. */
const METHODS = ['GET', 'HEAD', 'POST']

const target: Target = {
  words: [...HTTP2_RECORDS, ...HTTP2_FIELDS],
  run: (input) => {
    const [form, rest] = choice(input)
    const bytes = http2Bytes(form, rest, false)
    if ((form & HTTP2_FORM.PLAYED) !== 0) return played(bytes, lengths(input.subarray(0, 1)))
    return checkMachine(() => asking(SMALL_LIMITS), bytes, { join: joinData, outputRatio: OUTPUT_RATIO })
  },
}

export default target

function asking(limits: typeof SMALL_LIMITS): Http2Client {
  const machine = new Http2Client(limits)
  for (const method of METHODS) ask(machine, method)
  machine.takeOutput()
  return machine
}

function ask(machine: Http2Client, method: string): void {
  const end = method !== 'POST'
  machine.send({ type: 'request', method, path: '/a', authority: 'b', fields: [], end })
}

function played(bytes: Uint8Array, pieces: readonly number[]): string[] {
  const machine = asking(NARROW_LIMITS)
  const grammar = new StreamGrammar()
  for (let stream = 1; stream < machine.nextStream; stream += 2) grammar.asked(stream)
  const heard: Http2ClientEvent[] = []
  for (const chunk of cut(bytes, pieces)) {
    for (const event of machine.receive(chunk)) {
      grammar.hear(event)
      heard.push(event)
      if (event.type === 'data') {
        machine.send({ type: 'consumed', stream: event.stream, bytes: event.bytes.length })
      } else if (event.type === 'informational') {
        machine.send({ type: 'data', stream: event.stream, bytes: BODY })
      } else if (event.type === 'response') {
        machine.send({ type: 'end', stream: event.stream, trailers: ['t', 'u'] })
      } else if (event.type === 'reset' && machine.room > 0) {
        grammar.asked(machine.nextStream)
        ask(machine, 'POST')
      }
    }
    machine.takeOutput()
    assert.ok(machine.heldBytes <= machine.openStreams * NARROW_LIMITS.http2.heldBytes)
    assert.deepEqual(
      machine.blockedStreams().filter((stream) => !machine.blocked(stream)),
      [],
    )
  }
  return namesOf(heard)
}
