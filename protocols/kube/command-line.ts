// A recorded request -> the kubectl command line that would send it, shell-quoted, for people to read ("get pods -n prod").
// It describes what the wire says: a client's claims about itself only choose between names for the same verb.

import { field } from '../fields.ts'
import { shellWord } from '../shell-word.ts'
import type { AttributesBody, RequestBody } from '../tape/entry.ts'

/**
 * The command line without the word "kubectl". Quoted for a shell and free of characters a terminal would act upon.
 * `ports`: those that a port-forward turned out to use.
 */
export function commandLine(request: RequestBody, ports: Iterable<number> = []): string {
  const attributes = request.attributes
  const query = queryOf(request.target)
  if (attributes === null) return words(request.method, request.target)
  if (attributes.resource === '' || attributes.verb === 'proxy') return raw(request)
  if (attributes.verb === 'portforward') return words(...portForward(attributes, query, ports))
  const line = STREAMS.get(attributes.verb)?.(request, attributes, query) ?? plain(request, attributes, query)
  return words(...line)
}

/** True if the request asked for a terminal (`tty=true` of an exec or attach). */
export function wantsTerminal(request: RequestBody): boolean {
  return truthy(queryOf(request.target).get('tty'))
}

type Line = readonly string[]
type Build = (request: RequestBody, attributes: AttributesBody, query: URLSearchParams) => Line

const STREAMS: ReadonlyMap<string, Build> = new Map<string, Build>([
  ['exec', exec],
  ['attach', (_request, at, query) => ['attach', ...terminalFlags(query), at.name, ...scope(at), ...container(query)]],
])

function exec(request: RequestBody, at: AttributesBody, query: URLSearchParams): Line {
  const copy = copied(request.command, at)
  if (copy !== undefined) return ['cp', ...copy, ...container(query)]
  return ['exec', ...terminalFlags(query), at.name, ...scope(at), ...container(query), '--', ...request.command]
}

/**
 * The arguments of `kubectl cp`, which is an exec of tar (kubectl pkg/cmd/cp/cp.go), or undefined. The local side is
 * not on the wire, so it reads LOCAL.
 */
function copied(argv: readonly string[], at: AttributesBody): Line | undefined {
  if (argv[0] !== 'tar') return undefined
  const pod = at.namespace === '' || at.namespace === 'default' ? at.name : `${at.namespace}/${at.name}`
  const from = argv[3]
  if (argv.length === 4 && argv[1] === 'cf' && argv[2] === '-' && from !== undefined) return [`${pod}:${from}`, 'LOCAL']
  const rest = argv.slice(1).filter((word) => word !== '--no-same-permissions' && word !== '--no-same-owner')
  if (rest[0] !== '-xmf' || rest[1] !== '-') return undefined
  if (rest.length === 2) return ['LOCAL', `${pod}:.`]
  const directory = rest[3]
  return rest.length === 4 && rest[2] === '-C' && directory !== undefined ? ['LOCAL', `${pod}:${directory}`] : undefined
}

function plain(request: RequestBody, at: AttributesBody, query: URLSearchParams): Line {
  if (at.subresource === 'log' && at.verb === 'get') return logs(at, query)
  if (at.verb === 'create') {
    if (at.resource === 'serviceaccounts' && at.subresource === 'token')
      return ['create', 'token', at.name, ...scope(at)]
    if (at.resource === 'selfsubjectaccessreviews') return ['auth', 'can-i']
    if (at.resource === 'selfsubjectreviews') return ['auth', 'whoami']
  }
  const many = at.name === ''
  const target = many && at.verb !== 'create' ? [plural(at)] : many ? [singular(at)] : [singular(at), at.name]
  const part = at.subresource === '' ? [] : [`--subresource=${at.subresource}`]
  return [...command(request, at, query), ...target, ...scope(at), ...part, ...selectors(at, query), ...dryRun(query)]
}

function logs(at: AttributesBody, query: URLSearchParams): Line {
  const line = ['logs']
  if (truthy(query.get('follow'))) line.push('-f')
  if (truthy(query.get('previous'))) line.push('-p')
  line.push(at.name, ...scope(at), ...container(query))
  if (truthy(query.get('timestamps'))) line.push('--timestamps')
  for (const [parameter, flag, unit] of LOG_OPTIONS) {
    const value = query.get(parameter)
    if (value !== null && value !== '') line.push(`--${flag}=${value}${unit}`)
  }
  return line
}

/** `PodLogOptions` (kubernetes core/v1/types.go) and kubectl's flags for them. */
const LOG_OPTIONS: readonly (readonly [parameter: string, flag: string, unit: string])[] = [
  ['tailLines', 'tail', ''],
  ['sinceSeconds', 'since', 's'],
  ['sinceTime', 'since-time', ''],
  ['limitBytes', 'limit-bytes', ''],
]

const APPLY_TYPE = /^application\/apply-patch\+(yaml|cbor)\b/

/** kubectl's subcommand. kubectl names it in `fieldManager`; that is believed only among commands of the same verb. */
function command(request: RequestBody, at: AttributesBody, query: URLSearchParams): Line {
  const manager = query.get('fieldManager') ?? ''
  switch (at.verb) {
    case 'list':
      return ['get']
    case 'watch':
      return ['get', '-w']
    case 'deletecollection':
      return ['delete', '--all']
    case 'create':
      return [CREATORS.get(manager) ?? 'create']
    case 'update':
      return [at.subresource === 'scale' ? 'scale' : 'replace']
    case 'patch':
      if (APPLY_TYPE.test(field(request.fields, 'content-type') ?? '')) return ['apply', '--server-side']
      return [PATCHERS.get(manager) ?? 'patch']
    default:
      return [at.verb]
  }
}

const CREATORS: ReadonlyMap<string, string> = new Map([
  ['kubectl-client-side-apply', 'apply'],
  ['kubectl-run', 'run'],
  ['kubectl-expose', 'expose'],
  ['kubectl-autoscale', 'autoscale'],
])

const PATCHERS: ReadonlyMap<string, string> = new Map([
  ['kubectl-client-side-apply', 'apply'],
  ['kubectl-edit', 'edit'],
  ['kubectl-label', 'label'],
  ['kubectl-annotate', 'annotate'],
  ['kubectl-scale', 'scale'],
  ['kubectl-set', 'set'],
  ['kubectl-rollout', 'rollout'],
  ['kubectl-taint', 'taint'],
])

const RAW_COMMANDS: ReadonlyMap<string, string> = new Map([
  ['GET', 'get'],
  ['POST', 'create'],
  ['PUT', 'replace'],
  ['DELETE', 'delete'],
])

function raw(request: RequestBody): string {
  const name = RAW_COMMANDS.get(request.method)
  return name === undefined ? words(request.method, request.target) : words(name, '--raw', request.target)
}

/** `-n NAMESPACE`, left out for "default"; `-A` where a namespaced kind is read in all of them. */
function scope(at: AttributesBody): Line {
  if (at.namespace !== '' && at.namespace !== 'default' && at.resource !== 'namespaces') return ['-n', at.namespace]
  const everywhere = at.namespace === '' && at.name === '' && NAMESPACED.has(at.resource) && isBuiltIn(at.apiGroup)
  return everywhere ? ['-A'] : []
}

function container(query: URLSearchParams): Line {
  const name = query.get('container') ?? ''
  return name === '' ? [] : ['-c', name]
}

function terminalFlags(query: URLSearchParams): Line {
  const flags = `${truthy(query.get('stdin')) ? 'i' : ''}${truthy(query.get('tty')) ? 't' : ''}`
  return flags === '' ? [] : [`-${flags}`]
}

/** The ports are in the query only in the legacy WebSocket form; otherwise they come with the connections. */
function portForward(at: AttributesBody, query: URLSearchParams, used: Iterable<number>): Line {
  const asked = query.getAll('ports').flatMap((value) => value.split(','))
  const ports = asked.length > 0 ? asked : Array.from(used, String)
  return ['port-forward', `pod/${at.name}`, ...ports, ...scope(at)]
}

function selectors(at: AttributesBody, query: URLSearchParams): Line {
  const line: string[] = []
  const labels = query.get('labelSelector') ?? ''
  if (labels !== '') line.push('-l', labels)
  const fields = query.get('fieldSelector') ?? ''
  // A watch or list of one object carries its name as a field selector; RequestInfo has put it into `name`.
  if (fields !== '' && fields !== `metadata.name=${at.name}`) line.push(`--field-selector=${fields}`)
  return line
}

function dryRun(query: URLSearchParams): Line {
  return query.getAll('dryRun').includes('All') ? ['--dry-run=server'] : []
}

function plural(at: AttributesBody): string {
  return isBuiltIn(at.apiGroup) ? at.resource : `${at.resource}.${at.apiGroup}`
}

/** The singular of a built-in resource; a custom one keeps its plural and group, which kubectl takes as well. */
function singular(at: AttributesBody): string {
  if (!isBuiltIn(at.apiGroup)) return plural(at)
  if (at.resource === 'endpoints') return at.resource
  if (at.resource.endsWith('ies')) return `${at.resource.slice(0, -3)}y`
  if (/(ss|x|ch)es$/.test(at.resource)) return at.resource.slice(0, -2)
  return at.resource.endsWith('s') ? at.resource.slice(0, -1) : at.resource
}

/** Groups of the API server itself: the legacy core, those without a dot, and *.k8s.io. */
function isBuiltIn(group: string): boolean {
  return BARE_GROUPS.has(group) || (group.endsWith('.k8s.io') && group !== 'metrics.k8s.io')
}

const BARE_GROUPS: ReadonlySet<string> = new Set(['', 'apps', 'autoscaling', 'batch', 'extensions', 'policy'])

const NAMESPACED: ReadonlySet<string> = new Set([
  ...['configmaps', 'controllerrevisions', 'cronjobs', 'daemonsets', 'deployments', 'endpoints', 'endpointslices'],
  ...['events', 'horizontalpodautoscalers', 'ingresses', 'jobs', 'leases', 'limitranges', 'networkpolicies'],
  ...['persistentvolumeclaims', 'poddisruptionbudgets', 'pods', 'podtemplates', 'replicasets'],
  ...['replicationcontrollers', 'resourcequotas', 'rolebindings', 'roles', 'secrets', 'serviceaccounts', 'services'],
  ...['statefulsets'],
])

function queryOf(target: string): URLSearchParams {
  const at = target.indexOf('?')
  return new URLSearchParams(at === -1 ? '' : target.slice(at + 1))
}

/** Kubernetes reads a boolean parameter as false only if it is absent, "", "0" or "false" (conversion of url.Values). */
function truthy(value: string | null): boolean {
  return value !== null && value !== '' && value !== '0' && value.toLowerCase() !== 'false'
}

function words(...line: readonly string[]): string {
  return line.map(shellWord).join(' ')
}
