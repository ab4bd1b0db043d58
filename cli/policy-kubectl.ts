// A kubectl-shaped command -> the requests that kubectl would send for it, without a cluster to ask: as far as they can be
// known beforehand, and with notes on what cannot. It refuses what it does not understand whole.

import { CommandFailed, EXIT } from './exit-codes.ts'
import { type Words, wordsOf } from './policy-flags.ts'
import { ALL, type KindPlace, placeOfWord } from './policy-kinds.ts'
import { type Manifest, manifestsOf } from './policy-manifests.ts'
import { type PlannedRequest, PlannedRequests, type Target } from './policy-requests.ts'

export interface Plan {
  /** In the order in which kubectl sends them; never empty. */
  readonly requests: readonly PlannedRequest[]
  /** What only a cluster could say. */
  readonly notes: readonly string[]
}

/** Reads a file that `-f` names. Throws CommandFailed. */
export type ReadManifest = (path: string) => string

/** Also "GET /path" and the like, with the method in upper case. Throws CommandFailed. */
export function planOf(words: readonly string[], read: ReadManifest): Plan {
  const [first = '', target, ...more] = words
  if (/^[A-Z]+$/.test(first) && target?.startsWith('/') === true) {
    if (more.length > 0) throw wrong(`there is something behind the path: "${more[0]}"`)
    return { requests: [{ method: first, target, what: '' }], notes: [] }
  }
  const parsed = wordsOf(first === 'kubectl' ? words.slice(1) : words)
  const name = parsed.rest[0] ?? ''
  const command = COMMANDS.get(name)
  if (command === undefined) {
    throw wrong(
      `${name === '' ? 'name a command of kubectl' : `"${name}" is not understood here`}: ${[...COMMANDS.keys()].join(', ')}, or a request such as GET /healthz`,
    )
  }
  const dryRun = parsed.flags.get('dry-run')?.at(-1) ?? 'none'
  if (dryRun === 'client' || dryRun === 'unchanged') throw wrong('a dry run of the client changes nothing: take server')
  if (dryRun !== 'none' && dryRun !== 'server') throw wrong('--dry-run is none, client or server')
  const build = new Build(parsed, dryRun === 'server', read)
  command(build)
  if (build.made.requests.length === 0) throw wrong('name what it is for: TYPE NAME, TYPE/NAME, or -f FILE')
  return build.made
}

class Build {
  readonly words: Words
  readonly made: PlannedRequests
  readonly read: ReadManifest

  constructor(words: Words, isDryRun: boolean, read: ReadManifest) {
    this.words = words
    this.made = new PlannedRequests(isDryRun)
    this.read = read
  }

  has(flag: string): boolean {
    return this.words.flags.has(flag)
  }

  value(flag: string): string | undefined {
    return this.words.flags.get(flag)?.at(-1)
  }

  get namespace(): string {
    return this.value('namespace') ?? 'default'
  }

  /** TYPE NAME…, TYPE/NAME…, TYPE,TYPE; without a name all of the type. */
  targets(): Target[] {
    const [types, ...names] = this.words.rest.slice(1)
    if (types === undefined) return []
    if (types.includes('/')) return [types, ...names].map((word) => this.#pair(word))
    const words = types.split(',').flatMap((word) => (word === 'all' ? ALL : [word]))
    return words.flatMap((word) => {
      const place = this.#place(word)
      const each = names.length === 0 ? [''] : names
      return each.map((name) => this.target(place, name))
    })
  }

  target(place: KindPlace, name: string, namespace = this.namespace): Target {
    return { place, name, namespace: place.namespaced && !this.has('all-namespaces') ? namespace : '' }
  }

  /** The pod that a stream or a log is of. Throws CommandFailed. */
  pod(word: string | undefined): Target {
    if (word === undefined) throw wrong('name a pod')
    const isPod = !word.includes('/') || /^(?:pod|pods|po)\//.test(word)
    if (!isPod) throw wrong(`which pod stands behind ${word} only the cluster knows: name a pod`)
    return this.target(placeOfWord('pods') as KindPlace, word.slice(word.indexOf('/') + 1))
  }

  manifests(): Manifest[] {
    return (this.words.flags.get('filename') ?? []).flatMap((path) => manifestsOf(this.read(path), path))
  }

  /** Of -f; the namespace of an object wins, as kubectl demands that the two be the same. */
  ofManifest({ place, name, namespace }: Manifest): Target {
    if (!place.known)
      this.made.note(`that ${place.resource}.${place.group} is the plural, and lies in a namespace, is a guess`)
    return this.target(place, name, namespace === '' ? this.namespace : namespace)
  }

  #pair(word: string): Target {
    const [type = '', name = '', ...more] = word.split('/')
    if (name === '' || more.length > 0) throw wrong(`"${word}" is not TYPE/NAME`)
    return this.target(this.#place(type), name)
  }

  #place(word: string): KindPlace {
    const place = placeOfWord(word)
    if (place === undefined) throw wrong(`"${word}" is not a type that Kubernetes serves itself: write RESOURCE.GROUP`)
    if (!place.known) this.made.note(`that ${word} lies in a namespace is a guess: without a cluster nothing says so`)
    return place
  }
}

const COMMANDS: ReadonlyMap<string, (build: Build) => void> = new Map([
  ['get', get],
  ['list', (build: Build) => read(build, false)],
  ['watch', (build: Build) => read(build, true)],
  ['delete', remove],
  ['create', create],
  ['apply', apply],
  ['replace', replace],
  ['patch', patch],
  ['exec', exec],
  ['attach', (build: Build) => stream(build, 'attach', sessionOf(build))],
  ['port-forward', (build: Build) => stream(build, 'portforward', {})],
  ['logs', logs],
  ['cp', copy],
])

function get(build: Build): void {
  const raw = build.value('raw')
  if (raw !== undefined) build.made.add('GET', raw)
  else read(build, build.has('watch') || build.has('watch-only'), build.has('watch-only'))
}

/** `watch` as a command of its own asks for nothing but the watch. */
function read(build: Build, isWatch: boolean, isWatchOnly = build.words.rest[0] === 'watch'): void {
  const selectors = selectorsOf(build)
  for (const target of build.targets()) {
    const part = build.value('subresource') ?? ''
    if (!isWatch || !isWatchOnly) build.made.on('GET', target, { part, query: target.name === '' ? selectors : {} })
    if (!isWatch) continue
    const named = target.name === '' ? selectors : { fieldSelector: `metadata.name=${target.name}` }
    build.made.on('GET', { ...target, name: '' }, { query: { ...named, watch: 'true' } })
  }
}

function selectorsOf(build: Build): Record<string, string> {
  const labelSelector = build.value('selector')
  const fieldSelector = build.value('field-selector')
  return {
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
  }
}

function remove(build: Build): void {
  const raw = build.value('raw')
  if (raw !== undefined) build.made.add('DELETE', raw)
  for (const manifest of build.manifests()) build.made.write('DELETE', build.ofManifest(manifest))
  const targets = build.targets()
  const query = selectorsOf(build)
  for (const target of targets) {
    if (target.name !== '') {
      build.made.write('DELETE', target, { part: build.value('subresource') ?? '' })
      continue
    }
    if (Object.keys(query).length === 0 && !build.has('all')) throw wrong('name what to delete, or give -l or --all')
    build.made.on('GET', target, { query, what: 'to find them' })
    build.made.write('DELETE', target, { query })
    build.made.note('kubectl deletes what it finds one by one; without their names it is judged as a deletecollection')
  }
}

function create(build: Build): void {
  for (const manifest of build.manifests()) build.made.create(build.ofManifest(manifest), manifest.object)
  const [, type, name, ...more] = build.words.rest
  if (type === 'token' && name !== undefined) {
    const account = build.target(placeOfWord('serviceaccounts') as KindPlace, name)
    build.made.write('POST', account, { part: 'token', object: { kind: 'TokenRequest', spec: {} } })
  } else if (type !== undefined) {
    if (more.length > 0) throw wrong(`there is something behind the name: "${more[0]}"`)
    for (const target of build.targets()) build.made.create(target, bare(build, target))
  }
}

/** What is known of an object that is only named. */
function bare(build: Build, { name }: Target): object {
  build.made.note('of the object only its name is known, so conditions on it are not what they would be: give -f FILE')
  return { metadata: name === '' ? {} : { name } }
}

function apply(build: Build): void {
  const manifests = build.manifests()
  for (const manifest of manifests) applyOne(build, build.ofManifest(manifest), manifest.object)
  if (manifests.length > 0) return
  for (const target of build.targets()) {
    if (target.name === '') throw wrong('name what to apply, or give -f FILE')
    applyOne(build, target, bare(build, target))
  }
}

function applyOne(build: Build, target: Target, object: object): void {
  if (build.has('server-side')) {
    build.made.patch(target, object, 'apply')
    return
  }
  build.made.on('GET', target)
  build.made.create(target, object, 'if it is not there')
  // Only a cluster knows what differs, so the patch is taken to be the whole.
  build.made.patch(target, object, target.place.known ? 'strategic' : 'merge', 'if it is there')
}

function replace(build: Build): void {
  for (const manifest of build.manifests()) {
    build.made.write('PUT', build.ofManifest(manifest), {
      part: build.value('subresource') ?? '',
      object: manifest.object,
    })
  }
}

function patch(build: Build): void {
  const text = build.value('patch')
  if (text === undefined) throw wrong('patch needs -p PATCH')
  const type = build.value('type') ?? 'strategic'
  if (type !== 'strategic' && type !== 'merge' && type !== 'json') throw wrong('--type is strategic, merge or json')
  for (const target of build.targets()) {
    if (target.name === '') throw wrong('name what to patch')
    build.made.patch(target, text, type, '', build.value('subresource') ?? '')
  }
}

type Session = Readonly<Record<string, string | readonly string[]>>

function sessionOf(build: Build): Session {
  const container = build.value('container')
  const tty = build.has('tty')
  return {
    ...(container !== undefined && { container }),
    ...(build.has('stdin') && { stdin: 'true' }),
    stdout: 'true',
    ...(tty ? { tty: 'true' } : { stderr: 'true' }),
  }
}

function exec(build: Build): void {
  const { behind, rest } = build.words
  if (behind === undefined || behind.length === 0) throw wrong('name the command to run behind "--"')
  if (rest.length > 2) throw wrong(`there is something behind the pod: "${rest[2]}"`)
  stream(build, 'exec', { command: behind, ...sessionOf(build) })
}

/** kubectl looks at the pod first, then upgrades a GET to WebSocket. */
function stream(build: Build, part: string, query: Session): void {
  const pod = build.pod(build.words.rest[1])
  build.made.on('GET', pod)
  build.made.upgrade(pod, part, query)
}

function logs(build: Build): void {
  const pod = build.pod(build.words.rest[1])
  build.made.on('GET', pod)
  const container = build.value('container')
  const follow = build.has('follow') ? { follow: 'true' } : {}
  const previous = build.has('previous') ? { previous: 'true' } : {}
  build.made.on('GET', pod, {
    part: 'log',
    query: { ...(container !== undefined && { container }), ...follow, ...previous },
  })
}

/** tar in the pod (kubectl pkg/cmd/cp/cp.go). */
function copy(build: Build): void {
  const [, from = '', to = ''] = build.words.rest
  const source = remote(build, from)
  const sink = remote(build, to)
  if ((source === undefined) === (sink === undefined))
    throw wrong('one side is POD:PATH or NAMESPACE/POD:PATH, the other a local path')
  const { container } = sessionOf(build)
  const inside = container === undefined ? {} : { container }
  const out = { ...inside, stdout: 'true', stderr: 'true' }
  if (source !== undefined) {
    build.made.on('GET', source.pod)
    build.made.upgrade(source.pod, 'exec', { command: ['tar', 'cf', '-', source.path], ...out })
    return
  }
  const { pod, path } = sink as NonNullable<typeof sink>
  build.made.on('GET', pod)
  build.made.upgrade(pod, 'exec', { command: ['test', '-d', path], ...out })
  const directory = path.slice(0, Math.max(0, path.lastIndexOf('/')))
  const owner = build.has('no-preserve') ? ['--no-same-permissions', '--no-same-owner'] : []
  const command = ['tar', ...owner, '-xmf', '-', ...(directory === '' ? [] : ['-C', directory])]
  build.made.upgrade(pod, 'exec', { command, stdin: 'true', ...out })
}

function remote(build: Build, word: string): { pod: Target; path: string } | undefined {
  const found = /^(?:([^/:]+)\/)?([^/:]+):(.+)$/.exec(word)
  if (found === null) return undefined
  const pod = build.target(placeOfWord('pods') as KindPlace, found[2] as string, found[1] ?? build.namespace)
  return { pod, path: found[3] as string }
}

function wrong(message: string): CommandFailed {
  return new CommandFailed(message, EXIT.USAGE)
}
