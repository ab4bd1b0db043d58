// Two ends of a connection in memory: what one writes the other reads, with back-pressure; the end or destruction of one
// is seen by the other. (stream.duplexPair is missing in Node 20.)

import { Duplex } from 'node:stream'

class End extends Duplex {
  other: End | undefined
  #resume: (() => void) | undefined

  override _read(): void {
    const resume = this.#resume
    this.#resume = undefined
    resume?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const other = this.other as End
    if (other.destroyed || other.push(chunk)) setImmediate(done)
    else other.#resume = done
  }

  override _final(done: () => void): void {
    this.other?.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const other = this.other
    if (other !== undefined && !other.destroyed) setImmediate(() => other.destroy())
    done(error)
  }
}

/** Both ends; like sockets, an end that has read the other's end ends itself. */
export function duplexPair(highWaterMark = 65_536): [Duplex, Duplex] {
  const a = new End({ allowHalfOpen: false, highWaterMark })
  const b = new End({ allowHalfOpen: false, highWaterMark })
  a.other = b
  b.other = a
  return [a, b]
}
