// The label and field selectors of a list or watch -> a test for objects (apimachinery pkg/labels, pkg/fields). Refuses
// what it cannot parse: a selector that were ignored would select everything.

import { at, type KubeObject } from './object.ts'
import { ApiError } from './status.ts'

export type Selects = (object: KubeObject) => boolean

/** A test for both selectors of a query. Throws ApiError (400). */
export function selectorOf(query: URLSearchParams): Selects {
  const labels = (query.get('labelSelector') ?? '').match(/[^,(]+(\([^)]*\))?[^,]*/g) ?? []
  const fields = (query.get('fieldSelector') ?? '').split(',').filter((term) => term !== '')
  const tests = [...labels.map((term) => labelTest(term.trim())), ...fields.map(fieldTest)]
  return (object) => tests.every((test) => test(object))
}

const SET = /^(\S+) +(in|notin) +\(([^)]*)\)$/
const EQUALITY = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/
const EXISTS = /^(!?)([^=!\s()]+)$/

function labelTest(term: string): Selects {
  const set = SET.exec(term)
  if (set !== null) {
    const [, key, operator, list] = set as unknown as [string, string, string, string]
    const values = list.split(',').map((value) => value.trim())
    return (object) => values.includes(label(object, key) ?? '\0') === (operator === 'in')
  }
  const equality = EQUALITY.exec(term)
  if (equality !== null) {
    const [, key, operator, value] = equality as unknown as [string, string, string, string]
    return (object) => (label(object, key) === value) === (operator !== '!=')
  }
  const exists = EXISTS.exec(term)
  if (exists !== null) {
    const [, not, key] = exists as unknown as [string, string, string]
    return (object) => (label(object, key) !== undefined) === (not === '')
  }
  throw new ApiError('BadRequest', 'unable to parse the labelSelector')
}

function fieldTest(term: string): Selects {
  const equality = EQUALITY.exec(term)
  if (equality === null) throw new ApiError('BadRequest', 'unable to parse the fieldSelector')
  const [, path, operator, value] = equality as unknown as [string, string, string, string]
  return (object) => (String(at(object, path) ?? '') === value) === (operator !== '!=')
}

function label(object: KubeObject, key: string): string | undefined {
  const labels = object.metadata.labels
  return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined
}
