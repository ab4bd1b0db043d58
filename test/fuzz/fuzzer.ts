// The loop: change a kept input, run it, keep it if it reached code or said something that none before it did. Stops at the
// first input that breaks a promise, and makes it small.

import type { Coverage } from './coverage.ts'
import { Mutator } from './mutator.ts'
import type { Target } from './target.ts'

export interface Finding {
  /** The smallest input found that fails in the same way. */
  readonly input: Uint8Array
  readonly error: unknown
}

export interface Figures {
  readonly executions: number
  /** Functions of ours that have run, and parts of them that have not. */
  readonly functions: number
  readonly gaps: number
  /** Different things that the target has said. */
  readonly said: number
  /** Inputs kept, the corpus included. */
  readonly kept: number
}

/** Runs between two looks at the coverage. */
const BATCH = 32
/** Runs that are spent on making a failing input small. */
const SHRINKING = 10_000
const EMPTY = new Uint8Array(0)

export class Fuzzer {
  readonly #target: Target
  readonly #mutator: Mutator
  readonly #coverage: Coverage
  readonly #beginning: (input: Uint8Array) => void
  readonly #said = new Set<string>()
  readonly #kept: Uint8Array[] = []
  #executions = 0

  /** `beginning` hears of each input before it runs, for who watches over the time it takes. */
  constructor(target: Target, seed: number, coverage: Coverage, beginning: (input: Uint8Array) => void) {
    this.#target = target
    this.#mutator = new Mutator(seed, target.words)
    this.#coverage = coverage
    this.#beginning = beginning
    // What loading the code ran is nobody's merit.
    coverage.add(coverage.look())
  }

  get figures(): Figures {
    const { functions, gaps } = this.#coverage
    return { executions: this.#executions, functions, gaps, said: this.#said.size, kept: this.#kept.length }
  }

  /** Inputs in the order in which they were kept. */
  get kept(): readonly Uint8Array[] {
    return this.#kept
  }

  /** Runs an input of the corpus, by itself. It is kept if it adds something. */
  async seed(input: Uint8Array): Promise<Finding | undefined> {
    try {
      if (await this.#adds(input)) this.#kept.push(input)
      return undefined
    } catch (error) {
      return { input, error }
    }
  }

  /** One batch of changed inputs. */
  async batch(): Promise<Finding | undefined> {
    const inputs = Array.from({ length: BATCH }, () => this.#next())
    const saying: Uint8Array[] = []
    for (const input of inputs) {
      try {
        if (this.#isNews(await this.#run(input))) saying.push(input)
      } catch (error) {
        return await this.#shrink(input, error)
      }
    }
    const seen = this.#coverage.look()
    if (this.#coverage.adds(seen)) {
      for (const input of inputs) if (await this.#adds(input)) this.#kept.push(input)
      this.#coverage.add(seen)
    }
    for (const input of saying) if (!this.#kept.includes(input)) this.#kept.push(input)
    return undefined
  }

  async #adds(input: Uint8Array): Promise<boolean> {
    const isNews = this.#isNews(await this.#run(input))
    return this.#coverage.add(this.#coverage.look()) || isNews
  }

  async #run(input: Uint8Array): Promise<readonly string[]> {
    this.#executions++
    this.#beginning(input)
    return await this.#target.run(input)
  }

  #isNews(said: readonly string[]): boolean {
    const before = this.#said.size
    for (const name of said) this.#said.add(name)
    return this.#said.size > before
  }

  /** Every other time one of the last quarter kept: what is new leads to what is newer. */
  #next(): Uint8Array {
    const count = this.#kept.length
    const recent = this.#mutator.below(2) === 0 ? count >> 2 : count
    const input = this.#kept[count - 1 - this.#mutator.below(recent)] ?? EMPTY
    return this.#mutator.mutate(input, this.#kept[this.#mutator.below(count)] ?? EMPTY)
  }

  /** Takes out ever smaller pieces for as long as the error stays the same, and again until none can be spared. */
  async #shrink(failing: Uint8Array, first: unknown): Promise<Finding> {
    let input = failing
    let error = first
    let left = SHRINKING
    for (let before = -1; before !== input.length && left > 0; ) {
      before = input.length
      for (let size = input.length >> 1; size > 0; size >>= 1) {
        for (let at = 0; at < input.length && left > 0; left--) {
          const less = Buffer.concat([input.subarray(0, at), input.subarray(at + size)])
          const same = await this.#failure(less)
          if (same === undefined || kindOf(same) !== kindOf(first)) at += size
          else [input, error] = [less, same]
        }
      }
    }
    return { input, error }
  }

  async #failure(input: Uint8Array): Promise<unknown> {
    try {
      await this.#run(input)
      return undefined
    } catch (error) {
      return error
    }
  }
}

/** What is the same for one fault: the error's class and where it was thrown, not the values it shows. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.name} ${error.stack?.split('\n').find((line) => line.startsWith('    at '))}`
}
