// What was masked, for the tape: by which rule, in which fields, how many values. Never a value.

/** Fields named on a tape for one rule and piece of an answer; the count is of all. */
const NAMED_FIELDS = 16
/** Characters of a field's path that are kept: keys are as long as their writer likes. */
const LONGEST_FIELD = 256

export interface Masked {
  readonly rule: string
  /** "data.password, data.user"; "text" where detectors, patterns or learned values masked. */
  readonly fields: string
  readonly count: number
}

/** Counts by rule until it is asked. */
export class MaskCounts {
  readonly #rules = new Map<string, { readonly fields: Set<string>; count: number }>()

  add(rule: string, field: string, count = 1): void {
    let found = this.#rules.get(rule)
    if (found === undefined) {
      found = { fields: new Set(), count: 0 }
      this.#rules.set(rule, found)
    }
    found.count += count
    if (found.fields.size < NAMED_FIELDS) found.fields.add(shortened(field))
  }

  /** What was masked since it was asked last. */
  take(): Masked[] {
    if (this.#rules.size === 0) return []
    const masked = [...this.#rules].map(([rule, { fields, count }]) => ({
      rule,
      fields: [...fields].join(', '),
      count,
    }))
    this.#rules.clear()
    return masked
  }
}

function shortened(field: string): string {
  return field.length <= LONGEST_FIELD ? field : `${field.slice(0, LONGEST_FIELD)}...`
}
