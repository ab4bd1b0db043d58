// A ticket's name and the tracker that has it -> whether it is open, as the tracker says at this moment. A tracker that hangs,
// redirects, errs or says anything else than that it is open leaves the call refused.

import { limits } from '../../protocols/limits.ts'
import { type Refusal, refuse } from '../decision.ts'
import { type Caller, CallFailed } from '../https-call.ts'
import { readObject } from '../json.ts'

export interface TicketTracker {
  /** Where a ticket is, with "{ticket}" in its path or query for the name. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly ca: string | undefined
  readonly millis: number
  /** Keys into the answer, and what may stand there for a ticket that is open. */
  readonly field: readonly string[]
  readonly values: ReadonlySet<string>
}

/** What a tracker calls its tickets: it goes into a URL, of which it must not become another part. */
const NAME = /^[A-Za-z0-9](?:[-_A-Za-z0-9]{0,62}[A-Za-z0-9])?$/

export class TicketCheck {
  readonly #tracker: TicketTracker | undefined
  readonly #call: Caller
  readonly #failed: (why: string) => void

  /** Without a tracker every ticket is good. `failed` is told of a tracker that gave no answer that counts; it does not throw. */
  constructor(tracker: TicketTracker | undefined, call: Caller, failed: (why: string) => void) {
    this.#tracker = tracker
    this.#call = call
    this.#failed = failed
  }

  /** Of several one that is open is enough; none at all is none. Refusals: tickets.none, .name, .closed, .unknown. */
  async check(tickets: readonly string[]): Promise<Refusal | undefined> {
    const tracker = this.#tracker
    if (tracker === undefined) return undefined
    const names = [...new Set(tickets.filter((ticket) => ticket !== ''))]
    if (names.length === 0) return NONE
    let refusal: Refusal | undefined
    for (const name of names) {
      const why = await this.#one(tracker, name)
      if (why === undefined) return undefined
      refusal ??= why
    }
    return refusal
  }

  async #one(tracker: TicketTracker, ticket: string): Promise<Refusal | undefined> {
    if (!NAME.test(ticket)) return WRONG_NAME
    const { headers, ca, millis } = tracker
    const url = tracker.url.replaceAll('{ticket}', encodeURIComponent(ticket))
    try {
      const answer = await this.#call({ method: 'GET', url, headers, ca, millis, bytes: limits.approvals.message })
      if (answer.status === 404) return CLOSED
      if (answer.status !== 200) return this.#unknown(`the tracker answered ${answer.status}`)
      const found = valueAt(readObject(answer.body), tracker.field)
      if (found === undefined) return this.#unknown('the answer does not say how the ticket is')
      return tracker.values.has(found) ? undefined : CLOSED
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      return this.#unknown(error.message)
    }
  }

  #unknown(why: string): Refusal {
    this.#failed(why)
    const message = `it could not be found out whether the ticket is open (${why}), so the call is refused; try again later`
    return refuse(403, 'Forbidden', 'tickets.unknown', message)
  }
}

/** Text, a number or a truth value as text; undefined for anything else. */
function valueAt(value: unknown, keys: readonly string[]): string | undefined {
  let at = value
  for (const key of keys) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string, unknown>)[key]
  }
  return typeof at === 'string' || typeof at === 'number' || typeof at === 'boolean' ? String(at) : undefined
}

const NONE = refuse(
  403,
  'Forbidden',
  'tickets.none',
  'the rule wants a ticket: name it in a Sallyport-Ticket header and repeat the call',
)
const WRONG_NAME = refuse(
  403,
  'Forbidden',
  'tickets.name',
  'a ticket has letters, digits, "-" and "_" in its name, at most 64',
)
const CLOSED = refuse(403, 'Forbidden', 'tickets.closed', 'the ticket is not open: name one that is (Sallyport-Ticket)')
