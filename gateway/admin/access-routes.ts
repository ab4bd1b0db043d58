// Requests to /v1/whoami and /v1/access of the admin API -> who the caller is to the gateway, and what they may do, ask for
// and are kept from: for agents that ask before they act, and people who wonder why not.

import { Hono } from 'hono'
import { z } from 'zod'
import { limits } from '../../protocols/limits.ts'
import type { LockTarget } from '../approvals/locks.ts'
import { claimsOf } from '../claims.ts'
import { refuse } from '../decision.ts'
import { accessOf } from '../policy/access.ts'
import { budgetsFor } from '../policy/budgets.ts'
import type { Principal } from '../principal.ts'
import type { AdminEnv } from './admin-env.ts'
import { refusalResponse } from './answers.ts'
import { lockView, timeOf } from './approval-view.ts'
import { isOperator, principalOf } from './caller.ts'
import type { Desk } from './desk.ts'
import { queryOf } from './json-body.ts'

const accessQuery = z.strictObject({ cluster: z.string().max(limits.approvals.lockName).optional() })

/** `gatewayUrl`: where calls to clusters go. */
export function accessRoutes(desk: Desk, gatewayUrl: string): Hono<AdminEnv> {
  const routes = new Hono<AdminEnv>()

  routes.get('/whoami', (context) => {
    const { caller } = context.var
    const common = { operator: isOperator(caller), gateway: gatewayUrl, clusters: desk.clusters() }
    if (caller.kind === 'operator') return context.json({ kind: 'admin-token', ...common })
    const { user, groups, actor, issuer, expiresAt } = caller.principal
    const kind = actor === '' ? 'person' : 'agent'
    return context.json({ kind, user, groups, actor, issuer, expiresAt: timeOf(expiresAt), ...common })
  })

  routes.get('/access', (context) => {
    const { caller } = context.var
    const query = queryOf(context.req.url, accessQuery)
    if ('status' in query) return refusalResponse(query)
    const principal = principalOf(caller)
    if ('status' in principal) return refusalResponse(principal)
    const { cluster } = query
    const clusters = desk.clusters()
    if (cluster !== undefined && !clusters.includes(cluster)) {
      const message = `this gateway has no such cluster; it has ${clusters.join(', ')}`
      return refusalResponse(refuse(404, 'NotFound', 'access.cluster', message))
    }
    // What the caller says of itself, as on the gateway.
    const claims = claimsOf(
      ['sallyport-run', 'sallyport-intent'].flatMap((name) => [name, context.req.header(name) ?? '']),
    )
    return context.json({
      version: 1,
      ...accessOf(desk.policy(), principal, claims, cluster, desk.now()),
      clusters: cluster === undefined ? clusters : [cluster],
      budgets: desk.budgets.left(budgetsFor(desk.policy(), { principal, claims }, cluster), {
        ...{ user: principal.user, actor: principal.actor, run: claims.run },
      }),
      grants: [...grantsOf(desk, principal, cluster)],
      locks: desk.locks
        .list()
        .filter(({ target }) => isOn(target, principal, claims.run, cluster))
        .map(lockView),
    })
  })

  return routes
}

/** Standing access that somebody has or has asked for; what is over is left out. */
function* grantsOf(desk: Desk, { user, actor }: Principal, cluster: string | undefined) {
  for (const { id, state, target, validUntil, answerBy } of desk.approvals.live()) {
    if (target.kind !== 'grant' || target.scope.user !== user || target.scope.actor !== actor) continue
    if (cluster !== undefined && target.scope.cluster !== cluster) continue
    const { verbs, resources, namespaces } = target.scope
    yield {
      id,
      state,
      cluster: target.scope.cluster,
      verbs,
      resources: resources.map(({ group, resource, subresource }) =>
        [group, resource, subresource].filter((part) => part !== '').join('/'),
      ),
      namespaces,
      ...(validUntil === null ? { answerBy: timeOf(answerBy) } : { validUntil: timeOf(validUntil) }),
    }
  }
}

/** Whether a lock would stop a call. */
function isOn({ kind, name }: LockTarget, principal: Principal, run: string, cluster: string | undefined): boolean {
  switch (kind) {
    case 'all':
      return true
    case 'cluster':
      return cluster === undefined || name === cluster
    case 'run':
      return name === run
    default:
      return name === principal[kind]
  }
}
