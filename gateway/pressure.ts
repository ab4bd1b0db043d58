// How near the process is to its memory's end. The kernel ends a process that goes past it, and with it every stream of
// every caller: new work is refused long before, then connections of strangers are dropped.

import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { limits } from '../protocols/limits.ts'
import type { Deadlines, Waiting } from './deadlines.ts'

/** What is measured: the share of its memory that the process has taken, in percent. */
export type MemoryGauge = () => number

export class Pressure implements Waiting {
  deadline: number
  readonly #deadlines: Deadlines
  readonly #gauge: MemoryGauge
  readonly #dropStrangers: () => void
  #percent = 0

  /** `dropStrangers` is called at each look while memory is past limits.gateway.dropPercent. */
  constructor(deadlines: Deadlines, dropStrangers: () => void, gauge: MemoryGauge = memoryPercent) {
    this.#deadlines = deadlines
    this.#dropStrangers = dropStrangers
    this.#gauge = gauge
    this.deadline = deadlines.now()
    deadlines.watch(this)
  }

  /** New requests are refused. */
  get isHigh(): boolean {
    return this.#percent >= limits.gateway.shedPercent
  }

  expired(): void {
    this.deadline = this.#deadlines.now() + limits.gateway.memoryMillis
    this.#percent = this.#gauge()
    if (this.#percent >= limits.gateway.dropPercent) this.#dropStrangers()
  }

  close(): void {
    this.#deadlines.forget(this)
  }
}

/** Of resident memory and of V8's heap, which has a bound of its own, the fuller one. */
function memoryPercent(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
  return Math.max(process.memoryUsage.rss() / allowedBytes(), used / limit) * 100
}

/** The configured bound, or the container's, or half of the machine's memory: others live there as well. */
function allowedBytes(): number {
  if (limits.gateway.memoryBytes > 0) return limits.gateway.memoryBytes
  const machine = totalmem()
  const container = process.constrainedMemory()
  return container > 0 && container < machine ? container : machine / 2
}
