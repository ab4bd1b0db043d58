// The main job once through, told on the terminal: a read, a denied delete, an exec, its replay, its verification, and an
// edit of the stored tape that verification then finds. A step that does not end as it must ends the tour with an error.

import { join } from 'node:path'
import { EXIT } from '../cli/exit-codes.ts'
import type { Io } from '../cli/io.ts'
import { main } from '../cli/main.ts'
import { openTapes } from '../cli/source.ts'
import { durationText } from '../cli/table.ts'
import { decoded, type Tapes } from '../replay/tapes.ts'
import { type CallRow, timeline } from '../replay/timeline.ts'
import { type Call, type Caller, kubectlWords } from './call.ts'
import { forge } from './forge.ts'
import type { Terminal } from './terminal.ts'

export interface TourOptions {
  readonly terminal: Terminal
  /** The gateway's data directory; the forged copy is made in `scratch`. */
  readonly data: string
  readonly scratch: string
  /** Makes calls as an agent that works for alice. */
  readonly call: Caller
  /** The cluster is the user's own: nothing but reads may reach it. */
  readonly ownCluster: boolean
}

const EXEC: Call = {
  verb: 'exec',
  namespace: '',
  pod: 'shell',
  container: 'main',
  argv: ['sh', '-c', 'echo "order 4711: refund $((30 * 30)) EUR"; echo "done by $CONTAINER_NAME"'],
}
/** Only in what the command prints, not in the command. */
const AMOUNT = 'refund 900 EUR'
const FORGED_AMOUNT = 'refund 100 EUR'
/** How long what has happened may take to be readable: group commit promises 250 ms. */
const RECORDED_MILLIS = 5_000
const POLL_MILLIS = 50

/** Throws Error, in words for the user, where the gateway did not do what it promises. */
export async function tour(options: TourOptions): Promise<void> {
  const { terminal, ownCluster } = options
  terminal.step('A read', 'claude-code, an agent that works for alice, looks around. Policy lets agents read.')
  const looked = await make(options, { verb: 'get', resource: ownCluster ? 'namespaces' : 'pods', namespace: '' })
  demand(looked.code === 0, 'the read was not answered')

  terminal.step('A denied delete', 'The agent goes too far. The gateway answers; the cluster never hears of it.')
  const denied = await make(options, { verb: 'delete', deployment: 'payments', namespace: 'prod' })
  demand(
    denied.code !== 0 && denied.row?.effect === 'deny' && denied.row.by === 'gateway',
    'the delete was not denied by the gateway',
  )
  if (ownCluster) return

  terminal.step('An exec', 'A shell command in a pod. Each byte is on a tape before it passes.')
  const ran = await make(options, EXEC)
  demand(ran.code === 0 && ran.text.includes(AMOUNT), 'the exec did not run')
  const tape = await sealedExec(options.data)

  terminal.step('Its replay', 'The session as it looked, from the tape.')
  const played = await sallyport(options, ['tapes', 'play', tape, '--max-idle', '1'])
  demand(played.code === EXIT.OK && played.text.includes(AMOUNT), 'the tape did not play')

  terminal.step('Its verification', 'Every entry is chained to the one before, and every tape is in a signed log.')
  const verified = await sallyport(options, ['tapes', 'verify', tape])
  demand(verified.code === EXIT.OK, 'the tape did not verify')

  terminal.step(
    'An edit, found',
    `Somebody with access to the disk makes "${AMOUNT}" read "${FORGED_AMOUNT}" (in a copy).`,
  )
  const copy = join(options.scratch, 'forged')
  const entry = await forge(options.data, copy, { tape, find: AMOUNT, replace: FORGED_AMOUNT })
  terminal.note(`entry ${entry} of the tape now says "${FORGED_AMOUNT}"`)
  const found = await sallyport({ ...options, data: copy }, ['tapes', 'verify', tape])
  demand(
    found.code === EXIT.VERIFICATION && new RegExp(`\\b${entry}\\b`).test(found.text),
    'verification did not name the edited entry',
  )
}

interface Made {
  readonly text: string
  readonly code: number
  readonly row: CallRow | undefined
}

/** Makes a call, shows it and its answer, and then what the tape says of it. */
async function make({ terminal, call, data }: TourOptions, asked: Call): Promise<Made> {
  terminal.command(`kubectl ${kubectlWords(asked).map(shown).join(' ')}`)
  const startedAt = Date.now()
  const { text, code } = await call(asked)
  terminal.output(text, code === 0 ? undefined : 'red')
  const row = await recorded(data, asked.verb === 'get' ? 'list' : asked.verb, startedAt)
  if (row !== undefined) terminal.recorded(sentence(row))
  return { text, code, row }
}

function sentence(row: CallRow): string {
  const who = row.actor === '' ? row.user : `${row.actor} for ${row.user}`
  const decided = row.effect === 'allow' ? `allowed by ${row.rule}` : `denied by ${row.rule}`
  const exit = row.exitCode === undefined ? '' : `, exit code ${row.exitCode}`
  return `${row.line} · ${who} · ${decided} · ${row.status ?? '-'}${exit}, ${durationText(row.duration)}`
}

/** The row of the newest call of that verb since then; waits for it to be on disk. */
async function recorded(data: string, verb: string, since: number): Promise<CallRow | undefined> {
  for (const deadline = Date.now() + RECORDED_MILLIS; Date.now() < deadline; await pause()) {
    const tapes = await openTapes(at(data))
    try {
      for await (const { id } of tapes.list({ verb, limit: 1, since: since - 1000 })) {
        let last: CallRow | undefined
        for await (const row of timeline(decoded(tapes.entries(id)))) {
          if (row.row === 'call' && row.status !== undefined) last = row
        }
        if (last !== undefined) return last
      }
    } finally {
      await tapes.close()
    }
  }
  return undefined
}

/** The newest exec's tape, once it is sealed and the log's signed checkpoint covers all that the log has. */
async function sealedExec(data: string): Promise<string> {
  for (const deadline = Date.now() + RECORDED_MILLIS; Date.now() < deadline; await pause()) {
    const tapes = await openTapes(at(data))
    try {
      for await (const { id, sealed } of tapes.list({ kind: 'exec', limit: 1 })) {
        if (sealed !== '' && (await isSigned(tapes))) return id
      }
    } finally {
      await tapes.close()
    }
  }
  throw new Error('the session has no sealed tape under a checkpoint')
}

async function isSigned({ log }: Tapes): Promise<boolean> {
  let leaves = 0
  for await (const _ of log.leaves()) leaves++
  // A checkpoint's second line is the size of its tree (C2SP tlog-checkpoint).
  const size = Number((await log.checkpoint())?.split('\n')[1] ?? 0)
  return leaves > 0 && size >= leaves
}

/** Runs a command of `sallyport` in this process and shows it as the user would type it. */
async function sallyport(
  { terminal, data }: TourOptions,
  words: readonly string[],
): Promise<{ text: string; code: number }> {
  terminal.command(`sallyport ${words.join(' ')} --data ${data}`)
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
  terminal.output(text, code === EXIT.OK ? undefined : 'red')
  return { text, code }
}

function at(data: string) {
  return { data, admin: undefined, tokenFile: undefined, ca: undefined }
}

function shown(word: string): string {
  return /^[\w./:=-]+$/.test(word) ? word : `'${word}'`
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MILLIS))
}

function demand(held: boolean, otherwise: string): void {
  if (!held) throw new Error(otherwise)
}
