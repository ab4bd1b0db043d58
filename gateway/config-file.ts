// Turns a YAML file into a checked, frozen value, or into every mistake in it with its place and the fix. Refuses what
// YAML readers take apart (duplicate keys, several documents, unknown tags) and every key that nobody reads.

import { readFileSync } from 'node:fs'
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'

export interface Problem {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** "clusters[0].name", or "" for the whole file. */
  readonly path: string
  /** What is wrong and what to do. */
  readonly message: string
}

/** A configuration or policy file cannot be used; all that is wrong in it. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`).join('\n'))
    this.problems = problems
  }
}

/** What a file that was read is: frozen throughout. */
export type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T

type Path = readonly PropertyKey[]

/** Says that something is wrong at a path of the file. `at`: characters into the text that stands there. */
export type Report = (path: Path, message: string, at?: number) => void

export interface FileFormat<T> {
  readonly schema: z.ZodType<T>
  /** Keys and values that belong to the format but not to this version: what to say of each. */
  readonly notYet: Readonly<Record<string, string>>
  /** What the schema cannot say. Takes the content as read, which may be wrong in shape. */
  check(content: unknown, report: Report): void
}

/** Where paths of a file that has been read stand in it: for advice on what is not wrong. Lines and columns from 1. */
export function placesIn(file: string): (path: Path) => Pick<Problem, 'line' | 'column' | 'path'> {
  const lines = new LineCounter()
  const document = parseDocument(readFileSync(file, 'utf8'), { prettyErrors: false, lineCounter: lines })
  return (path) => {
    const { line, col } = lines.linePos(offsetOf(document.contents, path))
    return { line, column: col, path: spell(path) }
  }
}

/** Throws ConfigError with every problem, in the order of the file. */
export function readFile<T>(file: string, format: FileFormat<T>): T {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError([{ file, line: 1, column: 1, path: '', message: `cannot be read: ${reason(error)}` }])
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines })
  const problems: Problem[] = []
  const add = (offset: number, path: Path, message: string): void => {
    const { line, col } = lines.linePos(offset)
    problems.push({ file, line, column: col, path: spell(path), message })
  }
  const report: Report = (path, message, at) => {
    const inside = at === undefined ? undefined : offsetInside(document.contents, path, text, at)
    add(inside ?? offsetOf(document.contents, path), path, message)
  }

  for (const { code, pos, message } of [...document.errors, ...document.warnings]) {
    add(pos[0], [], code === 'DUPLICATE_KEY' ? 'the key is there twice; keep one' : `not valid YAML: ${message}`)
  }
  // What stands behind a fault of syntax was read as something else: no use to judge it.
  if (document.errors.every(({ code }) => code === 'DUPLICATE_KEY')) {
    const content = contentOf(document, report)
    const parsed = format.schema.safeParse(content)
    for (const issue of parsed.error?.issues ?? []) describe(issue, content, format, report)
    format.check(content, report)
    if (parsed.success && problems.length === 0) return freeze(parsed.data)
  }
  throw new ConfigError(problems.sort((a, b) => a.line - b.line || a.column - b.column))
}

function contentOf(document: ReturnType<typeof parseDocument>, report: Report): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch {
    report([], 'its aliases do not resolve, or are far too many')
    return undefined
  }
}

/** One problem for each thing that is wrong, in words that say how to put it right. */
function describe(issue: z.core.$ZodIssue, content: unknown, format: FileFormat<unknown>, report: Report): void {
  const { path } = issue
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(format.schema, path)
    for (const key of issue.keys) {
      const advice = known.length === 0 ? 'remove it' : `known here: ${known.join(', ')}`
      report([...path, key], notYet(format, key) ?? `unknown key "${key}"; ${advice}`)
    }
    return
  }
  const value = valueAt(content, path)
  const later = issue.code === 'invalid_value' ? notYet(format, value) : undefined
  if (path.length === 0 && (value === undefined || value === null)) {
    report(path, 'the file is empty')
    return
  }
  const name = path.length === 0 ? 'the file' : `"${spell(path.slice(typeof path.at(-1) === 'number' ? -2 : -1))}"`
  if (value === undefined && issue.code !== 'custom') {
    report(path, `${name} is missing; ${expectation(issue)}`)
  } else if (later !== undefined) report(path, later)
  else if (issue.code === 'invalid_type' || issue.code === 'invalid_value') {
    report(path, `${name}: ${expectation(issue)}, not ${kindOf(value)}`)
  } else report(path, `${name}: ${issue.message}`)
}

function notYet(format: FileFormat<unknown>, word: unknown): string | undefined {
  return typeof word === 'string' && Object.hasOwn(format.notYet, word) ? format.notYet[word] : undefined
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') {
    const values = issue.values.map((value) => JSON.stringify(value))
    return values.length === 1 ? `it must be ${values[0]}` : `it must be one of ${values.join(', ')}`
  }
  if (issue.code !== 'invalid_type') return issue.message
  const kinds: Readonly<Record<string, string>> = { object: 'a map', array: 'a list', int: 'a whole number' }
  return `it must be ${kinds[issue.expected] ?? `a ${issue.expected}`}`
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a map' : JSON.stringify(value)
}

/** The keys that the schema has at a path. */
function knownKeys(schema: z.ZodType, path: Path): string[] {
  let at: unknown = schema
  for (const step of [...path, undefined]) {
    let def = (at as z.core.$ZodType | undefined)?._zod.def as SchemaDef | undefined
    for (let inner = innerOf(def); inner !== undefined; inner = innerOf(def)) def = inner._zod.def as SchemaDef
    if (step === undefined) return Object.keys(def?.shape ?? {})
    at = typeof step === 'number' ? def?.element : def?.shape?.[String(step)]
  }
  return []
}

/** What a schema with a default, a transformation or the like is made around. */
function innerOf(def: SchemaDef | undefined): z.core.$ZodType | undefined {
  return def?.innerType ?? def?.in
}

interface SchemaDef {
  readonly in?: z.core.$ZodType
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>
  readonly element?: z.core.$ZodType
  readonly innerType?: z.core.$ZodType
}

function valueAt(content: unknown, path: Path): unknown {
  let at = content
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<PropertyKey, unknown>)[step]
  }
  return at
}

/** Where a path stands in the text; for what is missing, where its parent does. */
function offsetOf(root: unknown, path: Path): number {
  let at = root
  let offset = isNode(root) ? (root.range?.[0] ?? 0) : 0
  for (const step of path) {
    if (isMap(at)) {
      const pair = at.items.find(({ key }) => isScalar(key) && key.value === step)
      if (pair === undefined) return offset
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset
      at = pair.value
    } else if (isSeq(at)) {
      at = at.items[step as number]
      if (isNode(at)) offset = at.range?.[0] ?? offset
    } else return offset
  }
  return offset
}

/** Where a character of a scalar stands in the text of the file; undefined where the one is not written like the other. */
function offsetInside(root: unknown, path: Path, text: string, at: number): number | undefined {
  const node = isMap(root) || isSeq(root) ? root.getIn(path, true) : undefined
  if (!isScalar(node) || typeof node.value !== 'string') return undefined
  const [start = 0, end = 0] = node.range ?? []
  const { value } = node
  // A block's lines are indented: its text is found line by line.
  let from = start
  const lines = value.slice(0, at).split('\n')
  for (const [number, line] of value.split('\n').entries()) {
    if (line === '' && number >= lines.length) break
    const found = text.indexOf(line, from)
    if (found === -1 || found + line.length > end) return undefined
    if (number === lines.length - 1) return found + (lines[number] as string).length
    from = found + line.length
  }
  return undefined
}

/** "clusters[0].name". */
function spell(path: Path): string {
  let text = ''
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : `${text === '' ? '' : '.'}${String(step)}`
  return text
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'this process may not read it',
    EISDIR: 'it is a folder',
  }
  return words[code] ?? code
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) freeze(inner)
  }
  return value
}
