// A call, or a command of `sallyport` -> what is told of it: the line as it would be typed, what it printed, and what the
// tape has of it. What happened is read from the store, not from what was asked.

import { setTimeout } from 'node:timers/promises'
import { EXIT } from '../cli/exit-codes.ts'
import type { Io } from '../cli/io.ts'
import { main } from '../cli/main.ts'
import { openTapes } from '../cli/source.ts'
import { durationText } from '../cli/table.ts'
import { decoded } from '../replay/tapes.ts'
import { type CallRow, timeline } from '../replay/timeline.ts'
import { type Call, type Caller, kubectlLine, shown } from './call.ts'
import type { Terminal } from './terminal.ts'

export interface Stage {
  readonly terminal: Terminal
  /** The gateway's data directory. */
  readonly data: string
  /** The tour is over, wherever it is. */
  readonly stopped: AbortSignal
}

export interface Told {
  readonly text: string
  readonly code: number
}

export interface Made extends Told {
  readonly row: CallRow | undefined
}

/** How long what has happened may take to be readable: group commit promises 250 ms. */
export const RECORDED_MILLIS = 5_000
const POLL_MILLIS = 50

/** Makes a call, shows it and its answer, and then what the tape says of it. `meanwhile`: what happens before it is answered. */
export async function make(
  stage: Stage,
  caller: Caller,
  asked: Call,
  meanwhile: () => Promise<unknown> = async () => undefined,
): Promise<Made> {
  const { terminal, data, stopped } = stage
  stopped.throwIfAborted()
  terminal.command(kubectlLine(asked))
  const startedAt = Date.now()
  const [{ text, code }] = await Promise.all([caller(asked), meanwhile()])
  stopped.throwIfAborted()
  terminal.output(text, code === 0 ? undefined : 'red')
  const found = await recorded(stage, asked.verb, startedAt)
  if (found !== undefined) terminal.recorded(sentence(found))
  if (found !== undefined && found.row.approval !== '') {
    terminal.recorded(`approval ${found.row.approval}: ${(await answers(data, found.row.approval)).join(' · ')}`)
  }
  return { text, code, row: found?.row }
}

interface Recorded {
  readonly row: CallRow
  /** The rules that masked something in it. */
  readonly masked: ReadonlySet<string>
}

function sentence({ row, masked }: Recorded): string {
  const who = row.actor === '' ? row.user : `${row.actor} for ${row.user}`
  const facts = [row.line, who, `${row.effect === 'allow' ? 'allowed' : 'denied'} by ${row.rule}`]
  if (row.intent !== '') facts.push(`"${row.intent}"`)
  if (masked.size > 0) facts.push(`masked by ${[...masked].join(', ')}`)
  const exit = row.exitCode === undefined ? '' : `, exit code ${row.exitCode}`
  return `${facts.join(' · ')} · ${row.status ?? '-'}${exit}, ${durationText(row.duration)}`
}

/** The newest call of that verb since then; waits for it to be on disk. Times in milliseconds since 1970. */
async function recorded({ data, stopped }: Stage, verb: string, since: number): Promise<Recorded | undefined> {
  for (const deadline = Date.now() + RECORDED_MILLIS; Date.now() < deadline; await pause(stopped)) {
    const tapes = await openTapes(at(data))
    try {
      for await (const { id, openedAt } of tapes.list({ verb, limit: 1, since: since - 1000 })) {
        let row: CallRow | undefined
        const masked = new Set<string>()
        let isSealed = false
        for await (const one of timeline(decoded(tapes.entries(id)))) {
          if (one.row === 'call' && one.status !== undefined) row = one
          if (one.row === 'masked') masked.add(one.code)
          isSealed ||= one.row === 'seal'
        }
        // What a stream has printed is masked to its end.
        if (row?.status === 101 && !isSealed) continue
        if (row !== undefined && (openedAt + row.micros) / 1000 >= since) return { row, masked }
      }
    } finally {
      await tapes.close()
    }
  }
  return undefined
}

/** What became of an approval, in the words of the tape on which the gateway keeps what people do. */
async function answers(data: string, approval: string): Promise<string[]> {
  const tapes = await openTapes(at(data))
  try {
    const texts: string[] = []
    for await (const { id } of tapes.list({ kind: 'control', limit: 1 })) {
      for await (const row of timeline(decoded(tapes.entries(id)))) {
        // That it was asked for has the whole command in it, and is seen by now.
        if (row.row !== 'note' || row.facts.approval !== approval || row.code === 'approvals.request') continue
        texts.push(row.facts.reason ? `${row.text}: ${row.facts.reason}` : row.text)
      }
    }
    return texts
  } finally {
    await tapes.close()
  }
}

/** Runs a command of `sallyport` in this process and shows it as the user would type it. */
export async function sallyport({ terminal, data }: Stage, words: readonly string[]): Promise<Told> {
  terminal.command(`sallyport ${[...words, '--data', data].map(shown).join(' ')}`)
  const told = await quietly(data, words)
  terminal.output(told.text, told.code === EXIT.OK ? undefined : 'red')
  return told
}

/** As `sallyport`, without showing it. */
export async function quietly(data: string, words: readonly string[]): Promise<Told> {
  let text = ''
  const take = (piece: string): void => {
    text += piece
  }
  const io: Io = {
    out: async (piece) => take(piece),
    err: take,
    terminal: undefined,
    progress: false,
    colours: false,
    ask: undefined,
    clock: { now: () => performance.now(), sleep: () => Promise.resolve() },
    today: () => Date.now(),
    interruption: () => new AbortController().signal,
  }
  const code = await main([...words, '--data', data], io)
  return { text, code }
}

export function at(data: string) {
  return { data, admin: undefined, tokenFile: undefined, ca: undefined }
}

/** Rejects once the tour is over. */
export async function pause(stopped: AbortSignal): Promise<void> {
  await setTimeout(POLL_MILLIS, undefined, { signal: stopped })
}

/** Throws Error, in words for the user, where the gateway did not do what it promises. */
export function demand(held: boolean, otherwise: string): asserts held {
  if (!held) throw new Error(otherwise)
}
