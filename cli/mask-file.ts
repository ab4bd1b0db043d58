// A file as kubectl prints or takes it -> pieces in their order: objects as one request each would have asked for them, and
// what stands between. Lists of mixed kinds come apart, since no answer of a cluster is one. Refuses what has no kind.

import { isMap, isScalar, isSeq, type Node, parseAllDocuments } from 'yaml'
import type { RequestAttributes } from '../gateway/request-attributes.ts'
import { requestInfo } from '../gateway/request-info.ts'
import { ValueCutter } from '../protocols/json/cutter.ts'
import { printable } from '../replay/printable.ts'
import { CommandFailed } from './exit-codes.ts'
import { placeOfKind } from './policy-kinds.ts'

/** An object, a list of one kind, or a watch event, as it stands in the file. */
export interface FilePart {
  /** "Secret prod/db". */
  readonly title: string
  readonly attributes: RequestAttributes
  readonly mediaType: 'application/json' | 'application/yaml'
  readonly bytes: Buffer
  /** Blanks in front of its first line that it has in YAML, which are not among the bytes. */
  readonly indent: number
}

/** Bytes that belong to no object, or one of them. */
export type FilePiece = Buffer | FilePart

/** All pieces together are the file. `file` is for messages. Throws CommandFailed. */
export function piecesOf(content: Buffer, file: string): FilePiece[] {
  const isJson = content.toString('latin1').trimStart().startsWith('{')
  return isJson ? jsonPieces(content, file) : yamlPieces(content.toString('utf8'), file)
}

/** One value or several in a row, as a watch prints them. */
function jsonPieces(content: Buffer, file: string): FilePiece[] {
  const pieces: FilePiece[] = []
  let at = 0
  for (const value of valuesIn(content, 0)) {
    pieces.push(content.subarray(at, value.from))
    at = value.to
    const bytes = content.subarray(value.from, value.to)
    const head = jsonOf(bytes, file)
    if (isMixedList(head)) pieces.push(...itemPieces(bytes, file))
    else pieces.push(partOf(head, { mediaType: 'application/json', bytes, indent: 0 }, file))
  }
  const rest = content.subarray(at)
  if (rest.toString('latin1').trim() !== '') throw new CommandFailed(printable(`${file} is not valid JSON`))
  pieces.push(rest)
  return pieces
}

function itemPieces(bytes: Buffer, file: string): FilePiece[] {
  const pieces: FilePiece[] = []
  let at = 0
  for (const item of valuesIn(bytes, new ValueCutter().findList(bytes, 0))) {
    pieces.push(bytes.subarray(at, item.from))
    at = item.to
    const own = bytes.subarray(item.from, item.to)
    pieces.push(partOf(jsonOf(own, file), { mediaType: 'application/json', bytes: own, indent: 0 }, file))
  }
  pieces.push(bytes.subarray(at))
  return pieces
}

const BETWEEN = new Set([...' \t\r\n,'].map((character) => character.charCodeAt(0)))
const OPEN_OBJECT = 0x7b

/** Where objects stand one behind another, with commas and white space between them. */
function* valuesIn(bytes: Buffer, from: number): Generator<{ readonly from: number; readonly to: number }> {
  let at = from
  for (;;) {
    while (BETWEEN.has(bytes[at] as number)) at += 1
    if (bytes[at] !== OPEN_OBJECT) return
    const cutter = new ValueCutter()
    cutter.begin()
    const to = cutter.findEnd(bytes, at)
    yield { from: at, to }
    at = to
  }
}

function jsonOf(bytes: Buffer, file: string): Head {
  try {
    return headOf(JSON.parse(bytes.toString('utf8')))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new CommandFailed(printable(`${file} is not valid JSON`))
  }
}

function yamlPieces(text: string, file: string): FilePiece[] {
  const pieces: FilePiece[] = []
  let done = 0
  const found = (node: Node, value: unknown): void => {
    const [from, to] = node.range as [number, number, number]
    pieces.push(Buffer.from(text.slice(done, from)))
    done = to
    const indent = from - (text.lastIndexOf('\n', from - 1) + 1)
    const bytes = Buffer.from(text.slice(from, to))
    pieces.push(partOf(headOf(value), { mediaType: 'application/yaml', bytes, indent }, file))
  }
  const documents = parseAllDocuments(text)
  for (const document of 'empty' in documents ? [] : documents) {
    const [error] = document.errors
    if (error !== undefined) {
      throw new CommandFailed(printable(`${file} is not valid YAML: ${error.message.split('\n')[0]}`))
    }
    const root = document.contents
    if (root === null || (isScalar(root) && root.value === null)) continue
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    const items: unknown = isMap(root) ? root.get('items') : undefined
    if (isMixedList(headOf(value)) && isSeq<Node>(items)) {
      for (const item of items.items) found(item, item.toJS(document, { maxAliasCount: 100 }))
    } else found(root, value)
  }
  pieces.push(Buffer.from(text.slice(done)))
  return pieces
}

/** What an object says of itself. */
interface Head {
  readonly kind: string
  readonly apiVersion: string
  readonly name: string
  readonly namespace: string
  /** Of a watch event: its object. */
  readonly event: Head | undefined
}

function headOf(value: unknown): Head {
  const { kind, apiVersion, metadata, type, object } = loose(value)
  const { name, namespace } = loose(metadata)
  const isEvent = kind === undefined && typeof type === 'string' && typeof object === 'object' && object !== null
  return {
    kind: word(kind),
    apiVersion: word(apiVersion),
    name: word(name),
    namespace: word(namespace),
    event: isEvent ? headOf(object) : undefined,
  }
}

/** What kubectl makes of several answers. */
function isMixedList({ kind, apiVersion }: Head): boolean {
  return kind === 'List' && apiVersion === 'v1'
}

/** Shapes of answers that do not say what they are of. */
const SHAPES = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'])

function partOf(head: Head, part: Pick<FilePart, 'mediaType' | 'bytes' | 'indent'>, file: string): FilePart {
  const about = head.event ?? head
  const { kind, apiVersion, name, namespace } = about
  if (kind === '' || apiVersion === '') {
    throw new CommandFailed(
      printable(`${file} holds something without apiVersion and kind; add --text to mask it as text`),
    )
  }
  if (SHAPES.has(kind)) {
    const message = `${file} holds a ${kind}, which does not say what its objects are; test the objects themselves (kubectl get -o yaml)`
    throw new CommandFailed(printable(message))
  }
  const isList = kind.endsWith('List')
  const attributes = requestInfo(
    'GET',
    targetOf(apiVersion, isList ? kind.slice(0, -4) : kind, about, head.event !== undefined),
    undefined,
  )
  if ('status' in attributes) throw new CommandFailed(printable(`${file}: ${attributes.message}`))
  const title = `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`.trimEnd()
  return { title, attributes, ...part }
}

/** The request whose answer it could be. */
function targetOf(apiVersion: string, kind: string, { name, namespace }: Head, isWatch: boolean): string {
  const isToken = kind === 'TokenRequest'
  const place = isToken ? placeOfKind('v1', 'ServiceAccount') : placeOfKind(apiVersion, kind)
  const { group, version, resource } = place
  const segments = group === '' ? ['api', version] : ['apis', group, version]
  if (namespace !== '' && resource !== 'namespaces') segments.push('namespaces', namespace)
  segments.push(resource)
  if (name !== '' && !isWatch) segments.push(name)
  else if (isToken) segments.push('unnamed')
  if (isToken) segments.push('token')
  return `/${segments.map(encodeURIComponent).join('/')}${isWatch ? '?watch=true' : ''}`
}

function loose(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}

function word(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
