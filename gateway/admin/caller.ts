// The Authorization field of a request to the admin API -> who calls: whoever holds the admin token, which is somebody with
// the gateway's own files and nobody by name, or a person or agent with a token of a configured issuer. Refuses all else.

import type { Person } from '../approvals/approvals.ts'
import { personOf } from '../approvals/quorum.ts'
import type { Authenticator } from '../authn/authenticator.ts'
import { type Approver, type Refusal, refuse } from '../decision.ts'
import type { Principal } from '../principal.ts'
import { isAuthorized } from './admin-token.ts'

export type Caller =
  | { readonly kind: 'operator' }
  /** `isOperator`: the configuration names them as one. Never an agent. */
  | { readonly kind: 'person'; readonly principal: Principal; readonly isOperator: boolean }

/** Refusals: authn.*, as on the gateway itself. */
export async function callerOf(
  header: string | undefined,
  adminToken: string,
  authenticator: Authenticator,
  operators: readonly Approver[],
): Promise<Caller | Refusal> {
  if (header === undefined) {
    const message =
      'a bearer token is needed: an OIDC token as for the gateway, or the content of admin.token in the data directory'
    return refuse(401, 'Unauthorized', 'authn.missing', message)
  }
  if (isAuthorized(header, adminToken)) return { kind: 'operator' }
  const principal = await authenticator.authenticate(['authorization', header], undefined)
  if ('status' in principal) return principal
  return { kind: 'person', principal, isOperator: isNamed(operators, principal) }
}

/** Whether they may lock and unlock, and see what concerns others. */
export function isOperator(caller: Caller): boolean {
  return caller.kind === 'operator' || caller.isOperator
}

/** The caller as somebody with a name. Refusal: admin.nobody. */
export function principalOf(caller: Caller): Principal | Refusal {
  if (caller.kind === 'person') return caller.principal
  const message =
    'the admin token is nobody, and this needs somebody: send an OIDC token of your own (sallyport: --token-file or $SALLYPORT_TOKEN)'
  return refuse(403, 'Forbidden', 'admin.nobody', message)
}

/**
 * The name under which the admin token's holder is kept. No token can name it: the gateway lets in nobody whose name begins
 * with "system:".
 */
export const ADMIN_TOKEN: Person = { user: 'system:admin-token', groups: [], actor: '' }

/** As it is kept. */
export function personOfCaller(caller: Caller): Person {
  return caller.kind === 'operator' ? ADMIN_TOKEN : personOf(caller.principal)
}

function isNamed(operators: readonly Approver[], { user, groups, actor }: Principal): boolean {
  if (actor !== '') return false
  return operators.some((each) => ('group' in each ? groups.includes(each.group) : each.user === user))
}
