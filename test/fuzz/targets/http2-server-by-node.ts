// What our server takes of a client, node:http2 takes for the same; what Node refuses, stream or connection, is refused.

import { Http2Server } from '../../../protocols/http2/server.ts'
import { limits } from '../../../protocols/limits.ts'
import { HTTP2_FIELDS, HTTP2_RECORDS, http2Bytes } from '../http2-frames.ts'
import { compareStreams, type ReadStream, readStreams } from '../http2-node-reading.ts'
import { choice, namesOf } from '../machine.ts'
import type { Target } from '../target.ts'

const target: Target = {
  words: [...HTTP2_RECORDS, ...HTTP2_FIELDS],
  run: async (input) => {
    const [form, rest] = choice(input)
    const bytes = http2Bytes(form, rest, true)
    const machine = new Http2Server(limits)
    // A field block that has not ended is neither taken nor refused yet; Node has read what there is of it.
    const events = [...machine.receive(bytes), ...machine.receiveEnd()]
    const streams = new Map<number, ReadStream>()
    for (const event of events) {
      if (!('stream' in event)) continue
      const stream = streams.get(event.stream)
      if (event.type === 'request') {
        const { method, path, authority, fields } = event.head
        const head = [':method', method, ':path', path, ':authority', authority, ...fields]
        streams.set(event.stream, { fields: head, body: '', trailers: [], isEnded: event.end })
      } else if (stream !== undefined && event.type === 'data') {
        stream.body += Buffer.from(event.bytes).toString('latin1')
      } else if (stream !== undefined && event.type === 'end') {
        stream.trailers = event.trailers
        stream.isEnded = true
      }
    }
    compareStreams(events, streams, await readStreams(bytes))
    return namesOf(events)
  },
}

export default target
