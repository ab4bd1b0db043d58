// Turns a method and a target into what they ask of Kubernetes, by the API server's own rule (apiserver
// pkg/endpoints/request/requestinfo.go). Refuses every target that the API server, or a server behind it, could read
// in another way; so a request means here what it means there, or it goes nowhere.

import { limits } from '../protocols/limits.ts'
import { type Refusal, refuse } from './decision.ts'
import type { RequestAttributes } from './request-attributes.ts'
import { type RequestPath, requestPath } from './request-path.ts'
import { all, boolean, listOptions, type QueryPairs, queryPairs, single } from './request-query.ts'

/** Kubernetes' verb for a method on a resource. OPTIONS has none: only proxied servers answer it. */
const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  OPTIONS: '',
}

/** Subresources that carry streams or other people's HTTP: their name is the verb, whatever the method. */
const STREAMS = new Set(['exec', 'attach', 'portforward', 'proxy'])

/** Subresources without the 60 s limit (kubernetes pkg/controlplane/apiserver/config.go, LongRunningFunc). */
const LONG_RUNNING = new Set(['attach', 'exec', 'proxy', 'log', 'portforward'])

/** The third segment of a namespace's own path, as against a resource in it. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize'])

const NOTHING: readonly string[] = []

/**
 * `target` is in origin-form, as received; `upgrade` the lower-cased Upgrade field where the request asks for one. A
 * refusal is 400 with rule "path.*" or "query.*", or 405 with rule "method.*".
 */
export function requestInfo(method: string, target: string, upgrade: string | undefined): RequestAttributes | Refusal {
  const kubeVerb = Object.hasOwn(VERBS, method) ? VERBS[method] : undefined
  if (kubeVerb === undefined) return notAllowed('method.unknown', 'a method that Kubernetes does not serve')
  if (upgrade !== undefined && method !== 'GET' && method !== 'POST') {
    return notAllowed('method.upgrade', 'an upgrade is asked for by GET (WebSocket) or POST (SPDY)')
  }
  const mark = target.indexOf('?')
  const path = requestPath(mark === -1 ? target : target.slice(0, mark))
  if ('status' in path) return path
  const query = mark === -1 ? '' : target.slice(mark + 1)
  const pairs = queryPairs(query)
  if ('status' in pairs) return pairs

  const { segments } = path
  const first = segments[0]
  const isApi = first === 'api' && segments.length >= 3
  const isApis = first === 'apis' && segments.length >= 3
  if (!isApi && !(isApis && segments.length >= 4)) return nonResource(method, path, query, isApis ? 'apis' : '')
  return resource(method, kubeVerb, path, query, pairs, isApi)
}

function nonResource(method: string, path: RequestPath, query: string, apiPrefix: string): RequestAttributes {
  const verb = method.toLowerCase()
  return {
    isResource: false,
    verb,
    kubeVerb: verb,
    apiPrefix,
    apiGroup: '',
    apiVersion: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    parts: NOTHING,
    path: path.decoded,
    query,
    target: targetOf(path, query),
    command: NOTHING,
    container: '',
    stdin: false,
    stdout: false,
    stderr: false,
    tty: false,
    longRunning: path.decoded.startsWith('/debug/pprof/'),
  }
}

function resource(
  method: string,
  methodVerb: string,
  path: RequestPath,
  query: string,
  pairs: QueryPairs,
  isApi: boolean,
): RequestAttributes | Refusal {
  const { segments } = path
  let at = isApi ? 1 : 2
  const apiVersion = segments[at] as string
  at += 1

  let kubeVerb = methodVerb
  const prefix = segments[at]
  if (prefix === 'watch' || prefix === 'proxy') {
    at += 1
    if (at === segments.length) return wrong('path.incomplete', `the path ends after "${prefix}"`)
    if (prefix === 'watch' && method !== 'GET') return notAllowed('method.watch', 'a /watch/ path takes only GET')
    kubeVerb = prefix
  }

  let namespace = ''
  if (segments[at] === 'namespaces' && at + 1 < segments.length) {
    namespace = segments[at + 1] as string
    if (at + 2 < segments.length && !NAMESPACE_SUBRESOURCES.has(segments[at + 2] as string)) at += 2
  }
  const resource = segments[at] as string
  const subresource = kubeVerb === 'proxy' ? '' : (segments[at + 2] ?? '')
  let name = segments[at + 1] ?? ''

  if (name === '' && kubeVerb === 'get') {
    const options = listOptions(pairs)
    if ('status' in options) return options
    kubeVerb = options.watch ? 'watch' : 'list'
    name = options.name
  } else if (name === '' && kubeVerb === 'delete') kubeVerb = 'deletecollection'

  const verb = STREAMS.has(subresource) ? subresource : kubeVerb
  if (kubeVerb === '' && verb !== 'proxy')
    return notAllowed('method.options', 'OPTIONS is answered only by proxied servers')
  const session = verb === 'exec' || verb === 'attach' ? sessionOptions(pairs, verb) : NO_SESSION
  if ('status' in session) return session
  return {
    isResource: true,
    verb,
    kubeVerb,
    apiPrefix: isApi ? 'api' : 'apis',
    apiGroup: isApi ? '' : (segments[1] as string),
    apiVersion,
    namespace,
    resource,
    subresource,
    name,
    parts: segments.slice(at + 1),
    path: path.decoded,
    query,
    target: targetOf(path, query),
    command: session.command,
    container: session.container,
    stdin: session.stdin,
    stdout: session.stdout,
    stderr: session.stderr,
    tty: session.tty,
    longRunning: kubeVerb === 'watch' || kubeVerb === 'proxy' || LONG_RUNNING.has(subresource),
  }
}

type Session = Pick<RequestAttributes, 'command' | 'container' | 'stdin' | 'stdout' | 'stderr' | 'tty'>

const NO_SESSION: Session = {
  command: NOTHING,
  container: '',
  stdin: false,
  stdout: false,
  stderr: false,
  tty: false,
}

/** PodExecOptions and PodAttachOptions, as the API server reads them from the query. */
function sessionOptions(pairs: QueryPairs, verb: string): Session | Refusal {
  const command = verb === 'exec' ? all(pairs, 'command') : NOTHING
  if (command.length > limits.kubernetes.commandWords) {
    return wrong('query.command_words', `a command may have ${limits.kubernetes.commandWords} words`)
  }
  const container = single(pairs, 'container')
  if (typeof container === 'object') return container
  const stdin = boolean(pairs, 'stdin')
  if (typeof stdin === 'object') return stdin
  const stdout = boolean(pairs, 'stdout')
  if (typeof stdout === 'object') return stdout
  const stderr = boolean(pairs, 'stderr')
  if (typeof stderr === 'object') return stderr
  const tty = boolean(pairs, 'tty')
  if (typeof tty === 'object') return tty
  return { command, container: container ?? '', stdin, stdout, stderr, tty }
}

function targetOf(path: RequestPath, query: string): string {
  return query === '' ? path.encoded : `${path.encoded}?${query}`
}

function notAllowed(rule: string, message: string): Refusal {
  return refuse(405, 'MethodNotAllowed', rule, message)
}

function wrong(rule: string, message: string): Refusal {
  return refuse(400, 'BadRequest', rule, message)
}
