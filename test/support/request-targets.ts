// Request lines of Kubernetes' API, mostly right and often almost right: encoded separators, dot segments, repeated and
// misspelt parameters, verbs by path. For comparing readers of one request line.

import fc from 'fast-check'

export interface RequestLine {
  readonly method: string
  readonly target: string
}

const METHODS = ['GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'DELETE', 'OPTIONS']
const NAMES = [
  'p',
  'db',
  'web-0',
  'https:web:443',
  'system:node',
  'watch',
  'proxy',
  'namespaces',
  'status',
  'a+b',
  '~x',
  'api',
]
const RESOURCES = [
  'pods',
  'secrets',
  'namespaces',
  'nodes',
  'services',
  'deployments',
  'events',
  'watch',
  'proxy',
  'status',
]
const SUBRESOURCES = [
  'exec',
  'attach',
  'portforward',
  'proxy',
  'log',
  'status',
  'finalize',
  'scale',
  'eviction',
  'token',
]
const TAILS = ['', 'x', 'exec/prod/p/c', 'api/v1/query', 'index.html', 'watch/pods']
const TRICKS = [
  '%2f',
  '%2F',
  '%5c',
  '%00',
  '%25',
  '%252f',
  '%2e',
  '%2E%2e',
  '.',
  '..',
  '...',
  '.x',
  '',
  '\\',
  '%',
  '%g1',
  '%2',
  'pods%2fexec',
  'p%2Fexec',
  '%70ods',
  '%73ecrets',
  'n%61mespaces',
  'w%61tch',
  '%C3%A9',
  '%ff',
  '%C0%AF',
  '%ED%A0%80',
  '%F0%9F%92%A5',
  'x%20y',
  'x%3Fy',
  'x%23y',
  'x%3By',
  'x;y',
  '..;',
  '%0a',
  '%7f',
  '%C2%85',
  "!$&'()*+,=:@",
  '%21%27',
  '%2B',
  '*',
  '#x',
  'é',
  '%E2%80%A8',
  '%3A',
  '[x]',
  'p|q',
  '%u0041',
]
const VALUES = [
  '',
  '0',
  '1',
  'true',
  'TRUE',
  'false',
  'False',
  'FALSE',
  'fal%C5%BFe',
  'yes',
  'no',
  'null',
  '5',
  '+5',
  '-5',
  '5x',
  '0x5',
  '500',
  '99999999999999999999',
  '1e3',
  'metadata.name=db',
  'metadata.name%3Ddb',
  'metadata.name%3d%3Ddb',
  'metadata.name!=db',
  'metadata.name%3D',
  'metadata.name=a,metadata.name=b',
  'metadata.name=db,metadata.namespace=prod',
  'spec.nodeName%3Dn,metadata.name%3Ddb',
  'metadata.name=a%5C,b',
  'metadata.name=a%5C',
  'metadata.name=a=b',
  ',metadata.name=x,',
  'metadata.name=..',
  'metadata.name=a/b',
  'metadata.name=a%25b',
  'metadata.name',
  '=db',
  '=',
  'metadata.name%20=db',
  'a%5C,metadata.name=db',
  'app=web',
  'app==web,tier!=db',
  '!app',
  'app',
  'app+in+(a,b)',
  'in=x',
  'a=notin',
  'a,,b',
  '=x',
  'app=%21',
  'x.y/z=a',
  '%00',
  '%',
  '%zz',
  '%ff',
  'a;b',
  'a%3Bb',
  '%2Fbin%2Fsh',
  '-c',
  'echo+hi',
  'a%20b',
  'a"b',
  '%0A',
  '%26',
  '%3D',
]
const PARAMETERS = [
  'watch',
  'watch',
  'fieldSelector',
  'fieldSelector',
  'labelSelector',
  'limit',
  'timeoutSeconds',
  'command',
  'command',
  'container',
  'stdin',
  'stdout',
  'stderr',
  'tty',
  'pretty',
  'w%61tch',
  'Watch',
  'field%53elector',
  'resourceVersion',
  'allowWatchBookmarks',
  'dryRun',
  '',
  '%74ty',
]

const name = fc.constantFrom(...NAMES)
const resource = fc.constantFrom(...RESOURCES)
const subresource = fc.constantFrom(...SUBRESOURCES)
const root = fc.constantFrom(
  'api/v1',
  'api/v1',
  'apis/apps/v1',
  'apis/x.example.com/v1beta1',
  'api',
  'apis',
  'apis/apps',
  'apix/v1',
)
const verbPrefix = fc.constantFrom('', '', '', '', 'watch/', 'proxy/')
const scope = fc.constantFrom('', 'namespaces/prod/', 'namespaces/prod/', 'namespaces/status/', 'namespaces/')
const item = fc.oneof(
  resource,
  fc.tuple(resource, name).map((parts) => parts.join('/')),
  fc.tuple(resource, name, subresource).map((parts) => parts.join('/')),
  fc.tuple(resource, name, subresource, fc.constantFrom(...TAILS)).map((parts) => parts.join('/')),
)
const plain = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(root, verbPrefix, scope, item).map(([a, b, c, d]) => `/${a}/${b}${c}${d}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '/',
      '/healthz',
      '/version/',
      '/debug/pprof/heap',
      '/openapi/v3',
      '/api/',
      '//',
      '',
      'api/v1/pods',
      'https://evil/api/v1/pods',
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.constantFrom(...RESOURCES, ...NAMES, 'api', 'apis', 'v1'), { maxLength: 7 })
      .map((parts) => `/${parts.join('/')}`),
  },
)

/** Puts a trick in place of a segment, or behind or before part of it. */
const tricked = fc
  .tuple(plain, fc.nat(), fc.constantFrom(...TRICKS), fc.constantFrom('whole', 'after', 'before'))
  .map(([path, at, trick, how]) => {
    const segments = path.split('/')
    const where = 1 + (at % Math.max(1, segments.length - 1))
    const old = segments[where] ?? ''
    segments[where] = how === 'whole' ? trick : how === 'after' ? old + trick : trick + old
    return segments.join('/')
  })

const pair = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(...PARAMETERS), fc.constantFrom(...VALUES))
      .map(([key, value]) => `${key}=${value}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('watch', '', '=', 'tty', '&', 'watch&watch', 'a=b=c', '?', 'command=a;b') },
)
const query = fc.oneof(
  { weight: 2, arbitrary: fc.constant('') },
  { weight: 3, arbitrary: fc.array(pair, { minLength: 1, maxLength: 4 }).map((pairs) => `?${pairs.join('&')}`) },
)

export const requestLine: fc.Arbitrary<RequestLine> = fc.record({
  method: fc.constantFrom(...METHODS),
  target: fc
    .tuple(
      fc.oneof({ weight: 3, arbitrary: plain }, { weight: 2, arbitrary: tricked }),
      fc.constantFrom('', '', '', '', '/'),
      query,
    )
    .map(([path, slash, rest]) => path + slash + rest),
})
