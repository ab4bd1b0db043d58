// Label selectors as Kubernetes reads them (apimachinery labels/selector.go): of a rule, of a request's query, and what one
// says of the other. Where it cannot tell, a denial meets and an allow does not hold.

/** One term: the label is one of these values, or is not; or is there at all, or is not. */
export interface Requirement {
  readonly key: string
  readonly operator: 'in' | 'notin' | 'exists' | 'absent'
  readonly values: ReadonlySet<string>
}

/** All of them must hold. Empty: every object. */
export type Selector = readonly Requirement[]

export type Labels = ReadonlyMap<string, string>

export class SelectorError extends Error {}

/** "app=web,tier in (a, b),!legacy", or a map of labels that must be there. Throws SelectorError. */
export function selectorOf(source: string | Readonly<Record<string, string>>): Selector {
  if (typeof source !== 'string') {
    return Object.entries(source).map(([key, value]) => requirement(key, 'in', [value]))
  }
  const selector = parseSelector(source)
  if (selector === undefined || selector.length === 0) {
    throw new SelectorError(
      'write terms such as app=web, tier!=db, tier in (a, b), tier notin (a, b), app, !app, with commas',
    )
  }
  for (const { key, operator, values } of selector) requirement(key, operator, [...values])
  return selector
}

const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const PREFIX = /^(?=.{1,253}\/)[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\//

function requirement(key: string, operator: Requirement['operator'], values: readonly string[]): Requirement {
  const prefix = PREFIX.exec(key)?.[0] ?? ''
  if (!NAME.test(key.slice(prefix.length))) throw new SelectorError(`"${key}" is not a label's name`)
  for (const value of values) {
    if (value !== '' && !NAME.test(value)) throw new SelectorError(`"${value}" is not a label's value`)
  }
  return { key, operator, values: new Set(values) }
}

/** One term up to its comma: its form is unambiguous, or it is not taken. */
const TERM =
  /^\s*(?:(!)\s*([^\s!=,()<>]+)|([^\s!=,()<>]+)(?:\s*(==|=|!=)\s*([^\s!=,()<>]*)|\s+(in|notin)\s*\(([^()!=<>]*)\))?)\s*(?:,|$)/

/** Undefined where it does not parse, or its meaning is not plain: "<" and ">" too. */
export function parseSelector(text: string): Selector | undefined {
  const selector: Requirement[] = []
  let rest = text
  if (rest.trim() === '') return selector
  while (rest !== '') {
    const found = TERM.exec(rest)
    if (found === null) return undefined
    const [whole, not, absent, key, equals, value, word, list] = found
    rest = rest.slice(whole.length)
    // A comma with nothing behind it.
    if (whole.trimEnd().endsWith(',') && rest.trim() === '') return undefined
    if (not !== undefined) selector.push({ key: absent as string, operator: 'absent', values: new Set() })
    else if (equals !== undefined) {
      const operator = equals === '!=' ? 'notin' : 'in'
      selector.push({ key: key as string, operator, values: new Set([value as string]) })
    } else if (word !== undefined) {
      const values = new Set((list as string).split(',').map((each) => each.trim()))
      selector.push({ key: key as string, operator: word as 'in' | 'notin', values })
    } else selector.push({ key: key as string, operator: 'exists', values: new Set() })
  }
  // Words of the grammar are no keys here: readers part over them.
  return selector.some(({ key }) => key === 'in' || key === 'notin') ? undefined : selector
}

export function matchesLabels(selector: Selector, labels: Labels): boolean {
  return selector.every(({ key, operator, values }) => {
    const value = labels.get(key)
    switch (operator) {
      case 'in':
        return value !== undefined && values.has(value)
      case 'notin':
        return value === undefined || !values.has(value)
      case 'exists':
        return value !== undefined
      default:
        return value === undefined
    }
  })
}

/** Whether whatever `asked` selects, `selector` selects too. Each term by itself: what only several together imply is not seen. */
export function implies(asked: Selector, selector: Selector): boolean {
  return selector.every((wanted) => asked.some((given) => given.key === wanted.key && impliesTerm(given, wanted)))
}

function impliesTerm(given: Requirement, wanted: Requirement): boolean {
  switch (wanted.operator) {
    case 'in':
      return given.operator === 'in' && isSubset(given.values, wanted.values)
    case 'exists':
      return given.operator === 'in' || given.operator === 'exists'
    case 'absent':
      return given.operator === 'absent'
    default:
      if (given.operator === 'absent') return true
      if (given.operator === 'in') return isDisjoint(given.values, wanted.values)
      return given.operator === 'notin' && isSubset(wanted.values, given.values)
  }
}

/** Whether nothing that `asked` selects is selected by `selector`. */
export function excludes(asked: Selector, selector: Selector): boolean {
  return selector.some((wanted) => asked.some((given) => given.key === wanted.key && contradicts(given, wanted)))
}

function contradicts(a: Requirement, b: Requirement): boolean {
  if (a.operator === 'absent') return b.operator === 'in' || b.operator === 'exists'
  if (b.operator === 'absent') return a.operator === 'in' || a.operator === 'exists'
  if (a.operator === 'in' && b.operator === 'in') return isDisjoint(a.values, b.values)
  if (a.operator === 'in' && b.operator === 'notin') return isSubset(a.values, b.values)
  return a.operator === 'notin' && b.operator === 'in' && isSubset(b.values, a.values)
}

function isSubset(inner: ReadonlySet<string>, outer: ReadonlySet<string>): boolean {
  for (const value of inner) if (!outer.has(value)) return false
  return true
}

function isDisjoint(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const value of a) if (b.has(value)) return false
  return true
}
