// What the demo's cluster says about itself: versions, API groups and resources in the two forms that kubectl asks for,
// and as much of OpenAPI v3 as kubectl needs to apply, diff and explain. All of it follows from the table of resources.

import { groups, groupVersion, RESOURCES, type Resource } from './resources.ts'

/** The Kubernetes version that the demo's cluster says it speaks. */
const VERSION = { major: '1', minor: '37', gitVersion: 'v1.37.0-sallyport-demo' } as const

/** The answer to a discovery path, or undefined if it is none. `aggregated`: the client takes apidiscovery.k8s.io/v2. */
export function discovery(path: string, aggregated: boolean): unknown {
  if (path === '/api') return aggregated ? aggregate(['']) : { kind: 'APIVersions', versions: ['v1'] }
  if (path === '/apis') return aggregated ? aggregate(namedGroups()) : groupList()
  if (path === '/version')
    return { ...VERSION, gitCommit: '', gitTreeState: '', buildDate: '', goVersion: '', compiler: '', platform: '' }
  if (path === '/openapi/v3') return openApiIndex()
  const openApi = /^\/openapi\/v3\/(api\/v1|apis\/[^/]+\/v1)$/.exec(path)
  if (openApi !== null) return openApiOf((openApi[1] as string).replace(/^apis?\//, ''))
  const resources = /^\/(api|apis)\/(.+)$/.exec(path)
  return resources === null ? undefined : (resourceList(resources[2] as string) ?? group(resources[2] as string))
}

/** The media type of the aggregated form, which a client must see to take it. */
export const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

function namedGroups(): string[] {
  return groups().filter((name) => name !== '')
}

function of(version: string): Resource[] {
  return RESOURCES.filter((resource) => groupVersion(resource) === version)
}

function group(name: string): unknown {
  if (!namedGroups().includes(name)) return undefined
  const version = { groupVersion: `${name}/v1`, version: 'v1' }
  return { kind: 'APIGroup', apiVersion: 'v1', name, versions: [version], preferredVersion: version }
}

function groupList(): unknown {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: namedGroups().map(group) }
}

function resourceList(version: string): unknown {
  const resources = of(version)
  if (resources.length === 0) return undefined
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: version,
    resources: resources.flatMap(({ plural, singular, shortNames, namespaced, kind, verbs, inAll, subresources }) => [
      {
        name: plural,
        singularName: singular,
        namespaced,
        kind,
        verbs,
        shortNames,
        ...(inAll ? { categories: ['all'] } : {}),
      },
      ...subresources.map((sub) => ({
        name: `${plural}/${sub.name}`,
        singularName: '',
        namespaced,
        kind: sub.kind,
        verbs: sub.verbs,
      })),
    ]),
  }
}

function aggregate(names: readonly string[]): unknown {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: names.map((name) => ({
      metadata: { name, creationTimestamp: null },
      versions: [
        {
          version: 'v1',
          freshness: 'Current',
          resources: RESOURCES.filter((one) => one.group === name).map(aggregatedResource),
        },
      ],
    })),
  }
}

function aggregatedResource(resource: Resource): unknown {
  const scope = resource.namespaced ? 'Namespaced' : 'Cluster'
  return {
    resource: resource.plural,
    responseKind: { group: resource.group, version: resource.version, kind: resource.kind },
    scope,
    singularResource: resource.singular,
    verbs: resource.verbs,
    shortNames: resource.shortNames,
    ...(resource.inAll ? { categories: ['all'] } : {}),
    subresources: resource.subresources.map(({ name, kind, verbs }) => ({
      subresource: name,
      responseKind: { group: kind === 'Scale' ? 'autoscaling' : '', version: 'v1', kind },
      verbs,
    })),
  }
}

function openApiIndex(): unknown {
  const versions = new Set(
    RESOURCES.map((resource) => `${resource.group === '' ? 'api' : 'apis'}/${groupVersion(resource)}`),
  )
  return {
    paths: Object.fromEntries([...versions].map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}` }])),
  }
}

/** kubectl looks for the `fieldValidation` parameter of PATCH, and then leaves validation to the server. */
function openApiOf(version: string): unknown {
  const resources = of(version)
  if (resources.length === 0) return undefined
  const paths: Record<string, unknown> = {}
  const schemas: Record<string, unknown> = {}
  for (const resource of resources) {
    const gvk = { group: resource.group, version: resource.version, kind: resource.kind }
    const name = `io.k8s.demo.${resource.kind}`
    const schema = { $ref: `#/components/schemas/${name}` }
    const content = { 'application/json': { schema } }
    const base = `/${resource.group === '' ? 'api' : 'apis'}/${version}${resource.namespaced ? '/namespaces/{namespace}' : ''}/${resource.plural}`
    const operation = {
      parameters: ['dryRun', 'fieldManager', 'fieldValidation'].map((parameter) => ({
        name: parameter,
        in: 'query',
        schema: { type: 'string' },
      })),
      responses: { 200: { description: 'OK', content } },
      'x-kubernetes-group-version-kind': gvk,
    }
    paths[base] = { post: operation }
    if (resource.verbs.includes('patch')) paths[`${base}/{name}`] = { get: operation, put: operation, patch: operation }
    schemas[name] = {
      type: 'object',
      description: `${resource.kind}, as the Sallyport demo keeps it: any JSON.`,
      properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } },
      'x-kubernetes-preserve-unknown-fields': true,
      'x-kubernetes-group-version-kind': [gvk],
    }
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Sallyport demo', version: VERSION.gitVersion },
    paths,
    components: { schemas },
  }
}
