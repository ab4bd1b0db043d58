// Which code of ours has run, by V8's own block coverage: exact, without another build of the code. A look costs about a
// millisecond, so it is taken for many runs at once, and one by one only where those reached something new.

import { type Profiler, Session } from 'node:inspector'

type FunctionCoverage = Profiler.FunctionCoverage
type Result = readonly Profiler.ScriptCoverage[]

/** A part of a source file: offsets, the end not included. */
type Span = readonly [start: number, end: number]

/** The folders whose code is looked at: the readers, not what runs and checks them. */
const OURS = /\/(?:protocols|gateway)\/(?!.*node_modules)[^?]*\.ts$/

const NONE: readonly Span[] = []

export class Coverage {
  readonly #session = new Session()
  /** For each function that has run: its parts that never have. */
  readonly #missed = new Map<string, readonly Span[]>()

  /** Starts counting; code that is to be seen is loaded after this. */
  constructor() {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Functions that have run. */
  get functions(): number {
    return this.#missed.size
  }

  /** Parts of them that never have. */
  get gaps(): number {
    let count = 0
    for (const spans of this.#missed.values()) count += spans.length
    return count
  }

  /** What has run since the last look. */
  look(): Result {
    let scripts: Result = []
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error
      scripts = taken.result.filter((script) => OURS.test(script.url))
    })
    return scripts
  }

  /** True if something ran that never had. */
  adds(seen: Result): boolean {
    return seen.some(({ scriptId, functions }) => functions.some((one) => this.#isNews(scriptId, one, false)))
  }

  /** The same, and from now on it is known. */
  add(seen: Result): boolean {
    let isNews = false
    for (const { scriptId, functions } of seen) {
      for (const one of functions) if (this.#isNews(scriptId, one, true)) isNews = true
    }
    return isNews
  }

  #isNews(script: string, { ranges }: FunctionCoverage, remember: boolean): boolean {
    const whole = ranges[0]
    if (whole === undefined || whole.count === 0) return false
    const key = `${script}:${whole.startOffset}:${whole.endOffset}`
    const before = this.#missed.get(key)
    if (before !== undefined && before.length === 0) return false
    const missing = missed(ranges)
    const still = before === undefined ? missing : both(before, missing)
    if (remember) this.#missed.set(key, still)
    return before === undefined || sum(still) < sum(before)
  }
}

/** The parts of a function that did not run. V8 nests ranges: an inner one says otherwise than the one around it. */
function missed(ranges: readonly Profiler.CoverageRange[]): readonly Span[] {
  if (ranges.every((range) => range.count > 0)) return NONE
  const spans: Span[] = []
  for (const { startOffset, endOffset, count } of ranges) {
    if (count === 0 && startOffset >= (spans.at(-1)?.[1] ?? 0)) spans.push([startOffset, endOffset])
  }
  return spans
}

/** What is in both lists; each is in order. */
function both(a: readonly Span[], b: readonly Span[]): readonly Span[] {
  const spans: Span[] = []
  for (let at = 0, other = 0; at < a.length && other < b.length; ) {
    const [one, two] = [a[at]!, b[other]!]
    const start = Math.max(one[0], two[0])
    const end = Math.min(one[1], two[1])
    if (start < end) spans.push([start, end])
    if (one[1] < two[1]) at++
    else other++
  }
  return spans
}

function sum(spans: readonly Span[]): number {
  return spans.reduce((length, [start, end]) => length + end - start, 0)
}
