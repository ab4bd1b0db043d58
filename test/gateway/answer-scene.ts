// One answer between a cluster, a client and a tape that are lists of what they were told, in order.

import { Answer } from '../../gateway/answer.ts'
import type { Meter } from '../../gateway/budget.ts'
import { Deadlines } from '../../gateway/deadlines.ts'
import type { Durability, Refusal } from '../../gateway/decision.ts'
import type { Exchange } from '../../gateway/exchange.ts'
import { AnswerMask, type AnswerMaskParts } from '../../gateway/mask/answer-mask.ts'
import { MaskedWords } from '../../gateway/mask/text.ts'
import { type Tape, TapeFailed, type TapeStore } from '../../gateway/tape/tape.ts'
import { wordMaskers } from './mask/support/words.ts'

const maskers = wordMaskers(['hunter2'])

/** A mask of the word hunter2 alone. */
export function plain(parts: Partial<AnswerMaskParts> = {}): AnswerMask {
  return new AnswerMask({
    inflater: undefined,
    taped: undefined,
    passed: undefined,
    record: undefined,
    text: maskers.masker({ terminal: false }),
    passedRecord: undefined,
    passedText: 'same',
    words: new MaskedWords(maskers),
    events: undefined,
    originals: undefined,
    isOpaque: false,
    ...parts,
  })
}

/** Everything around one answer, as a list of what happened in order; `flush` makes the tape durable. */
export function scene(durability: Durability, taken = true, mask: AnswerMask | Refusal = plain(), meter?: Meter) {
  const did: string[] = []
  const waiting: (() => void)[] = []
  const listeners: (() => void)[] = []
  const state = { taken, flowing: true, congested: false, mask }
  const note = (what: string): void => {
    if (!state.taken) throw new TapeFailed('the tape takes nothing')
    did.push(what)
  }
  const tape = {
    append: (kind: string) => note(`tape ${kind}`),
    body: (_: number, bytes: Uint8Array) => note(`tape ${Buffer.from(bytes)}`),
    bodyEnd: (_: number, end: { broken?: boolean }) => note(end.broken === true ? 'tape broken' : 'tape whole'),
    durable: () => new Promise<void>((resolve) => waiting.push(resolve)),
  } as unknown as Tape
  const exchange = {
    owner: undefined,
    respond: (status: number, _: string, __: unknown, length?: number) =>
      did.push(`pass ${status}${length === undefined ? '' : ` of ${length}`}`),
    write: (bytes: Uint8Array) => {
      did.push(`pass ${Buffer.from(bytes)}`)
      return state.flowing
    },
    end: () => did.push('pass end'),
    abort: () => did.push('abort'),
  } as unknown as Exchange
  const store = {
    get congested() {
      return state.congested
    },
    failed: undefined,
    onChange: (listener: () => void) => {
      listeners.push(listener)
      return () => undefined
    },
  } as unknown as TapeStore
  const deadlines = new Deadlines(() => 0)
  deadlines.close()
  const answer = new Answer({
    ...{ exchange, tape, number: 1, store, durability, deadlines, expiresAt: 1_000, bodyBytes: 100 },
    meter,
    refused: (refusal) => note(`refused ${refusal.rule}`),
    mask: () => state.mask,
    failed: (error) => note(`failed ${error.rule}`),
    unrecorded: () => did.push('unrecorded'),
    ended: (status, broken) => did.push(`ended ${status} ${broken}`.trim()),
  })
  const call = { pause: () => did.push('pause'), resume: () => did.push('resume'), abort: () => did.push('cancel') }
  answer.begin(call)
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return {
    ...{ answer, did, state, turn },
    async flush(): Promise<void> {
      await turn()
      for (const resolve of waiting.splice(0)) resolve()
      await turn()
    },
    settled: () => {
      for (const listener of listeners) listener()
    },
  }
}

export const HEAD = { status: 200, reason: 'OK', minor: 1, fields: [] } as const
