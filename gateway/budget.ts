// What budgets are made of, for the stages that share them: what can be counted, a budget as it is in force, and what one
// call costs. Decides nothing and holds nothing.

import type { Refusal } from './decision.ts'

/** What is counted, by the names that policies give it. */
export const COUNTED = [
  'mutations',
  'deletions',
  'objectsReturned',
  'secretsRead',
  'namespacesTouched',
  'execs',
  'bytesOut',
  'callsPerSecond',
] as const

export type Counted = (typeof COUNTED)[number]

/** One figure of a budget: a counter of its own for each that the budget is per. */
export interface BudgetLimit {
  readonly counted: Counted
  /** 0: none at all. */
  readonly limit: number
  /** Of a rate 1 s, whatever the budget's window. */
  readonly windowMillis: number
}

export interface Budget {
  readonly name: string
  /**
   * principal: a user alone and with each agent apart. actor: an agent, whoever it acts for; people without one, each. run: a
   * run of one principal, as the caller names it.
   */
  readonly per: 'principal' | 'actor' | 'run'
  /** In the order of COUNTED. Never empty. */
  readonly limits: readonly BudgetLimit[]
}

/** Whose counters a call spends from. */
export interface Spender {
  readonly user: string
  /** Or "". */
  readonly actor: string
  /** As the caller says, or "". */
  readonly run: string
}

/** What is known of a call before it is made. */
export interface Cost {
  readonly mutations: number
  /** Infinity: what it deletes is not in the call (a collection, a namespace). */
  readonly deletions: number
  readonly execs: number
  /** "": none. `all`: it reaches every namespace. */
  readonly namespace: string | { readonly all: true }
  /** Objects in the answer, where the call says how many; what `answer` says is counted as it comes. */
  readonly objects: number
  /** Whether its objects are Secrets, or it hands out a token. */
  readonly isSecret: boolean
  /** How the objects of the answer come. */
  readonly answer: 'list' | 'watch' | 'none'
}

/** Counts what an answer or a stream holds while it passes. A refusal: what was asked about must not pass, and nothing after it. */
export interface Meter {
  /** Before the head of an answer passes. `length`: of its body in bytes, where it is known; `type`: its media type. */
  answered(status: number, type: string, length: number | undefined): Refusal | undefined
  /** Bytes of an answer's body. */
  passes(bytes: Uint8Array): Refusal | undefined
  /** Bytes of an upgraded connection. */
  streams(count: number): Refusal | undefined
}
