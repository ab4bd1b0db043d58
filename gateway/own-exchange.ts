// A request that the gateway makes for itself, in a caller's name -> its answer, whole and in memory. It ends at its
// deadline, past its length, and with the client on whose behalf it is made.

import { MisuseError } from '../protocols/errors.ts'
import type { Fields } from '../protocols/fields.ts'
import type { Deadlines, Waiting } from './deadlines.ts'
import type { Exchange, ExchangeOwner } from './exchange.ts'

export interface OwnRequest {
  readonly method: string
  /** In origin-form. */
  readonly target: string
  readonly fields: Fields
  readonly body?: Uint8Array
}

/** Or, with no body, why there is none. */
export type OwnAnswer = { readonly status: number; readonly body: Uint8Array } | 'late' | 'long' | 'broken'

export interface OwnBounds {
  readonly millis: number
  /** Of the answer's body. */
  readonly bytes: number
}

export class OwnExchange implements Exchange, Waiting {
  readonly method: string
  readonly target: string
  readonly fields: Fields
  readonly upgrade = undefined
  readonly answered: Promise<OwnAnswer>
  readonly deadline: number
  isGone = false
  owner: ExchangeOwner | undefined
  user = ''
  streaming = false
  readonly #bounds: OwnBounds
  readonly #deadlines: Deadlines
  readonly #pieces: Uint8Array[] = []
  #length = 0
  #status = 0
  #settle: (answer: OwnAnswer) => void = () => undefined

  constructor({ method, target, fields }: OwnRequest, bounds: OwnBounds, deadlines: Deadlines) {
    this.method = method
    this.target = target
    this.fields = fields
    this.#bounds = bounds
    this.#deadlines = deadlines
    this.deadline = deadlines.now() + bounds.millis
    this.answered = new Promise((resolve) => {
      this.#settle = resolve
    })
    deadlines.watch(this)
  }

  expired(): void {
    this.leave('late')
  }

  /** Nobody waits for the answer any more. Idempotent. */
  leave(why: 'late' | 'long' | 'broken'): void {
    if (this.isGone) return
    const { owner } = this
    this.#end(why)
    owner?.gone()
  }

  respond(status: number): void {
    this.#status = status
  }

  write(bytes: Uint8Array): boolean {
    if (this.isGone) return true
    this.#length += bytes.length
    if (this.#length > this.#bounds.bytes) this.leave('long')
    else this.#pieces.push(bytes.slice())
    return true
  }

  end(): void {
    this.#end({ status: this.#status, body: Buffer.concat(this.#pieces) })
  }

  abort(): void {
    this.#end('broken')
  }

  answer(status: number, _fields: Fields, body: Uint8Array): void {
    this.#end({ status, body })
  }

  readBody(): undefined {
    return undefined
  }

  switch(): never {
    throw new MisuseError('a request of the gateway’s own asks for no upgrade')
  }

  #end(answer: OwnAnswer): void {
    this.isGone = true
    this.owner = undefined
    this.#deadlines.forget(this)
    this.#settle(answer)
  }
}
