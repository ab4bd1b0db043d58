// Requests to /v1/grants of the admin API -> standing access: asked for by the policy's `grants`, listed, taken back. People
// ask for themselves or for an agent of theirs, an agent for itself alone.

import { Hono } from 'hono'
import { z } from 'zod'
import { limits } from '../../protocols/limits.ts'
import type { Approval } from '../approvals/approvals.ts'
import type { GrantResource } from '../approvals/grant-scope.ts'
import { type Refusal, refuse } from '../decision.ts'
import { milliseconds } from '../policy/approval.ts'
import { GRANT_VERBS } from '../policy/document.ts'
import { grantTerms } from '../policy/grant-terms.ts'
import type { Principal } from '../principal.ts'
import { parseResource, ResourceNameError } from '../resource-names.ts'
import type { AdminEnv } from './admin-env.ts'
import { refusalResponse } from './answers.ts'
import { approvalPage } from './approval-page.ts'
import { approvalView } from './approval-view.ts'
import { noteAttempt } from './attempts.ts'
import { type Caller, principalOf } from './caller.ts'
import type { Desk } from './desk.ts'
import { jsonBody } from './json-body.ts'

const words = limits.approvals.grantWords

/** As Kubernetes names them (RFC 1123 label). */
const namespace = z.string().regex(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/, 'it must be the name of a namespace')

const text = z.string().max(limits.approvals.reason).default('')

const grantBody = z.strictObject({
  /** Absent: the gateway's default. */
  cluster: z.string().min(1).max(limits.approvals.lockName).optional(),
  verbs: z.array(z.enum(GRANT_VERBS)).min(1).max(words),
  /** RESOURCE, RESOURCE/SUBRESOURCE, GROUP/RESOURCE, GROUP/RESOURCE/SUBRESOURCE, GROUP/*. */
  resources: z.array(z.string().min(1).max(limits.approvals.lockName)).min(1).max(words),
  namespaces: z.union([z.literal('all'), z.array(namespace).min(1).max(words)], 'write a list of namespaces, or "all"'),
  /** From the yes: "30m". */
  duration: z.string().regex(/^\d{1,5}[smhd]$/, 'write a number and s, m, h or d, such as "30m"'),
  /** An agent of whoever asks, that is to have the access in their place. */
  actor: z.string().min(1).max(limits.approvals.lockName).optional(),
  reason: text,
  ticket: text,
})

type GrantBody = z.infer<typeof grantBody>

export function grantRoutes(desk: Desk): Hono<AdminEnv> {
  const routes = new Hono<AdminEnv>()

  routes.get('/', (context) => {
    const page = approvalPage(desk, context.var.caller, context.req.url, 'grant')
    if ('status' in page) return refusalResponse(page)
    return context.json({ grants: page.lines, ...(page.cursor !== undefined && { cursor: page.cursor }) })
  })

  routes.post('/', async (context) => {
    const { caller } = context.var
    const body = await jsonBody(context.req.raw, grantBody)
    if ('status' in body) return refusalResponse(body)
    const requester = principalOf(caller)
    const result = 'status' in requester ? requester : await ask(desk, requester, body)
    if ('status' in result) {
      noteAttempt(desk.ledger, caller, 'grant', subjectOf(body), result)
      return refusalResponse(result)
    }
    const location = `/v1/approvals/${result.id}`
    return context.json(approvalView(result, caller, 0), 201, { location })
  })

  routes.post('/:id/revoke', async (context) => {
    const { caller } = context.var
    const body = await jsonBody(context.req.raw, z.strictObject({ reason: text }))
    if ('status' in body) return refusalResponse(body)
    const id = context.req.param('id')
    const result = await revoke(desk, caller, id, body.reason)
    if (!('status' in result)) return context.json(approvalView(result, caller, 0))
    noteAttempt(desk.ledger, caller, 'revoke', id, result)
    return refusalResponse(result)
  })

  return routes
}

/** Refusals: grants.cluster, .resource, .reason_required, those of `grantTerms` and of `Grants.request`. */
async function ask(desk: Desk, requester: Principal, body: GrantBody): Promise<Approval | Refusal> {
  const { verbs, namespaces, reason, ticket, actor } = body
  const clusters = desk.clusters()
  const cluster = body.cluster ?? (clusters[0] as string)
  if (!clusters.includes(cluster)) {
    return refuse(422, 'Invalid', 'grants.cluster', `this gateway has no such cluster; it has ${clusters.join(', ')}`)
  }
  const resources = resourcesOf(body.resources)
  if ('status' in resources) return resources
  const durationMillis = milliseconds(body.duration)
  const principal = { ...requester, actor: actor ?? requester.actor }
  const terms = grantTerms(desk.policy(), { principal, cluster, verbs, resources, namespaces, durationMillis })
  if ('status' in terms) return terms
  if (terms.reasonRequired && reason.trim() === '') {
    return refuse(422, 'Invalid', 'grants.reason_required', 'say why: the policy wants a reason for this access')
  }
  if (terms.ticketRequired && ticket !== '') {
    const closed = await desk.tickets().check([ticket])
    if (closed !== undefined) return closed
  }
  const asking = { requester, cluster, verbs, resources, namespaces, durationMillis, reason, ticket, terms }
  return desk.grants.request({ ...asking, ...(actor !== undefined && { actor }) })
}

function resourcesOf(entries: readonly string[]): readonly GrantResource[] | Refusal {
  const resources: GrantResource[] = []
  for (const [at, entry] of entries.entries()) {
    try {
      const [group, resource, subresource] = parseResource(entry)
      if (subresource === '*') throw new ResourceNameError('name each subresource: access is to what is named')
      resources.push({ group, resource, subresource })
    } catch (error) {
      if (!(error instanceof ResourceNameError)) throw error
      return refuse(422, 'Invalid', 'grants.resource', `resources: ${at}: ${error.message}`)
    }
  }
  return resources
}

/** A grant by its own address: an approval of a call is none. */
async function revoke(desk: Desk, caller: Caller, id: string, reason: string): Promise<Approval | Refusal> {
  const approver = principalOf(caller)
  if ('status' in approver) return approver
  if (desk.approvals.get(id)?.target.kind !== 'grant') {
    return refuse(404, 'NotFound', 'grants.unknown', 'there is no such grant')
  }
  return desk.approvals.revoke({ id, approver, reason, ticket: '', via: 'api' })
}

function subjectOf({ verbs, resources, namespaces }: GrantBody): string {
  return `${verbs.join(',')} ${resources.join(',')} ${String(namespaces)}`
}
