// Requests to /v1/locks of the admin API -> the kill switch. Operators lock and unlock; anybody else can lock themselves, who
// fears that their token is in other hands, and cannot take that back.

import { Hono } from 'hono'
import { z } from 'zod'
import { limits } from '../../protocols/limits.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { AdminEnv } from './admin-env.ts'
import { refusalResponse } from './answers.ts'
import { lockView, maySeeLock } from './approval-view.ts'
import { noteAttempt } from './attempts.ts'
import { type Caller, isOperator, personOfCaller } from './caller.ts'
import type { Desk } from './desk.ts'
import { jsonBody } from './json-body.ts'

/** A name is shown to people, who must see all of it. */
const name = z
  .string()
  .max(limits.approvals.lockName)
  .refine((value) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(value), 'it has characters that nobody can see')

const lockBody = z.strictObject({
  target: z.strictObject({ kind: z.enum(['user', 'actor', 'run', 'cluster', 'all']), name: name.default('') }),
  /** Told to whoever is locked out. */
  reason: z.string().min(1, 'say why: it is what whoever is locked out is told').max(limits.approvals.reason),
})

const unlockBody = z.strictObject({ reason: z.string().max(limits.approvals.reason).default('') })

export function lockRoutes(desk: Desk): Hono<AdminEnv> {
  const routes = new Hono<AdminEnv>()
  const { locks } = desk

  routes.get('/', (context) => {
    const seen = locks.list().filter((lock) => maySeeLock(context.var.caller, lock))
    return context.json({ locks: seen.map(lockView) })
  })

  routes.post('/', async (context) => {
    const { caller } = context.var
    const body = await jsonBody(context.req.raw, lockBody)
    if ('status' in body) return refusalResponse(body)
    const { target, reason } = body
    const isOwn = caller.kind === 'person' && caller.principal.actor === '' && isUser(target, caller.principal.user)
    const result =
      isOperator(caller) || isOwn ? await locks.lock(target, personOfCaller(caller), reason) : notOperator(caller)
    if ('status' in result) {
      noteAttempt(desk.ledger, caller, 'lock', `${target.kind} ${target.name}`, result)
      return refusalResponse(result)
    }
    // `recorded` is false while the disk takes nothing: the lock is in force until the gateway restarts.
    return context.json({ ...lockView(result.lock), recorded: result.isRecorded }, 201)
  })

  routes.delete('/:id', async (context) => {
    const { caller } = context.var
    const body = await jsonBody(context.req.raw, unlockBody)
    if ('status' in body) return refusalResponse(body)
    const id = context.req.param('id')
    const result = isOperator(caller)
      ? await locks.unlock(id, personOfCaller(caller), body.reason)
      : notOperator(caller)
    if (!('status' in result)) return context.json(lockView(result))
    noteAttempt(desk.ledger, caller, 'unlock', id, result)
    return refusalResponse(result)
  })

  return routes
}

function isUser(target: { readonly kind: string; readonly name: string }, user: string): boolean {
  return target.kind === 'user' && target.name === user
}

function notOperator(caller: Caller): Refusal {
  const isAgent = caller.kind === 'person' && caller.principal.actor !== ''
  const message = isAgent
    ? 'an agent cannot lock or unlock'
    : "only operators can do that: whoever has the gateway's admin token, and those whom its configuration names under admin.operators"
  return refuse(403, 'Forbidden', 'admin.not_operator', message)
}
