// A call that the policy would let go on, or put to people, and a server of the operator's own -> the same decision, or a
// narrower one. The server can deny and can ask for a yes; whatever it says it opens nothing. One that hangs, redirects or says
// anything else than it should denies.

import { limits } from '../../protocols/limits.ts'
import { plainText } from '../approvals/plain-text.ts'
import {
  type ApprovalNeeded,
  type ApprovalTerms,
  type Durability,
  needsApproval,
  type Permission,
  type Refusal,
  refuse,
} from '../decision.ts'
import { type Caller, CallFailed } from '../https-call.ts'
import { readObject } from '../json.ts'
import type { Principal } from '../principal.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { sign } from '../webhooks/signature.ts'

export interface DecisionHook {
  readonly name: string
  readonly url: string
  /** Signs what is asked; undefined: nothing does. */
  readonly secret: Uint8Array | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly ca: string | undefined
  readonly millis: number
  /** Which calls it is asked about. */
  readonly classes: ReadonlySet<'reads' | 'writes' | 'streams'>
  /** What it means when it asks for a yes; undefined: then it denies. */
  readonly terms: ApprovalTerms | undefined
}

/** What is asked about. No body and no query: they may hold secrets. */
export interface HookQuestion {
  readonly id: string
  readonly principal: Principal
  readonly claims: { readonly run: string; readonly intent: string }
  readonly cluster: string
  readonly class: 'reads' | 'writes' | 'streams'
  readonly attributes: RequestAttributes
  /** Milliseconds since 1970. */
  readonly now: number
}

export interface HooksOptions {
  readonly hooks: readonly DecisionHook[]
  readonly call: Caller
  /** Terms that meet all of several. */
  readonly together: (terms: readonly ApprovalTerms[]) => ApprovalTerms
  /** A hook gave no answer, or none that counts. Does not throw. */
  failed(hook: string, why: string): void
}

export class DecisionHooks {
  readonly #options: HooksOptions

  constructor(options: HooksOptions) {
    this.#options = options
  }

  /** Whether any of them is to be asked. */
  concerns(kind: HookQuestion['class']): boolean {
    return this.#options.hooks.some(({ classes }) => classes.has(kind))
  }

  /** All at once; one denial is enough. Refusals: hooks.NAME. */
  async narrow(
    question: HookQuestion,
    decision: Permission | ApprovalNeeded,
  ): Promise<Permission | ApprovalNeeded | Refusal> {
    const hooks = this.#options.hooks.filter(({ classes }) => classes.has(question.class))
    const verdicts = await Promise.all(hooks.map((hook) => this.#ask(hook, question, decision)))
    const denial = verdicts.find((verdict) => typeof verdict === 'object' && 'status' in verdict)
    if (denial !== undefined) return denial as Refusal
    const asking = hooks.filter((_, at) => verdicts[at] === 'requireApproval')
    const first = asking[0]
    if (first === undefined) return decision
    const terms = asking.map((hook) => hook.terms as ApprovalTerms)
    if (needsApproval(decision)) return { ...decision, approval: this.#options.together([decision.approval, ...terms]) }
    return needed(`hooks.${first.name}`, this.#options.together(terms), decision.durability)
  }

  async #ask(
    hook: DecisionHook,
    question: HookQuestion,
    decision: Permission | ApprovalNeeded,
  ): Promise<'allow' | 'requireApproval' | Refusal> {
    const { name, url, secret, ca, millis, terms } = hook
    const body = Buffer.from(JSON.stringify(askedOf(question, decision)))
    const timestamp = String(Math.floor(question.now / 1000))
    const signature =
      secret === undefined ? {} : { 'webhook-signature': sign(secret, { id: question.id, timestamp, body }) }
    const headers = {
      ...hook.headers,
      'content-type': 'application/json',
      'webhook-id': question.id,
      'webhook-timestamp': timestamp,
      ...signature,
    }
    try {
      const answer = await this.#options.call({
        ...{ method: 'POST', url, headers, body, ca, millis },
        bytes: limits.approvals.answerBytes,
      })
      const said = answer.status === 200 ? readObject(answer.body) : undefined
      const effect = said?.decision
      const reason = typeof said?.reason === 'string' ? plainText(said.reason, limits.policy.message / 2) : ''
      if (effect === 'allow') return 'allow'
      if (effect === 'requireApproval' && terms !== undefined) return 'requireApproval'
      if (effect === 'deny') {
        const why = reason === '' ? '' : `: ${reason}`
        return refuse(403, 'Forbidden', `hooks.${name}`, `the decision hook ${name} denies it${why}`)
      }
      return this.#failed(name, answer.status === 200 ? 'its answer is no decision' : `it answered ${answer.status}`)
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      return this.#failed(name, error.message)
    }
  }

  #failed(name: string, why: string): Refusal {
    this.#options.failed(name, why)
    const message = `the decision hook ${name} has given no decision (${why}), so the call is denied; ask whoever runs the gateway`
    return refuse(403, 'Forbidden', `hooks.${name}`, message)
  }
}

function needed(rule: string, approval: ApprovalTerms, durability: Durability): ApprovalNeeded {
  const message = 'a decision hook wants somebody to say yes to this first'
  return { ...refuse(403, 'Forbidden', rule, message), approval, durability }
}

function askedOf(
  { id, principal, claims, cluster, attributes, now }: HookQuestion,
  decision: Permission | Refusal,
): object {
  const { verb, apiGroup, apiVersion, resource, subresource, namespace, name, path, command, container } = attributes
  return {
    apiVersion: 'sallyport/v1',
    kind: 'DecisionRequest',
    id,
    timestamp: new Date(now).toISOString(),
    principal: { user: principal.user, groups: principal.groups, actor: principal.actor },
    claims,
    cluster,
    request: { verb, apiGroup, apiVersion, resource, subresource, namespace, name, path, command, container },
    policy: { decision: decision.allowed ? 'allow' : 'requireApproval', rule: decision.rule },
  }
}
