// What a peer may make us do for nothing in one interval: resets, PINGs, SETTINGS, frames that move nothing. One more than
// its budget ends the connection with ENHANCE_YOUR_CALM (CVE-2019-9512 to 9518, CVE-2023-44487, CVE-2025-8671).

import type { Limits } from '../limits.ts'
import { calm } from './errors.ts'

export class Budgets {
  readonly #limits: Limits['http2']
  /** Intervals that have passed. */
  interval = 0
  #resets = 0
  #pings = 0
  #settings = 0
  #empty = 0

  constructor(limits: Limits['http2']) {
    this.#limits = limits
  }

  /** The next interval begins. */
  renew(): void {
    this.interval += 1
    this.#resets = 0
    this.#pings = 0
    this.#settings = 0
    this.#empty = 0
  }

  /** A stream was reset, by the peer or for its fault. This and the following throw Http2Error. */
  reset(): void {
    this.#resets += 1
    if (this.#resets > this.#limits.resets) throw calm('http2.flood.resets', 'streams begun and reset without end')
  }

  ping(): void {
    this.#pings += 1
    if (this.#pings > this.#limits.pings) throw calm('http2.flood.ping', 'PING without end')
  }

  settings(): void {
    this.#settings += 1
    if (this.#settings > this.#limits.settings) throw calm('http2.flood.settings', 'SETTINGS without end')
  }

  empty(): void {
    this.#empty += 1
    if (this.#empty > this.#limits.emptyFrames) throw calm('http2.flood.empty', 'frames without end that move nothing')
  }
}
