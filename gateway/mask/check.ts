// What makes masking rules ones that could never do what they say, beyond the schema: names that nothing has, paths that
// lead nowhere, two rules of one name.

import { DETECTORS } from '../../protocols/detect/detectors.ts'
import { PatternError, patternMatcher } from '../../protocols/detect/patterns.ts'
import type { Report } from '../config-file.ts'
import { SelectorError, selectorOf } from '../labels.ts'
import { parseResource, ResourceNameError } from '../resource-names.ts'
import { ageRecipient, RecipientError } from './age-file.ts'
import { type MaskRuleDocument, maskDetectors, maskRule } from './document.ts'
import { FieldPathError, fieldPath } from './field-path.ts'

/** `content`: the part as read, which may be wrong in shape. `clusters`: the names of those that are configured. */
export function checkMasking(content: unknown, clusters: ReadonlySet<unknown>, report: Report): void {
  const part = (content ?? {}) as {
    readonly rules?: unknown
    readonly detectors?: unknown
    readonly originals?: unknown
  }
  const { rules } = part
  checkDetectors(part.detectors, report)
  checkRecipients(part.originals, report)
  const names = new Set<string>()
  for (const [at, entry] of (Array.isArray(rules) ? rules : []).entries()) {
    const { data: rule } = maskRule.safeParse(entry)
    if (rule === undefined) continue
    const inside: Report = (path, message, place) => report(['rules', at, ...path], message, place)
    if (names.has(rule.name)) inside(['name'], `there is another rule "${rule.name}"; give each a name of its own`)
    names.add(rule.name)
    checkRule(rule, clusters, inside)
  }
}

function checkRecipients(content: unknown, report: Report): void {
  const { recipients } = (content ?? {}) as { readonly recipients?: unknown }
  for (const [at, entry] of (Array.isArray(recipients) ? recipients : []).entries()) {
    if (typeof entry !== 'string') continue
    attempt(
      () => ageRecipient(entry),
      (message) => report(['originals', 'recipients', at], message),
    )
  }
}

function checkDetectors(content: unknown, report: Report): void {
  const { data } = maskDetectors.safeParse(content ?? {})
  if (data === undefined) return
  for (const [at, name] of data.disabled.entries()) {
    const known = [...DETECTORS.keys()].join(', ')
    if (!DETECTORS.has(name))
      report(['detectors', 'disabled', at], `no detector is called "${name}"; there are ${known}`)
  }
  const names = new Set<string>(DETECTORS.keys())
  for (const [at, pattern] of data.patterns.entries()) {
    if (names.has(pattern.name)) {
      report(['detectors', 'patterns', at, 'name'], `"${pattern.name}" is taken; give each a name of its own`)
    }
    names.add(pattern.name)
    attempt(
      () => patternMatcher(pattern),
      (message) => report(['detectors', 'patterns', at, 'pattern'], message),
    )
  }
}

/** Core kinds whose `data` is a map from names to text. */
const FLAT = new Set(['secrets', 'configmaps'])

function checkRule(rule: MaskRuleDocument, clusters: ReadonlySet<unknown>, report: Report): void {
  const { resources, fields, env, labels } = rule
  if (fields === undefined && env === undefined) report([], 'name what it masks: fields, env, or both')
  if (fields !== undefined && resources === undefined) {
    report(['fields'], 'fields are those of a kind: name the resources too')
  }
  for (const [at, entry] of (resources ?? []).entries()) {
    if (entry !== '*')
      attempt(
        () => parseResource(entry),
        (message) => report(['resources', at], `"${entry}": ${message}`),
      )
  }
  const isFlat = resources?.every((entry) => FLAT.has(entry)) === true
  for (const [at, entry] of (fields ?? []).entries()) {
    const steps = attempt(
      () => fieldPath(entry),
      (message, place) => report(['fields', at], `"${entry}": ${message}`, place),
    )
    if (
      isFlat &&
      steps !== undefined &&
      steps.length > 2 &&
      /^(?:data|stringData|binaryData)$/.test(String(steps[0]))
    ) {
      const key = entry.slice(entry.indexOf('.') + 1)
      report(['fields', at], `"${entry}": a key with a dot in it is written ${String(steps[0])}['${key}']`)
    }
  }
  if (labels !== undefined)
    attempt(
      () => selectorOf(labels),
      (message) => report(['labels'], message),
    )
  for (const [at, name] of (rule.clusters ?? []).entries()) {
    if (!clusters.has(name)) report(['clusters', at], `there is no cluster "${name}"`)
  }
}

/** The value, or undefined once the mistake has been told. */
function attempt<T>(make: () => T, tell: (message: string, at?: number) => void): T | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof FieldPathError) tell(error.message, error.at)
    else if (isOurs(error)) tell(error.message)
    else throw error
    return undefined
  }
}

function isOurs(error: unknown): error is Error {
  if (error instanceof RecipientError) return true
  return error instanceof SelectorError || error instanceof ResourceNameError || error instanceof PatternError
}
