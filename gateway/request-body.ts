// A request body on its way in: collected whole, or refused for its length, its slowness or the sum of all bodies held.

import { limits } from '../protocols/limits.ts'
import type { Deadlines, Waiting } from './deadlines.ts'
import { type Refusal, refuse } from './decision.ts'
import { ClientGone } from './exchange.ts'

/** Bytes of bodies that are being collected, over all connections. */
export class BodyBudget {
  held = 0
}

export class RequestBody implements Waiting {
  deadline = Number.POSITIVE_INFINITY
  readonly #deadlines: Deadlines
  readonly #budget: BodyBudget
  /** Bytes; undefined where the request does not say. */
  readonly length: number | undefined
  #pieces: Uint8Array[] = []
  #received = 0
  #limit: number = limits.gateway.requestBody
  #complete: boolean
  #refusal: Refusal | undefined
  #discarded = false
  #settle: { resolve(body: Uint8Array | Refusal): void; reject(error: Error): void } | undefined

  /** `length` 0: there is no body. */
  constructor(length: number | undefined, deadlines: Deadlines, budget: BodyBudget) {
    this.length = length
    this.#deadlines = deadlines
    this.#budget = budget
    this.#complete = length === 0
  }

  /** Borrowed bytes: they are copied. */
  add(bytes: Uint8Array): void {
    this.#received += bytes.length
    if (this.#refusal !== undefined || this.#discarded) return
    if (this.#received > this.#limit) this.refuse(tooLarge(this.#limit))
    else if (this.#budget.held + bytes.length > limits.gateway.bodiesBytes) this.refuse(tooMany())
    else {
      this.#budget.held += bytes.length
      this.#pieces.push(bytes.slice())
    }
  }

  complete(): void {
    this.#complete = true
    if (this.#settle !== undefined) this.#resolve(this.#refusal ?? this.#whole())
  }

  refuse(refusal: Refusal): void {
    if (this.#refusal !== undefined) return
    this.#refusal = refusal
    this.#drop()
    this.#resolve(refusal)
  }

  /** Nobody will read it any more: the request has been answered, or the client has gone. */
  discard(): void {
    this.#discarded = true
    this.#drop()
    const settle = this.#settle
    this.#end()
    settle?.reject(clientGone())
  }

  /** The whole body, once it is there. Rejects with ClientGone. */
  read(limit: number): Promise<Uint8Array | Refusal> | Uint8Array | Refusal {
    // Nothing would ever settle the wait for it.
    if (this.#discarded) return Promise.reject(clientGone())
    this.#limit = limit
    if ((this.length ?? 0) > limit || this.#received > limit) this.refuse(tooLarge(limit))
    if (this.#refusal !== undefined) return this.#refusal
    if (this.#complete) return this.#whole()
    const expected = this.length ?? limit
    this.deadline =
      this.#deadlines.now() + limits.gateway.headMillis + (expected / limits.gateway.requestBodyRate) * 1000
    this.#deadlines.watch(this)
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  expired(): void {
    const message = 'the request body did not arrive in time; send it again, faster'
    this.refuse(refuse(408, 'Timeout', 'request.body.slow', message))
  }

  #whole(): Uint8Array {
    const pieces = this.#pieces
    this.#drop()
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
  }

  #resolve(body: Uint8Array | Refusal): void {
    const settle = this.#settle
    this.#end()
    settle?.resolve(body)
  }

  #end(): void {
    if (this.#settle === undefined) return
    this.#settle = undefined
    this.deadline = Number.POSITIVE_INFINITY
    this.#deadlines.forget(this)
  }

  #drop(): void {
    for (const piece of this.#pieces) this.#budget.held -= piece.length
    this.#pieces = []
  }
}

function clientGone(): ClientGone {
  return new ClientGone('the client closed the connection')
}

function tooLarge(limit: number): Refusal {
  const message = `the request body is longer than the API server's own limit of ${limit} bytes`
  return refuse(413, 'RequestEntityTooLarge', 'request.body.too_large', message)
}

/** Without a Retry-After: client-go would repeat a write on it. */
function tooMany(): Refusal {
  const message = 'the gateway is collecting too many request bodies at once; try again in a moment'
  return refuse(429, 'TooManyRequests', 'request.body.too_many', message)
}
