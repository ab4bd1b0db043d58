// A call -> what people see of it before they say yes: what it is, as kubectl would say it, and what it would change, by the
// cluster's own dry run as the caller. What the caller may not read nobody is shown; what cannot be found out is said.

import { stringify } from 'yaml'
import { commandLine } from '../protocols/kube/command-line.ts'
import { limits } from '../protocols/limits.ts'
import type { Summary } from './approvals/approvals.ts'
import { plainText } from './approvals/plain-text.ts'
import { unifiedDiff } from './approvals/unified-diff.ts'
import { needsApproval } from './decision.ts'
import type { Exchange } from './exchange.ts'
import type { Gate } from './gate.ts'
import type { OwnAnswer, OwnRequest } from './own-exchange.ts'
import { Asked, type Question } from './policy/asked.ts'
import { decide } from './policy/decide.ts'
import { NO_BODY } from './policy/request-object.ts'
import { requestBody } from './recording.ts'
import { requestInfo } from './request-info.ts'

export interface Previewed {
  readonly exchange: Exchange
  readonly question: Question
  readonly contentType: string
  readonly body: Uint8Array | undefined
  /** Sends a request as the caller, recorded, with its answer masked for everybody. */
  asCaller(request: OwnRequest): Promise<OwnAnswer>
}

export async function summaryOf(gate: Gate, previewed: Previewed): Promise<Summary> {
  const { cluster, principal, claims, attributes } = previewed.question
  const { verb, apiGroup, resource, subresource, namespace } = attributes
  const { words } = gate.masking
  const name = attributes.name === '' ? createdName(previewed.question) : attributes.name
  const asked = requestBody(words, 0, '', previewed.exchange, principal, { ...attributes, name })
  return {
    cluster,
    run: words.text(claims.run),
    command: `kubectl ${commandLine({ ...asked, target: withoutManager(asked.target) })}`,
    verb,
    resource: [apiGroup, resource, subresource].filter((part) => part !== '').join('/'),
    namespace,
    name: words.text(name),
    ...(await previewOf(gate, previewed)),
  }
}

/** Which of kubectl's commands it is, is the caller's word: a patch that says "annotate" can change anything. */
function withoutManager(target: string): string {
  const [path, query = ''] = target.split('?', 2) as [string, string?]
  const pairs = query.split('&').filter((pair) => !isManager(pair))
  return pairs.join('') === '' ? path : `${path}?${pairs.join('&')}`
}

function isManager(pair: string): boolean {
  return [...new URLSearchParams(pair).keys()][0] === 'fieldManager'
}

/** The name of what a create makes is in its body alone; "" where it cannot be read there. */
function createdName({ attributes, object }: Question): string {
  if (attributes.verb !== 'create' || attributes.subresource !== '') return ''
  const { decoded } = object
  const metadata = 'value' in decoded && decoded.value instanceof Map ? decoded.value.get('metadata') : undefined
  const name: unknown = metadata instanceof Map ? metadata.get('name') : undefined
  return typeof name === 'string' ? name : ''
}

type Preview = Pick<Summary, 'diff' | 'objects' | 'note'>

/** Why there is no preview; or what stands in its place. */
class NoPreview extends Error {}

async function previewOf(gate: Gate, previewed: Previewed): Promise<Preview> {
  const { isResource, verb, name } = previewed.question.attributes
  try {
    if (isResource && verb === 'deletecollection') return await collection(gate, previewed)
    if (isResource && verb === 'delete') return await removal(gate, previewed)
    if (isResource && CHANGES.has(verb)) {
      const diff = await change(gate, previewed)
      return { diff, objects: 1, note: diff === '' ? 'the dry run changes nothing that can be shown' : '' }
    }
    return { diff: '', objects: MANY.has(verb) && name === '' ? null : 1, note: '' }
  } catch (error) {
    if (!(error instanceof NoPreview)) throw error
    const more = verb === 'delete' ? alongWith(previewed) : ''
    const isOne = verb !== 'deletecollection' && more === ''
    return { diff: '', objects: isOne ? 1 : null, note: joined(error.message, more, optionsOf(previewed)) }
  }
}

const MANY = new Set(['list', 'watch'])
const CHANGES = new Set(['create', 'update', 'patch'])
/** Subresources with an object of their own to compare; a token, an eviction or a binding has none, and a token is a secret. */
const COMPARED = new Set(['', 'scale', 'status', 'ephemeralcontainers', 'resize'])

/**
 * The options of these verbs are in the query alone, so that dryRun=All is what the server reads (apiserver handlers
 * create.go, update.go, patch.go). Those of a delete can be in its body instead, which then counts: it is never sent.
 */
async function change(gate: Gate, previewed: Previewed): Promise<string> {
  const { question, body, contentType } = previewed
  const { attributes } = question
  if (!COMPARED.has(attributes.subresource)) throw new NoPreview(`there is no dry run of ${attributes.subresource}`)
  if (/(?:^|&)dryRun=/.test(attributes.query)) throw new NoPreview('the call is a dry run itself')
  await heedsDryRun(gate, previewed)
  const live = attributes.verb === 'create' ? '' : await liveText(gate, previewed)
  const target = `${attributes.target}${attributes.target.includes('?') ? '&' : '?'}dryRun=All`
  const fields = contentType === '' ? JSON_ONLY : [...JSON_ONLY, 'Content-Type', contentType]
  const request = { method: previewed.exchange.method, target, fields, ...(body === undefined ? {} : { body }) }
  const dry = await objectOf(gate, previewed, request, 'the dry run')
  return unifiedDiff(live, textOf(dry))
}

/** Groups of the API server's own, which heeds dryRun; "*.k8s.io" are Kubernetes' by its API review. */
const OWN_GROUP = /^(?:[^.]*|(?:.*\.)?k8s\.io)$/

/** Throws NoPreview for a group that another server may answer for: one that does not know dryRun would carry it out. */
async function heedsDryRun(gate: Gate, previewed: Previewed): Promise<void> {
  const { apiGroup, resource } = previewed.question.attributes
  if (OWN_GROUP.test(apiGroup)) return
  const target = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${encodeURIComponent(`${resource}.${apiGroup}`)}`
  const definition = await objectOf(
    gate,
    previewed,
    { method: 'GET', target, fields: JSON_ONLY },
    'the definition of the custom resource',
    true,
  )
  if (definition === undefined) throw new NoPreview('it is no custom resource, and its server may not know dry runs')
}

async function removal(gate: Gate, previewed: Previewed): Promise<Preview> {
  const isShown = COMPARED.has(previewed.question.attributes.subresource)
  const diff = isShown ? unifiedDiff(await liveText(gate, previewed), '') : ''
  const more = alongWith(previewed)
  return { diff, objects: more === '' ? 1 : null, note: joined(more, optionsOf(previewed)) }
}

/** What goes with the one object that a delete names. */
function alongWith({ question }: Previewed): string {
  const { isNamespaceDelete, isDefinitionDelete } = new Asked(question)
  if (isNamespaceDelete) return 'all that is in the namespace goes with it'
  return isDefinitionDelete ? 'all objects of this kind, in every namespace, go with it' : ''
}

/** How it deletes, where that is not as usual: in the query, or in the body, which then is what counts. */
function optionsOf({ question }: Previewed): string {
  const { attributes, object } = question
  const { decoded } = object
  if (!object.isEmpty && !('value' in decoded && decoded.value instanceof Map)) return 'its options cannot be read'
  const given: readonly (readonly [string, unknown])[] = object.isEmpty
    ? [...new URLSearchParams(attributes.query)]
    : [...(decoded as { readonly value: ReadonlyMap<string, unknown> }).value]
  const options = given.filter(isTold).map(([name, value]) => `${name} ${String(value)}`)
  return options.length === 0 ? '' : plainText(`with ${options.join(', ')}`, limits.approvals.text)
}

/** kubectl always asks for Background, which is what the server does by itself with nearly all kinds. */
function isTold([name, value]: readonly [string, unknown]): boolean {
  return OPTIONS.has(name) && value !== 'Background'
}

const OPTIONS = new Set(['gracePeriodSeconds', 'propagationPolicy', 'orphanDependents', 'dryRun'])

function joined(...notes: readonly string[]): string {
  return notes.filter((note) => note !== '').join('; ')
}

/** The names of what it selects, and how many there are. */
async function collection(gate: Gate, previewed: Previewed): Promise<Preview> {
  const { target } = previewed.question.attributes
  const selected = new URLSearchParams(target.slice(pathOf(target).length))
  const query = new URLSearchParams({ limit: String(limits.approvals.previewObjects) })
  for (const name of ['labelSelector', 'fieldSelector']) {
    for (const value of selected.getAll(name)) query.append(name, value)
  }
  const fields = ['Accept', 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json']
  const request = { method: 'GET', target: `${pathOf(target)}?${query}`, fields }
  const list = await objectOf(gate, previewed, request, 'the list of what it selects')
  const items = (list.items ?? []) as readonly { readonly metadata?: Readonly<Record<string, string>> }[]
  const { remainingItemCount, continue: more } = (list.metadata ?? {}) as {
    remainingItemCount?: number
    continue?: string
  }
  const names = items.map(({ metadata = {} }) => `-${[metadata.namespace, metadata.name].filter(Boolean).join('/')}\n`)
  const isAll = (more ?? '') === '' || remainingItemCount !== undefined
  const first = (more ?? '') === '' ? '' : `these are the first ${items.length}`
  const along = alongWith(previewed)
  const note = joined(first, along, optionsOf(previewed))
  return {
    diff: names.join(''),
    objects: isAll && along === '' ? items.length + (remainingItemCount ?? 0) : null,
    note,
  }
}

/** The object as it is, or "" where there is none. */
async function liveText(gate: Gate, previewed: Previewed): Promise<string> {
  const target = pathOf(previewed.question.attributes.target)
  const live = await objectOf(
    gate,
    previewed,
    { method: 'GET', target, fields: JSON_ONLY },
    'the object as it is',
    true,
  )
  return live === undefined ? '' : textOf(live)
}

type Document = Readonly<Record<string, unknown>>

function objectOf(gate: Gate, previewed: Previewed, request: OwnRequest, what: string): Promise<Document>
function objectOf(
  gate: Gate,
  previewed: Previewed,
  request: OwnRequest,
  what: string,
  mayBeAbsent: true,
): Promise<Document | undefined>
/** Throws NoPreview. */
async function objectOf(
  gate: Gate,
  previewed: Previewed,
  request: OwnRequest,
  what: string,
  mayBeAbsent = false,
): Promise<Document | undefined> {
  if (!mayAsk(gate, previewed.question, request)) throw new NoPreview(`the caller may not see ${what}`)
  const answer = await previewed.asCaller(request)
  if (answer === 'late') throw new NoPreview(`${what} took longer than ${limits.approvals.previewMillis / 1000} s`)
  if (answer === 'long') throw new NoPreview(`${what} is too long to be shown`)
  if (answer === 'broken') throw new NoPreview(`${what} broke off`)
  if (answer.status === 404 && mayBeAbsent) return undefined
  const document = parsed(answer.body)
  if (answer.status >= 200 && answer.status < 300 && document !== undefined) return document
  const message = typeof document?.message === 'string' ? `: ${document.message}` : ''
  throw new NoPreview(plainText(`${what} failed with ${answer.status}${message}`, limits.approvals.text))
}

/** The gateway asks for nothing that the policy denies the caller. */
function mayAsk(gate: Gate, question: Question, { method, target, body }: OwnRequest): boolean {
  const attributes = requestInfo(method, target, undefined)
  if ('status' in attributes) return false
  const object = body === undefined ? NO_BODY : question.object
  const decision = decide(gate.policy, { ...question, attributes, upgrade: undefined, object })
  return decision.allowed || (method !== 'GET' && needsApproval(decision))
}

function parsed(body: Uint8Array): Document | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString())
    return typeof value === 'object' && value !== null ? (value as Document) : undefined
  } catch {
    return undefined
  }
}

const JSON_ONLY = ['Accept', 'application/json'] as const

/** What each write changes by itself: it would be in every diff. */
const BOOKKEEPING = ['managedFields', 'resourceVersion', 'generation', 'uid', 'creationTimestamp']

function textOf(document: Document): string {
  const metadata = { ...(document.metadata as Document | undefined) }
  for (const name of BOOKKEEPING) delete metadata[name]
  return stringify({ ...document, metadata }, { lineWidth: 0, aliasDuplicateObjects: false })
}

function pathOf(target: string): string {
  const at = target.indexOf('?')
  return at === -1 ? target : target.slice(0, at)
}
