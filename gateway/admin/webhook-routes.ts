// Signed answers at /v1/webhooks/NAME/answers of the admin API: for whoever has a webhook's secret, which is their only
// credential. What is refused is on the control tape, so much of it in a while that nobody can fill it from outside.

import { Hono } from 'hono'
import { limits } from '../../protocols/limits.ts'
import type { Approval } from '../approvals/approvals.ts'
import { LedgerFailed } from '../approvals/ledger.ts'
import { lockRefusal } from '../approvals/locks.ts'
import { plainText } from '../approvals/plain-text.ts'
import { type Refusal, refuse } from '../decision.ts'
import { type Heard, takeAnswer } from '../webhooks/answers.ts'
import { refusalResponse } from './answers.ts'
import type { Desk } from './desk.ts'

export function webhookRoutes(desk: Desk): Hono {
  const routes = new Hono()
  const notes = new RefusalNotes(desk)
  routes.post('/:name/answers', async (context) => {
    const name = context.req.param('name')
    const webhook = desk.answering().get(name)
    if (webhook === undefined) return refusalResponse(NO_WEBHOOK)
    const body = await wholeBody(context.req.raw)
    if (body === undefined) return refusalResponse(TOO_LONG)
    const { approvals, nonces } = desk
    const incoming = { header: (field: string) => context.req.header(field), body }
    const heard = await takeAnswer(webhook, incoming, {
      approvals,
      nonces,
      now: () => desk.now(),
      lockedOut: (user) => lockedOut(desk, user),
    })
    const { result } = heard
    if (!('rule' in result)) return Response.json(takenOf(result))
    notes.add(name, heard, result)
    return refusalResponse(result)
  })
  return routes
}

/** Refused answers on the control tape: so many in a minute. */
class RefusalNotes {
  readonly #desk: Desk
  #since = 0
  #count = 0

  constructor(desk: Desk) {
    this.#desk = desk
  }

  add(webhook: string, { approval, approver }: Heard, { rule, message }: Refusal): void {
    const now = this.#desk.now()
    if (now - this.#since >= 60_000) {
      this.#since = now
      this.#count = 0
    }
    this.#count += 1
    if (this.#count > limits.approvals.refusedNotes) return
    try {
      this.#desk.ledger.append({
        code: 'webhooks.refused',
        text: `an answer through ${webhook} was refused: ${message}`,
        facts: { webhook, rule, approval: plainText(approval, 64), approver: plainText(approver, 256) },
      })
    } catch (error) {
      // Nothing has happened either.
      if (!(error instanceof LedgerFailed)) throw error
    }
  }
}

/** As with a token of one's own: whoever is locked does not answer. */
function lockedOut({ locks }: Desk, user: string): Refusal | undefined {
  const lock = locks.list().find(({ target }) => target.kind === 'user' && target.name === user)
  return lock === undefined ? undefined : lockRefusal(lock)
}

function takenOf({ id, state, validUntil }: Approval): object {
  return { approval: id, state, validUntil: validUntil === null ? null : new Date(validUntil).toISOString() }
}

const NO_WEBHOOK = refuse(404, 'NotFound', 'webhooks.unknown', 'no webhook of this name takes answers')
const TOO_LONG = refuse(
  413,
  'RequestEntityTooLarge',
  'webhooks.length',
  `an answer may be ${limits.approvals.answerBytes} bytes long`,
)

/** Undefined once it is too long; the rest is not read. */
async function wholeBody(request: Request): Promise<Uint8Array | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > limits.approvals.answerBytes) return undefined
  if (request.body === null) return new Uint8Array(0)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > limits.approvals.answerBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
