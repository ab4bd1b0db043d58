// Runs a protocol machine over one byte stream cut in every way, and asserts that it says and writes the same each time.
// Each chunk lies inside a larger buffer and is overwritten once its events were taken, so a view kept too long shows.

import assert from 'node:assert/strict'
import fc from 'fast-check'

/** What of a Connection is needed; anything with these methods will do. */
export interface Machine<Event> {
  receive(bytes: Uint8Array): readonly Event[]
  receiveEnd?(): readonly Event[]
  takeOutput?(): readonly Uint8Array[]
}

/** The events of a machine's type. */
export type EventOf<M> = M extends Machine<infer Event> ? Event : never

export interface CutOptions<M> {
  /** Joins two neighbours that only a cut could have parted; undefined leaves them apart. They are copies already. */
  join?(earlier: EventOf<M>, later: EventOf<M>): EventOf<M> | undefined
  /** Acts on a copied event as the machine's owner would (`send`). Then the machine also gets empty chunks until it is silent. */
  act?(event: EventOf<M>, machine: M): void
  /** Adds to the result what else must not depend on cuts, after the last byte (`machine.takeTrailing()`). */
  observe?(machine: M): unknown
  /** Calls `receiveEnd` after the last byte. */
  end?: boolean
}

/** What a machine said and wrote. Bytes are copies; an error has become `{rule, code}`. */
export interface Heard<Event> {
  readonly events: readonly Event[]
  /** All output, concatenated, as hex. */
  readonly output: string
  readonly observed: unknown
}

/** Up to this many bytes every single cut is tried; of a longer stream, this many cuts spread evenly. */
const SINGLE_CUTS = 1_500
const MARGIN = 5
const POISON = 0xa5

/**
 * Asserts that a fresh machine from `make` hears the same in `bytes` whole, cut at every single boundary, byte by byte,
 * and under 60 random cuttings (with empty chunks). Returns what it hears, for the test to look at.
 */
export function assertAnyCut<M extends Machine<unknown>>(
  make: () => M,
  bytes: Uint8Array,
  options: CutOptions<M> = {},
): Heard<EventOf<M>> {
  const whole = hear(make(), [bytes], options)
  const step = Math.max(1, Math.floor(bytes.length / SINGLE_CUTS))
  for (let at = 1; at < bytes.length; at += step) {
    assert.deepEqual(hear(make(), [bytes.subarray(0, at), bytes.subarray(at)], options), whole, `cut at ${at}`)
  }
  const single = Array.from({ length: bytes.length }, (_, at) => bytes.subarray(at, at + 1))
  assert.deepEqual(hear(make(), single, options), whole, 'byte by byte')
  const lengths = fc.array(fc.nat({ max: Math.max(2, bytes.length >> 2) }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(lengths, (list) => {
      assert.deepEqual(hear(make(), cut(bytes, list), options), whole)
    }),
    { numRuns: 60 },
  )
  return whole
}

/** Feeds chunks to a machine and copies what it says and writes. */
export function hear<M extends Machine<unknown>>(
  machine: M,
  chunks: readonly Uint8Array[],
  options: CutOptions<M> = {},
): Heard<EventOf<M>> {
  const events: EventOf<M>[] = []
  const output: Uint8Array[] = []
  const take = (said: readonly unknown[]): void => {
    const copies = said.map((event) => keep(event) as EventOf<M>)
    for (const copy of copies) {
      const last = events.at(-1)
      const joined = last === undefined ? undefined : options.join?.(last, copy)
      if (joined === undefined) events.push(copy)
      else events[events.length - 1] = joined
      options.act?.(copy, machine)
    }
    for (const piece of machine.takeOutput?.() ?? []) output.push(new Uint8Array(piece))
  }
  for (const chunk of chunks) {
    // A Buffer, as sockets give: its `slice` does not copy, and who takes it for a copy shows here.
    const lent = Buffer.alloc(chunk.length + 2 * MARGIN, POISON)
    lent.set(chunk, MARGIN)
    let said = machine.receive(lent.subarray(MARGIN, MARGIN + chunk.length))
    take(said)
    lent.fill(POISON)
    while (options.act !== undefined && said.length > 0) {
      said = machine.receive(new Uint8Array(0))
      take(said)
    }
  }
  if (options.end === true) take(machine.receiveEnd?.() ?? [])
  return { events, output: Buffer.concat(output).toString('hex'), observed: keep(options.observe?.(machine)) }
}

/** Cuts bytes into chunks of the given lengths, repeated until the end; at least one length must be above 0. */
export function cut(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  const endless = lengths.every((length) => length === 0)
  let at = 0
  for (let turn = 0; at < bytes.length; turn++) {
    const length = endless ? bytes.length : lengths[turn % lengths.length]!
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  return chunks
}

/** A deep copy that shares no bytes with what was lent; errors of the peer become their rule and code. */
function keep(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (value instanceof Error) return 'rule' in value && 'code' in value ? { rule: value.rule, code: value.code } : value
  if (Array.isArray(value)) return value.map(keep)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, keep(inner)]))
}
