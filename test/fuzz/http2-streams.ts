// What an HTTP/2 machine may tell of its streams, in order: checked event by event, for both roles.

import assert from 'node:assert/strict'
import type { Http2ClientEvent, Http2ServerEvent } from '../../protocols/http2/events.ts'
import { limits } from '../../protocols/limits.ts'

/** Small enough for an input of a few kilobytes to reach each of them. */
export const SMALL_LIMITS = {
  ...limits,
  hpack: { ...limits.hpack, fieldCount: 12, fieldBytes: 1_024 },
  http2: {
    ...limits.http2,
    ...{ streams: 4, continuations: 3, blockBytes: 512, resets: 5, pings: 4, settings: 4, emptyFrames: 8 },
    ...{ settingsEntries: 4, heldBytes: 1_024 },
  },
}

/** The same with windows that are soon used up: what is heard then depends on when credit is given. */
export const NARROW_LIMITS = {
  ...SMALL_LIMITS,
  http2: { ...SMALL_LIMITS.http2, streamWindow: 128, clusterStreamWindow: 128 },
}

interface Open {
  /** Octets of the body still announced; undefined: it is not said how many. */
  left: number | undefined
  hasHead: boolean
  isEnded: boolean
}

export class StreamGrammar {
  readonly #streams = new Map<number, Open | undefined>()
  #last = 0
  #isOver = false

  /** A client's own request. `isBodiless`: to HEAD. */
  asked(stream: number): void {
    this.#streams.set(stream, { left: undefined, hasHead: false, isEnded: false })
  }

  hear(event: Http2ServerEvent | Http2ClientEvent): void {
    assert.equal(this.#isOver, false, 'an event behind the fault')
    switch (event.type) {
      case 'failed':
        this.#isOver = true
        return
      case 'goaway':
      case 'pong':
        return
      case 'request':
        assert.ok(event.stream % 2 === 1 && event.stream > this.#last, 'streams of a client are odd and rise')
        this.#last = event.stream
        this.#streams.set(event.stream, { left: event.length, hasHead: true, isEnded: event.end })
        return
      case 'reset':
        // A stream whose head was refused was never told of.
        if (this.#streams.has(event.stream)) assert.ok(this.#streams.get(event.stream) !== undefined, 'reset twice')
        this.#streams.set(event.stream, undefined)
        return
    }
    const open = this.#streams.get(event.stream)
    assert.ok(open !== undefined, `${event.type} of a stream that is not there`)
    switch (event.type) {
      case 'informational':
        assert.equal(open.hasHead, false)
        return
      case 'response':
        assert.equal(open.hasHead, false, 'a second answer')
        open.hasHead = true
        open.isEnded = event.end
        return
      case 'data':
        assert.ok(open.hasHead && !open.isEnded && event.bytes.length > 0, 'data where none may be')
        if (open.left !== undefined) open.left -= event.bytes.length
        assert.ok(open.left === undefined || open.left >= 0, 'more than Content-Length')
        return
      case 'end':
        assert.ok(open.hasHead && !open.isEnded, 'an end without a beginning')
        assert.ok(open.left === undefined || open.left === 0, 'less than Content-Length')
        open.isEnded = true
        return
    }
  }
}
