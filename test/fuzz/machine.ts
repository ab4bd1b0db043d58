// What every protocol machine promises of any bytes: it never throws, says and writes the same however they are cut, writes
// and says no more than they call for, takes little memory, keeps no view of them, and is inert behind a fault.

import assert from 'node:assert/strict'
import { getHeapStatistics } from 'node:v8'
import { type CutOptions, cut, type EventOf, hear, type Machine } from '../support/cut.ts'

export interface MachineOptions<M> extends CutOptions<M> {
  /** Octets of output for each octet of input, at most, beside a fixed allowance. */
  readonly outputRatio?: number
}

/** What is written whatever came: a first answer, a farewell. */
const OUTPUT_ALLOWANCE = 1_024
/**
 * What a machine may take of memory for one input, garbage included: far more than it does, and far less than what a few
 * octets can announce (2^28 settings, a deflated gigabyte).
 */
const MEMORY = 8_388_608
/** An event for each octet and some for the end: who says more makes its owner work for nothing. */
const EVENT_ALLOWANCE = 4
const PIECES = 12
/** From octet by octet to a few pieces. */
const WIDEST = [1, 3, 17, 400]

/** Runs fresh machines over the input whole and cut, and returns what they said, by name. Throws if a promise is broken. */
export function checkMachine<M extends Machine<unknown>>(
  make: () => M,
  input: Uint8Array,
  options: MachineOptions<M> = {},
): string[] {
  const machine = make()
  const before = memory()
  const whole = hear(machine, [input], options)
  assert.ok(memory() - before <= MEMORY, 'too much memory')
  const events = whole.events as readonly { readonly type: string }[]
  assert.deepEqual(hear(make(), cut(input, lengths(input)), options), whole, 'a cut changes what is heard')
  assert.ok(whole.output.length / 2 <= OUTPUT_ALLOWANCE + (options.outputRatio ?? 0) * input.length, 'too much output')
  assert.ok(events.length <= EVENT_ALLOWANCE + input.length, 'more events than octets')
  const failed = events.findIndex((event) => event.type === 'failed')
  if (failed !== -1) {
    assert.equal(failed, events.length - 1, 'an event behind the fault')
    const after = hear(machine, [input, Uint8Array.of(0)], { end: true })
    assert.deepEqual([...after.events, after.output], [''], 'not inert behind the fault')
  }
  return namesOf(events as readonly EventOf<M>[])
}

/** Bytes of objects and buffers, those included that nobody needs any more. */
function memory(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

/** Lengths to cut bytes into: the same for the same `seed`, and others for others. */
export function lengths(seed: Uint8Array): number[] {
  let hash = 0x811c9dc5
  for (const octet of seed) hash = Math.imul(hash ^ octet, 0x01000193)
  const widest = WIDEST[hash & 3]!
  const pieces: number[] = []
  for (let at = 0; at < PIECES; at++) {
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    pieces.push((hash >>> 8) % (widest + 1))
  }
  return pieces
}

/** Pairs of neighbouring events, how many there are of each (in powers of two), and the rule of the fault. */
export function namesOf(events: readonly unknown[]): string[] {
  const names = new Set<string>()
  const counts = new Map<string, number>()
  let before = ''
  for (const event of events) {
    const name = nameOf(event)
    names.add(`${before} ${name}`)
    counts.set(name, (counts.get(name) ?? 0) + 1)
    before = name
  }
  for (const [name, count] of counts) names.add(`${name} x${2 ** Math.floor(Math.log2(count))}`)
  return [...names]
}

function nameOf(event: unknown): string {
  const { type, error, opcode, channel } = event as Record<string, unknown>
  if (error !== undefined) return `${type} ${(error as { rule: string }).rule}`
  return [type, opcode, channel].filter((part) => part !== undefined).join(' ')
}

/** The first octet of an input chooses a form, the rest is for the reader. */
export function choice(input: Uint8Array): readonly [form: number, rest: Uint8Array] {
  return [input[0] ?? 0, input.subarray(1)]
}

interface Piece {
  readonly type: string
  readonly stream?: number
  readonly bytes?: Uint8Array
}

/** Joins data of one stream, or of the one body that there is. */
export function joinData<Event extends { readonly type: string }>(earlier: Event, later: Event): Event | undefined {
  const [a, b]: readonly [Piece, Piece] = [earlier, later]
  if (a.type !== 'data' || b.type !== 'data' || a.stream !== b.stream) return undefined
  return { ...earlier, bytes: new Uint8Array(Buffer.concat([a.bytes!, b.bytes!])) }
}
