// Requests to /v1/approvals of the admin API -> what is asked, and people's answers. It judges nothing itself: the book says
// who may answer what, and this only says what a caller may see.

import { Hono } from 'hono'
import { z } from 'zod'
import { limits } from '../../protocols/limits.ts'
import type { Approval } from '../approvals/approvals.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { AdminEnv } from './admin-env.ts'
import { refusalResponse } from './answers.ts'
import { approvalPage } from './approval-page.ts'
import { approvalView, maySee } from './approval-view.ts'
import { noteAttempt } from './attempts.ts'
import { type Caller, principalOf } from './caller.ts'
import type { Desk } from './desk.ts'
import { jsonBody, queryOf } from './json-body.ts'
import { watchStream } from './watch-stream.ts'

const text = z.string().max(limits.approvals.reason).default('')

/** Where an answer came from, by its sender's own word: for the record. */
const via = z.enum(['api', 'cli']).default('api')

const answerBody = z.strictObject({
  answer: z.enum(['yes', 'no']),
  reason: text,
  ticket: text,
  /** The cluster that whoever answers believes it is for. */
  cluster: z.string().max(limits.approvals.lockName).optional(),
  via,
})

const revokeBody = z.strictObject({ reason: text, ticket: text, via })

const watchQuery = z.strictObject({ id: z.string().max(64).optional() })

export function approvalRoutes(desk: Desk): Hono<AdminEnv> {
  const routes = new Hono<AdminEnv>()
  const { approvals } = desk
  let watches = 0

  routes.get('/', (context) => {
    const page = approvalPage(desk, context.var.caller, context.req.url)
    if ('status' in page) return refusalResponse(page)
    return context.json({ approvals: page.lines, ...(page.cursor !== undefined && { cursor: page.cursor }) })
  })

  routes.get('/watch', (context) => {
    const query = queryOf(context.req.url, watchQuery)
    if ('status' in query) return refusalResponse(query)
    if (watches >= limits.admin.watches) {
      return refusalResponse(refuse(503, 'ServiceUnavailable', 'admin.watches', 'too many watch already; try again'))
    }
    watches++
    const { caller, held } = context.var
    const release = held.keep()
    const stream = watchStream({
      desk,
      caller,
      id: query.id,
      isLockedOut: () => context.var.lockedOut() !== undefined,
      ended: () => {
        watches--
        release()
      },
    })
    return new Response(stream, { headers: { 'content-type': 'application/x-ndjson' } })
  })

  routes.get('/:id', (context) => {
    const approval = seen(desk, context.var.caller, context.req.param('id'))
    return 'status' in approval ? refusalResponse(approval) : context.json(view(approval, context.var.caller))
  })

  routes.post('/:id/answer', async (context) => {
    const caller = context.var.caller
    const body = await jsonBody(context.req.raw, answerBody)
    if ('status' in body) return refusalResponse(body)
    const id = context.req.param('id')
    const { cluster, ...rest } = body
    const approver = principalOf(caller)
    const answer = { id, ...rest, ...(cluster !== undefined && { cluster }) }
    return done(id, 'answer', caller, 'status' in approver ? approver : await approvals.answer({ ...answer, approver }))
  })

  routes.post('/:id/revoke', async (context) => {
    const caller = context.var.caller
    const body = await jsonBody(context.req.raw, revokeBody)
    if ('status' in body) return refusalResponse(body)
    const id = context.req.param('id')
    const approver = principalOf(caller)
    return done(
      id,
      'revoke',
      caller,
      'status' in approver ? approver : await approvals.revoke({ id, ...body, approver }),
    )
  })

  function view(approval: Approval, caller: Caller) {
    return approvalView(approval, caller, approvals.waiting(approval.id))
  }

  function done(id: string, what: string, caller: Caller, result: Approval | Refusal): Response {
    if (!('status' in result)) return Response.json(view(result, caller))
    noteAttempt(desk.ledger, caller, what, id, result)
    return refusalResponse(result)
  }

  return routes
}

/** Whoever may not see it is told what they would be told if it were not there. */
function seen(desk: Desk, caller: Caller, id: string): Approval | Refusal {
  const approval = desk.approvals.get(id)
  if (approval !== undefined && maySee(caller, approval)) return approval
  return refuse(404, 'NotFound', 'approvals.unknown', 'there is no such approval, or it is not for you to see')
}
