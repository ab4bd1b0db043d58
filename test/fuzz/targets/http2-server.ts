// Streams of a client: under any cut while nobody answers, and answered in every way with windows that are soon used up.

import assert from 'node:assert/strict'
import type { Http2ServerEvent } from '../../../protocols/http2/events.ts'
import { Http2Server } from '../../../protocols/http2/server.ts'
import { cut } from '../../support/cut.ts'
import { HTTP2_FIELDS, HTTP2_FORM, HTTP2_RECORDS, http2Bytes } from '../http2-frames.ts'
import { NARROW_LIMITS, SMALL_LIMITS, StreamGrammar } from '../http2-streams.ts'
import { checkMachine, choice, joinData, lengths, namesOf } from '../machine.ts'
import type { Target } from '../target.ts'

/** Our longest answer to one frame is a 431 with a reset. */
const OUTPUT_RATIO = 5
const BODY = new Uint8Array(300)

const target: Target = {
  words: [...HTTP2_RECORDS, ...HTTP2_FIELDS],
  run: (input) => {
    const [form, rest] = choice(input)
    const bytes = http2Bytes(form, rest, true)
    if ((form & HTTP2_FORM.PLAYED) !== 0) return played(bytes, lengths(input.subarray(0, 1)))
    const make = (): Http2Server => new Http2Server(SMALL_LIMITS)
    return checkMachine(make, bytes, { join: joinData, outputRatio: OUTPUT_RATIO })
  },
}

export default target

function played(bytes: Uint8Array, pieces: readonly number[]): string[] {
  const machine = new Http2Server(NARROW_LIMITS)
  const grammar = new StreamGrammar()
  const heard: Http2ServerEvent[] = []
  const methods = new Map<number, string>()
  for (const chunk of cut(bytes, pieces)) {
    for (let events = machine.receive(chunk); events.length > 0; events = machine.receive(NOTHING)) {
      for (const event of events) {
        grammar.hear(event)
        heard.push(event)
        if (event.type === 'request') methods.set(event.stream, event.head.method)
        answer(machine, event, methods)
      }
    }
    machine.takeOutput()
    const { streams, heldBytes } = NARROW_LIMITS.http2
    assert.ok(machine.openStreams <= streams)
    assert.ok(machine.heldBytes <= machine.openStreams * heldBytes)
    assert.deepEqual(
      machine.blockedStreams().filter((stream) => !machine.blocked(stream)),
      [],
    )
  }
  return namesOf(heard)
}

const NOTHING = new Uint8Array(0)

/** By its method: at once, behind its body, never, or with a reset. */
function answer(machine: Http2Server, event: Http2ServerEvent, methods: ReadonlyMap<number, string>): void {
  if (!('stream' in event)) return
  const { type, stream } = event
  const method = methods.get(stream)
  if (type === 'data') machine.send({ type: 'consumed', stream, bytes: event.bytes.length })
  if (type === 'reset') machine.send({ type: 'release', stream })
  if (type === 'request' && method === 'GET') {
    machine.send({ type: 'response', stream, status: 200, fields: ['a', 'b'], end: false })
    machine.send({ type: 'data', stream, bytes: BODY, end: true })
    machine.send({ type: 'release', stream })
  } else if (type === 'request' && method === 'DELETE') machine.send({ type: 'reset', stream, code: 8 })
  else if (type === 'request' && method === 'PUT') machine.send({ type: 'continue', stream })
  else if ((type === 'request' && event.end) || type === 'end') {
    if (method === 'OPTIONS') return
    machine.send({ type: 'response', stream, status: 200, fields: [], end: method === 'HEAD' })
    machine.send({ type: 'data', stream, bytes: BODY })
    machine.send({ type: 'end', stream, trailers: ['t', 'u'] })
    machine.send({ type: 'release', stream })
  }
}
