// Transitions of approvals as they happen -> lines of JSON for one reader, who sees what they may see, until they go, their
// token ends or they are locked. A reader that does not keep up is cut off rather than waited for.

import { limits } from '../../protocols/limits.ts'
import { isOpen } from '../approvals/approval-state.ts'
import type { Approval, ApprovalEvent } from '../approvals/approvals.ts'
import { approvalView, maySee, timeOf } from './approval-view.ts'
import type { Caller } from './caller.ts'
import type { Desk } from './desk.ts'

export interface WatchOptions {
  readonly desk: Desk
  readonly caller: Caller
  /** Only this approval, which is shown first whatever its state; undefined: all, and first those that can be answered. */
  readonly id: string | undefined
  /** Whether the caller is locked out by now. */
  isLockedOut(): boolean
  /** Called once. */
  ended(): void
}

/**
 * `{"event":"standing","approval":…}` for what stands, `{"event":"synced"}`, then an event for each transition once it is on
 * disk, and `{"event":"ping"}` in between.
 */
export function watchStream({ desk, caller, id, isLockedOut, ended }: WatchOptions): ReadableStream<Uint8Array> {
  const { approvals, locks, timers } = desk
  const undo: (() => void)[] = []
  let isOver = false
  const release = (): void => {
    if (isOver) return
    isOver = true
    for (const step of undo) step()
    ended()
  }
  const isShown = (approval: Approval): boolean => (id === undefined || approval.id === id) && maySee(caller, approval)

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = (): void => {
          if (isOver) return
          release()
          controller.close()
        }
        const write = (line: object): void => {
          if (isOver) return
          if ((controller.desiredSize ?? 0) <= 0) end()
          else controller.enqueue(Buffer.from(`${JSON.stringify(line)}\n`))
        }
        const show = (event: ApprovalEvent['kind'] | 'standing', at: number, approval: Approval): void => {
          const view = approvalView(approval, caller, approvals.waiting(approval.id))
          write({ event, at: timeOf(at), approval: view })
        }
        const expiresAt = caller.kind === 'person' ? caller.principal.expiresAt : Number.POSITIVE_INFINITY
        let cancelTimer: () => void = () => undefined
        const wait = (): void => {
          const left = expiresAt - desk.now()
          if (left <= 0) {
            end()
            return
          }
          cancelTimer = timers.after(Math.min(left, limits.admin.pingMillis), () => {
            if (desk.now() < expiresAt) write({ event: 'ping' })
            if (!isOver) wait()
          })
        }
        undo.push(
          approvals.onEvent((event, approval) => {
            if (isShown(approval)) show(event.kind, event.at, approval)
          }),
          locks.onEvent(() => {
            if (isLockedOut()) end()
          }),
          () => cancelTimer(),
        )
        const now = desk.now()
        for (const approval of id === undefined ? approvals.live() : [approvals.get(id)]) {
          if (approval === undefined || !isShown(approval)) continue
          if (id !== undefined || isOpen(approval)) show('standing', now, approval)
        }
        write({ event: 'synced' })
        if (!isOver) wait()
      },
      cancel: release,
    },
    // One more than what may stand at the beginning.
    { highWaterMark: limits.approvals.pending + limits.admin.watchLines },
  )
}
