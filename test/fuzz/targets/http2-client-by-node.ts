// What our client takes of a cluster, node:http2 takes for the same; what Node refuses, stream or connection, is refused.

import { Http2Client } from '../../../protocols/http2/client.ts'
import { limits } from '../../../protocols/limits.ts'
import { HTTP2_FIELDS, HTTP2_RECORDS, http2Bytes } from '../http2-frames.ts'
import { compareStreams, type ReadStream, readAnswers } from '../http2-node-reading.ts'
import { choice, namesOf } from '../machine.ts'
import type { Target } from '../target.ts'

/** Streams 1, 3 and 5; the last one's request does not end. */
const METHODS = ['GET', 'HEAD', 'POST']

/** Node's own figure: until its SETTINGS are acknowledged it takes no longer frames. */
const LIMITS = { ...limits, http2: { ...limits.http2, clusterFrame: 16_384 } }

/** ALTSVC (RFC 7838) and ORIGIN (RFC 8336): Node reads them, and we pass over them, as who does not know them must. */
const EXTENSIONS = [0x0a, 0x0c]

const target: Target = {
  words: [...HTTP2_RECORDS, ...HTTP2_FIELDS],
  run: async (input) => {
    const [form, rest] = choice(input)
    const bytes = http2Bytes(form, rest, false)
    if (holdsExtension(bytes)) return []
    const machine = new Http2Client(LIMITS)
    for (const method of METHODS) {
      machine.send({ type: 'request', method, path: '/a', authority: 'b', fields: [], end: method !== 'POST' })
    }
    // A field block that has not ended is neither taken nor refused yet; Node has read what there is of it.
    const events = [...machine.receive(bytes), ...machine.receiveEnd()]
    const streams = new Map<number, ReadStream>()
    for (const event of events) {
      if (!('stream' in event)) continue
      const stream = streams.get(event.stream)
      if (event.type === 'response') {
        const fields = [':status', String(event.head.status), ...event.head.fields]
        streams.set(event.stream, { fields, body: '', trailers: [], isEnded: event.end })
      } else if (stream !== undefined && event.type === 'data') {
        stream.body += Buffer.from(event.bytes).toString('latin1')
      } else if (stream !== undefined && event.type === 'end') {
        stream.trailers = event.trailers
        stream.isEnded = true
      }
    }
    compareStreams(events, streams, await readAnswers(bytes, METHODS))
    return namesOf(events)
  },
}

export default target

function holdsExtension(bytes: Buffer): boolean {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (EXTENSIONS.includes(bytes[at + 3]!)) return true
  }
  return false
}
