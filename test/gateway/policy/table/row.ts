// One row of the table of decisions: a request line, and what becomes of it under a policy.

import type { PolicySource } from '../../../../gateway/policy/document.ts'
import type { RuleSource } from '../support.ts'

/** [request line, "allow|deny|ask|STATUS RULE", what is not as usual] */
export type Row = readonly [line: string, expected: string, circumstances?: Circumstances]

export interface Circumstances {
  /** "user", and +group, ~actor, #run: "oidc:ann +oidc:dev ~claude #r-1". */
  readonly who?: string
  readonly cluster?: string
  readonly upgrade?: string
  /** JSON, or text as it is. */
  readonly body?: object | string
  readonly type?: string
  /** Of July 2026, a UTC time: "15T12:00", which is a Wednesday's noon. */
  readonly at?: string
}

export interface Table {
  readonly policy: string
  readonly rules: readonly RuleSource[]
  readonly default?: PolicySource['default']
  readonly rows: readonly Row[]
}
