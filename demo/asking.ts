// A call that waits for a person: what the approver sees, their answer by the admin API with a token of their own, and the
// call that goes on, or does not. The viewer may be the approver; who does not answer is answered for.

import { EXIT } from '../cli/exit-codes.ts'
import type { Caller, ExecCall } from './call.ts'
import { demand, type Made, make, pause, quietly, RECORDED_MILLIS, type Stage, sallyport } from './telling.ts'

export interface Asking extends Stage {
  /** Makes calls as an agent that works for alice, and says why. */
  readonly ask: Caller
  /** The file with bob's token, who may say yes. */
  readonly approver: string
  /** Somebody is at the terminal: resolves once they want the tour to answer. */
  readonly viewer: ((signal: AbortSignal) => Promise<unknown>) | undefined
}

/** How long the viewer has, less than the call waits. */
const VIEWER_MILLIS = 90_000

/** Makes the call, which must wait, and has it answered with a yes, or by the viewer with what they like. */
export function approved(asking: Asking, call: ExecCall): Promise<Made> {
  const { terminal, data, approver, viewer, stopped } = asking
  const ended = new AbortController()
  const called: Caller = (one) => asking.ask(one).finally(() => ended.abort())
  return make(asking, called, call, async () => {
    const id = await waiting(asking)
    terminal.note('It waits for a yes of the group oidc:sre. What bob sees, who is one of them:')
    const seen = await sallyport(asking, ['approvals', 'show', id, '--token-file', approver])
    demand(seen.code === EXIT.OK, 'the approver could not see what waits')
    if (viewer !== undefined) {
      terminal.note('Be bob, in another terminal, in this folder. Or press Enter here, and the tour says yes for him.')
      terminal.blank()
      const rest = `${id} --token-file '${approver}' --data '${data}'`
      terminal.lines(`npx sallyport approvals approve ${rest}`, `npx sallyport approvals deny ${rest}`)
      await viewer(AbortSignal.any([ended.signal, stopped, AbortSignal.timeout(VIEWER_MILLIS)]))
      stopped.throwIfAborted()
      terminal.blank()
      if (ended.signal.aborted) return
    }
    const words = ['approvals', 'approve', id, '--yes', '--token-file', approver]
    const { code } = await sallyport(asking, words)
    // The viewer may have been faster.
    demand(code === EXIT.OK || viewer !== undefined, 'the approval was not taken')
  })
}

/** Makes the call, which must wait, and has it answered with a no. */
export function refused(asking: Asking, caller: Caller, call: ExecCall, reason: string): Promise<Made> {
  const { approver } = asking
  return make(asking, caller, call, async () => {
    const words = ['approvals', 'deny', await waiting(asking), '--reason', reason, '--token-file', approver]
    const { code } = await sallyport(asking, words)
    demand(code === EXIT.OK, 'the answer was not taken')
  })
}

/** The id of the call that waits now. */
async function waiting({ data, stopped }: Stage): Promise<string> {
  for (const deadline = Date.now() + RECORDED_MILLIS; Date.now() < deadline; await pause(stopped)) {
    const { code, text } = await quietly(data, ['approvals', 'ls', '--json'])
    const [newest = ''] = code === EXIT.OK ? text.split('\n') : []
    const { id, waiting: calls } = newest === '' ? {} : (JSON.parse(newest) as { id?: string; waiting?: number })
    if (id !== undefined && (calls ?? 0) > 0) return id
  }
  throw new Error('the call did not wait for anybody')
}
