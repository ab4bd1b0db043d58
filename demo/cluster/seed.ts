// What the demo's cluster holds at first: two namespaces, a shell to exec into, a container to attach to, a web server to
// forward ports to, and things in `prod` that an agent had better leave alone. The Secrets' values are made up.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { NODE_NAME } from './pods.ts'
import { RESOURCES, type Resource } from './resources.ts'
import type { ObjectStore } from './store.ts'
import { PORTS_ANNOTATION } from './streams.ts'

const TICKS = ['sh', '-c', 'i=0; while :; do echo "$0 $i"; i=$((i+1)); sleep 0.5; done']

/** Fills the store and starts the web pod's server. Returns what ends that. */
export async function seed(store: ObjectStore): Promise<() => void> {
  const web = await startWeb()
  const port = (web.address() as AddressInfo).port
  const make = (
    plural: string,
    namespace: string,
    name: string,
    rest: Record<string, unknown>,
    labels: Record<string, string> = {},
    annotations: Record<string, string> = {},
  ): void => {
    const resource = RESOURCES.find((one) => one.plural === plural) as Resource
    store.create(resource, namespace, { metadata: { name, labels, annotations }, ...rest })
  }
  for (const namespace of ['default', 'prod']) {
    make('namespaces', '', namespace, { status: { phase: 'Active' } })
    make('serviceaccounts', namespace, 'default', {})
    make('secrets', namespace, 'db', {
      type: 'Opaque',
      data: secret({ username: 'app', password: `${namespace}-s3cret` }),
    })
    make('configmaps', namespace, 'settings', {
      data: { color: namespace === 'prod' ? 'red' : 'blue', stage: namespace },
    })
  }
  make('nodes', '', NODE_NAME, {
    spec: {},
    status: { nodeInfo: { kubeletVersion: 'v1.37.0' }, conditions: [{ type: 'Ready', status: 'True' }] },
  })
  const env = [{ name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }]
  make('pods', 'default', 'shell', pod(container('main', { command: [...TICKS, 'tick'], env }), container('sidecar')), {
    app: 'shell',
  })
  make(
    'pods',
    'default',
    'repl',
    pod(
      container('pipe', { command: ['cat'], stdin: true }),
      container('tty', { command: ['sh'], stdin: true, tty: true }),
    ),
    { app: 'repl' },
  )
  make(
    'pods',
    'default',
    'web',
    pod(container('web', { ports: [{ name: 'http', containerPort: 80, protocol: 'TCP' }] })),
    { app: 'web' },
    { [PORTS_ANNOTATION]: `80=${port}` },
  )
  make('services', 'default', 'web', {
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.10',
      selector: { app: 'web' },
      ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }],
    },
  })
  make('deployments', 'prod', 'payments', deployment('payments', 1), { app: 'payments' })
  make('pods', 'prod', 'payments-7d4b9c6f5-x2x9q', pod(container('main', { command: [...TICKS, 'paid order'] })), {
    app: 'payments',
  })
  return () => {
    web.close()
    web.closeAllConnections()
  }
}

function secret(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
}

function container(name: string, rest: Record<string, unknown> = {}): Record<string, unknown> {
  return { name, image: `demo/${name}`, resources: {}, ...rest }
}

function pod(...containers: readonly Record<string, unknown>[]): Record<string, unknown> {
  return {
    spec: { containers, restartPolicy: 'Always', nodeName: NODE_NAME, serviceAccountName: 'default' },
    status: { phase: 'Pending' },
  }
}

/** There is no controller behind it: it is there to be looked at, edited, and not deleted. */
function deployment(app: string, replicas: number): Record<string, unknown> {
  return {
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      template: { metadata: { labels: { app } }, spec: { containers: [container('main')] } },
    },
    status: {
      observedGeneration: 1,
      replicas,
      readyReplicas: replicas,
      updatedReplicas: replicas,
      availableReplicas: replicas,
    },
  }
}

/** The web pod's server: a greeting, an echo, and as many bytes as asked for. */
async function startWeb(): Promise<Server> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://web')
    if (url.pathname === '/echo') {
      request.pipe(response)
      return
    }
    const count = Math.min(Number(url.searchParams.get('n')) || 0, 100_000_000)
    response.end(url.pathname === '/bytes' ? Buffer.alloc(count, 120) : 'hello from web\n')
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return server
}
