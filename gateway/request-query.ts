// Turns a query into its pairs as Go's net/url reads them (url.ParseQuery), and into what Kubernetes takes from them:
// booleans, list options, a name by field selector. Refuses what Go would silently drop and what readers take apart.

import { type Refusal, refuse } from './decision.ts'

/** Names and values in order, decoded: [name, value, name, value, …]. */
export type QueryPairs = readonly string[]

const NO_PAIRS: QueryPairs = []
const PERCENT = 0x25
const PLUS = 0x2b

/** `raw`: what follows the first "?". Passes upstream as it came, so each byte of it must have one meaning. */
export function queryPairs(raw: string): QueryPairs | Refusal {
  if (raw === '') return NO_PAIRS
  let encoded = false
  for (let at = 0; at < raw.length; at += 1) {
    const code = raw.charCodeAt(at)
    if (code === PERCENT || code === PLUS) encoded = true
    else if (code <= 0x20 || code >= 0x7f) {
      return wrong('query.character', 'the query holds a character that must be percent-encoded')
    } else if (code === 0x3b) {
      return wrong('query.semicolon', 'the query holds a semicolon, at which readers part; encode it as %3B')
    } else if (code === 0x23) return wrong('path.fragment', 'the target holds a fragment ("#")')
  }
  const pairs: string[] = []
  for (const pair of raw.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = equals === -1 ? pair : pair.slice(0, equals)
    const value = equals === -1 ? '' : pair.slice(equals + 1)
    if (!encoded) {
      if (isCredential(name)) return credential()
      pairs.push(name, value)
      continue
    }
    const decodedName = decode(name)
    if (typeof decodedName !== 'string') return decodedName
    if (isCredential(decodedName)) return credential()
    const decodedValue = decode(value)
    if (typeof decodedValue !== 'string') return decodedValue
    pairs.push(decodedName, decodedValue)
  }
  return pairs
}

/** The value of a parameter that may be there once: Kubernetes takes the first, others take the last. */
export function single(pairs: QueryPairs, name: string): string | undefined | Refusal {
  let found: string | undefined
  for (let at = 0; at < pairs.length; at += 2) {
    if (pairs[at] !== name) continue
    if (found !== undefined) return wrong('query.repeated', `the query holds "${name}" more than once`)
    found = pairs[at + 1]
  }
  return found
}

/** Every value of a parameter, in order. */
export function all(pairs: QueryPairs, name: string): string[] {
  const values: string[] = []
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === name) values.push(pairs[at + 1] as string)
  return values
}

/** Absent, "0" and "false" in any case are false; all else, the empty value too, is true (apimachinery runtime/conversion.go). */
export function boolean(pairs: QueryPairs, name: string): boolean | Refusal {
  const value = single(pairs, name)
  if (value === undefined) return false
  if (typeof value !== 'string') return value
  // Go folds Unicode: "fal\u017fe" is "false" to it.
  if (/[^\u0020-\u007e]/.test(value)) return wrong('query.boolean', `"${name}" must be true or false`)
  return value !== '0' && value.toLowerCase() !== 'false'
}

export interface ListOptions {
  readonly watch: boolean
  /** The name that the field selector asks for (metadata.name=…), or "". */
  readonly name: string
}

/** What Kubernetes reads from the query of a GET without a name (requestinfo.go, metainternalversion.ListOptions). */
export function listOptions(pairs: QueryPairs): ListOptions | Refusal {
  const watch = boolean(pairs, 'watch')
  if (typeof watch !== 'boolean') return watch
  for (const name of ['limit', 'timeoutSeconds']) {
    const value = single(pairs, name)
    if (typeof value === 'object') return value
    // Kubernetes forgets the field selector's name where another option does not parse.
    if (value !== undefined && !/^[+-]?\d{1,18}$/.test(value)) {
      return wrong('query.number', `"${name}" must be a whole number`)
    }
  }
  const labels = single(pairs, 'labelSelector')
  if (typeof labels === 'object') return labels
  const fields = single(pairs, 'fieldSelector')
  if (typeof fields === 'object') return fields
  const name = fields === undefined ? '' : selectedName(fields)
  if (typeof name !== 'string') return name
  if (name !== '' && labels !== undefined && !SIMPLE_LABELS.test(labels)) {
    return wrong(
      'query.label_selector',
      'beside metadata.name, a labelSelector may hold only key, !key, key=value and key!=value',
    )
  }
  return { watch, name }
}

const KEY =
  '(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){0,2}/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?'
const VALUE = '[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?'
const TERM = `(?:!${KEY}|${KEY}(?:(?:==?|!=)${VALUE})?)`
/** Label selectors that surely parse (apimachinery labels/selector.go): `in`, `notin` and "exists" are words to it. */
const SIMPLE_LABELS = new RegExp(
  `^(?!.*(?:^|,)!?(?:in|notin)(?:[,=!]|$))(?!.*[=](?:in|notin)(?:,|$))(?:${TERM}(?:,${TERM})*)?$`,
)

/** The name that a field selector requires, or "" (apimachinery fields/selector.go, content.IsPathSegmentName). */
function selectedName(selector: string): string | Refusal {
  let name: string | undefined
  for (const term of splitTerms(selector)) {
    if (term === '') continue
    // The operator is the first "=", "==" or "!="; the field before it has no escapes.
    const operator = /!=|==?/.exec(term)
    if (operator === null) return wrongSelector()
    const value = unescaped(term.slice(operator.index + operator[0].length))
    if (value === undefined) return wrongSelector()
    if (operator[0] === '!=' || term.slice(0, operator.index) !== 'metadata.name') continue
    if (name !== undefined) return wrong('query.field_selector', 'the fieldSelector names metadata.name more than once')
    name = value
  }
  if (name === undefined || name === '.' || name === '..' || /[/%]/.test(name)) return ''
  return name
}

/** Split at commas that no backslash escapes. */
function splitTerms(selector: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let at = 0; at < selector.length; at += 1) {
    const character = selector[at]
    if (character === '\\') at += 1
    else if (character === ',') {
      terms.push(selector.slice(start, at))
      start = at + 1
    }
  }
  terms.push(selector.slice(start))
  return terms
}

/** Without the backslashes before "\", "," and "="; undefined where one is missing or stands before something else. */
function unescaped(value: string): string | undefined {
  if (!/^(?:[^\\,=]|\\[\\,=])*$/u.test(value)) return undefined
  return value.replace(/\\(.)/gu, '$1')
}

function decode(text: string): string | Refusal {
  let decoded: string
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    if (/%(?![0-9A-Fa-f]{2})/.test(text)) return wrong('query.percent', 'the query holds a "%" without two hex digits')
    return wrong('query.utf8', 'the query is not UTF-8 once decoded')
  }
  // C programs behind the cluster would end the word there, and policy would have judged the rest too.
  if (decoded.includes('\u0000')) return wrong('query.nul', 'the query holds an encoded NUL')
  return decoded
}

/** RFC 6750 section 2.3: no Kubernetes server takes a token there, and every access log keeps it. */
function isCredential(name: string): boolean {
  return name === 'access_token'
}

function credential(): Refusal {
  return wrong('query.credential', 'the query holds an access_token; send it as "Authorization: Bearer TOKEN" alone')
}

function wrongSelector(): Refusal {
  return wrong('query.field_selector', 'the fieldSelector does not parse')
}

function wrong(rule: string, message: string): Refusal {
  return refuse(400, 'BadRequest', rule, message)
}
