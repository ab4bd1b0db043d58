// Requests that a kubectl command would send, put together one by one: path, query, body and upgrade as kubectl writes them.

import type { KindPlace } from './policy-kinds.ts'

/** One request; `target` in origin-form. */
export interface PlannedRequest {
  readonly method: string
  readonly target: string
  readonly upgrade?: 'websocket'
  readonly contentType?: string
  readonly body?: string
  /** When or why it is sent, where that needs a word; or "". */
  readonly what: string
}

/** Something of a kind; without a name all of it, without a namespace in all of them. */
export interface Target {
  readonly place: KindPlace
  readonly namespace: string
  readonly name: string
}

export interface Details {
  /** The subresource, or "". */
  readonly part?: string
  readonly query?: Readonly<Record<string, string | readonly string[]>>
  readonly object?: object
  readonly what?: string
}

const PATCH_TYPES = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const

export class PlannedRequests {
  readonly requests: PlannedRequest[] = []
  readonly notes: string[] = []
  readonly #dryRun: Readonly<Record<string, string>>

  constructor(isDryRun: boolean) {
    this.#dryRun = isDryRun ? { dryRun: 'All' } : {}
  }

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text)
  }

  /** A target as it is written. */
  add(method: string, target: string): void {
    this.requests.push({ method, target, what: '' })
  }

  on(method: string, target: Target, { part = '', query = {}, object, what = '' }: Details = {}): void {
    const body = object === undefined ? {} : { body: JSON.stringify(object), contentType: 'application/json' }
    this.requests.push({ method, target: pathOf(target, part) + queryText(query), what, ...body })
  }

  /** As `on`, a dry run where the command is one. */
  write(method: string, target: Target, details: Details = {}): void {
    this.on(method, target, { ...details, query: { ...details.query, ...this.#dryRun } })
  }

  create(target: Target, object: object, what = ''): void {
    this.write('POST', { ...target, name: '' }, { object, what })
  }

  /** `patch`: as a value, or as text. */
  patch(target: Target, patch: object | string, type: keyof typeof PATCH_TYPES, what = '', part = ''): void {
    const manager = type === 'apply' ? { fieldManager: 'kubectl' } : {}
    this.requests.push({
      method: 'PATCH',
      target: pathOf(target, part) + queryText({ ...manager, ...this.#dryRun }),
      contentType: PATCH_TYPES[type],
      body: typeof patch === 'string' ? patch : JSON.stringify(patch),
      what,
    })
  }

  /** A session on a pod, as a GET that is upgraded to WebSocket. */
  upgrade(pod: Target, part: string, query: NonNullable<Details['query']>): void {
    this.requests.push({ method: 'GET', target: pathOf(pod, part) + queryText(query), upgrade: 'websocket', what: '' })
  }
}

function pathOf({ place, namespace, name }: Target, part: string): string {
  const { group, version, resource } = place
  const segments = group === '' ? ['api', version] : ['apis', group, version]
  // A namespace is not among the things in it.
  if (namespace !== '' && !(group === '' && resource === 'namespaces')) segments.push('namespaces', namespace)
  segments.push(resource)
  if (name !== '') segments.push(name)
  if (part !== '') segments.push(...part.split('/'))
  return `/${segments.map(encodeURIComponent).join('/')}`
}

function queryText(query: Readonly<Record<string, string | readonly string[]>>): string {
  const pairs = Object.entries(query).flatMap(([name, values]) =>
    (typeof values === 'string' ? [values] : values).map((value): [string, string] => [name, value]),
  )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
}
