// The main job once through, told on the terminal: a read, a Secret that stays one, a denied delete, a call that waits for a
// yes and one that it does not cover, the replay, its verification, an edit that verification finds, and a lock. A step that
// does not end as it must ends the tour with an error.

import { join } from 'node:path'
import { EXIT } from '../cli/exit-codes.ts'
import { openTapes } from '../cli/source.ts'
import type { Tapes } from '../replay/tapes.ts'
import { type Asking, approved, refused } from './asking.ts'
import type { Caller, ExecCall } from './call.ts'
import { forge } from './forge.ts'
import { at, demand, make, pause, RECORDED_MILLIS, sallyport } from './telling.ts'

export interface TourOptions extends Asking {
  /** The forged copy of the data directory is made in it. */
  readonly scratch: string
  /** Makes calls as an agent that works for alice. */
  readonly call: Caller
  /** The cluster is the user's own: nothing but reads may reach it. */
  readonly ownCluster: boolean
}

const SENTINEL = /^sallyport-masked-[\w-]{24}$/
/** As long as the value. */
const STREAM_MASK = /^~mask~+\r?\n$/
const SECRET = { secret: 'db', namespace: '' } as const
const SHELL = { verb: 'exec', namespace: '', pod: 'shell', container: 'main' } as const
/** Only in what the command prints, not in the command. */
const AMOUNT = 'refund 900 EUR'
const FORGED_AMOUNT = 'refund 100 EUR'

/** Throws Error, in words for the user, where the gateway did not do what it promises. */
export async function tour(options: TourOptions): Promise<void> {
  const { terminal, call, ownCluster } = options
  terminal.step('A read', 'claude-code, an agent that works for alice, looks around. Policy lets agents read.')
  const looked = await make(options, call, {
    verb: 'list',
    resource: ownCluster ? 'namespaces' : 'pods',
    namespace: '',
  })
  demand(looked.code === 0, 'the read was not answered')
  if (!ownCluster) await secrets(options)

  terminal.step('A denied delete', 'The agent goes too far. The gateway answers; the cluster never hears of it.')
  const denied = await make(options, call, { verb: 'delete', deployment: 'payments', namespace: 'prod' })
  demand(
    denied.code !== 0 && denied.row?.effect === 'deny' && denied.row.by === 'gateway',
    'the delete was not denied by the gateway',
  )
  if (ownCluster) return

  await consent(options)
  await replay(options)
  await stop(options)
}

async function secrets(options: TourOptions): Promise<void> {
  const { terminal, call } = options
  terminal.step(
    'A Secret that stays one',
    'The agent may look, and sees a mask: in the API, and in all that a pod prints. So does the tape.',
  )
  const read = await make(options, call, { ...SECRET, verb: 'get', key: 'password' })
  demand(SENTINEL.test(read.text), 'the Secret was not masked')
  const printed = await make(options, call, { ...SHELL, argv: ['printenv', 'DB_PASSWORD'] })
  demand(STREAM_MASK.test(printed.text), 'the value of the Secret was not masked in a stream')
  terminal.note('And what has a mask in it is not written back: it would overwrite the password.')
  const written = await make(options, call, { ...SECRET, verb: 'update' })
  demand(written.code !== 0 && written.row?.by === 'gateway', 'a mask was written to the cluster')
}

async function consent(options: TourOptions): Promise<void> {
  const { terminal, call } = options
  terminal.step(
    'A shell, after a yes',
    'Policy wants a human’s yes for it. The call waits, and its client says why (Sallyport-Intent).',
  )
  let ran = await approved(options, shell('30 * 30'))
  if (ran.code !== 0 && options.viewer !== undefined) {
    terminal.note('That was a no, so nothing ran. The agent asks in other words, and the tour says yes.')
    ran = await approved({ ...options, viewer: undefined }, shell('10 * 90'))
  }
  demand(ran.code === 0 && ran.text.includes(AMOUNT), 'the exec did not run')

  terminal.step('A changed command', 'The yes was for those bytes, once. Ten times the refund is another question.')
  const changed = await refused(options, call, shell('30 * 300'), 'not without a ticket')
  demand(changed.code !== 0 && changed.row?.by === 'gateway', 'a yes was good for another command')
}

function shell(sum: string): ExecCall {
  return { ...SHELL, argv: ['sh', '-c', `echo "refund $((${sum})) EUR"`] }
}

async function replay(options: TourOptions): Promise<void> {
  const { terminal, data } = options
  const tape = await sealedExec(options)
  terminal.step('The replay', 'The session that had its yes, as it looked, from the tape.')
  const played = await sallyport(options, ['tapes', 'play', tape, '--max-idle', '1'])
  demand(played.code === EXIT.OK && played.text.includes(AMOUNT), 'the tape did not play')

  terminal.step('The verification', 'Every entry is chained to the one before, and every tape is in a signed log.')
  const verified = await sallyport(options, ['tapes', 'verify', tape])
  demand(verified.code === EXIT.OK, 'the tape did not verify')

  terminal.step(
    'An edit, found',
    `Somebody with access to the disk makes "${AMOUNT}" read "${FORGED_AMOUNT}" (in a copy).`,
  )
  const copy = join(options.scratch, 'forged')
  const entry = await forge(data, copy, { tape, find: AMOUNT, replace: FORGED_AMOUNT })
  terminal.note(`entry ${entry} of the tape now says "${FORGED_AMOUNT}"`)
  const found = await sallyport({ ...options, data: copy }, ['tapes', 'verify', tape])
  demand(
    found.code === EXIT.VERIFICATION && new RegExp(`\\b${entry}\\b`).test(found.text),
    'verification did not name the edited entry',
  )
}

async function stop(options: TourOptions): Promise<void> {
  const { terminal, call } = options
  terminal.step('A stop', 'Enough: one command cuts an agent off, its open streams too, whoever it works for.')
  const locked = await sallyport(options, ['lock', '--actor', 'claude-code', '--reason', 'asked for too much'])
  demand(locked.code === EXIT.OK, 'the lock was not taken')
  const shut = await make(options, call, { verb: 'list', resource: 'pods', namespace: '' })
  demand(shut.code !== 0 && shut.row?.by === 'gateway', 'a lock did not hold')
  const id = /unlock (\S+)/.exec(locked.text)?.[1] ?? ''
  const unlocked = await sallyport(options, ['unlock', id])
  demand(unlocked.code === EXIT.OK, 'the lock did not end')
}

/** The newest exec's tape, once it is sealed and the log's signed checkpoint covers all that the log has. */
async function sealedExec({ data, stopped }: TourOptions): Promise<string> {
  for (const deadline = Date.now() + RECORDED_MILLIS; Date.now() < deadline; await pause(stopped)) {
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
