// A small Kubernetes API over HTTPS, for the demo and for tests of the gateway: discovery, objects, Tables, watches, logs,
// exec, attach and port-forward to real processes on this machine. It takes one bearer token, the gateway's, and every
// request must say for whom it is made (impersonation); whom it names may do everything, because the gateway decides.

import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { stringify } from 'yaml'
import { followDeployments } from './deployments.ts'
import { AGGREGATED_TYPE, discovery } from './discovery.ts'
import { type Answer, answerResource, type Caller, type ResourceRequest } from './objects-api.ts'
import { isTrue, writeLog } from './pod-log.ts'
import { Pods } from './pods.ts'
import { resourceAt, splitTarget, type Target } from './request-path.ts'
import { groupVersion, type Resource } from './resources.ts'
import { selectorOf } from './selectors.ts'
import { ApiError, type Status } from './status.ts'
import { ObjectStore } from './store.ts'
import { type StreamRequest, serveStream } from './streams.ts'
import { type IncludeObject, tableOf } from './table.ts'
import { watchObjects } from './watch.ts'

export interface ClusterOptions {
  /** The server's certificate chain and key, PEM. */
  readonly cert: string
  readonly key: string
  /** The bearer token that the gateway shows. */
  readonly token: string
  /** Where pods have their folders. */
  readonly folder: string
  /** 0 takes a free one. */
  readonly port: number
}

export interface DemoCluster {
  /** "https://127.0.0.1:6443". */
  readonly url: string
  readonly store: ObjectStore
  close(): Promise<void>
}

/** The API server's own limit (apiserver config.go MaxRequestBodyBytes). */
const LARGEST_BODY = 3_145_728
/** The API server keeps idle connections for 90 s; a pool in front of it counts on that. */
const KEEP_ALIVE_MILLIS = 90_000

/** Serves on 127.0.0.1 until it is closed. The store is empty at first. */
export async function startCluster(options: ClusterOptions): Promise<DemoCluster> {
  const store = new ObjectStore()
  const pods = new Pods(store, options.folder)
  followDeployments(store)
  const api = new Api(store, pods, options.token)
  const server = createServer({
    cert: options.cert,
    key: options.key,
    ALPNProtocols: ['http/1.1'],
    keepAliveTimeout: KEEP_ALIVE_MILLIS,
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => void api.answer(request, response))
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Uint8Array) =>
    api.upgrade(request, socket, head),
  )
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(options.port, '127.0.0.1', resolve))
  const sockets = openSockets(server)
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    store,
    async close() {
      pods.close()
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Upgraded sockets are no longer the HTTP server's, so that it would wait for them for ever. */
function openSockets(server: Server): Set<Duplex> {
  const sockets = new Set<Duplex>()
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

class Api {
  readonly #store: ObjectStore
  readonly #pods: Pods
  readonly #token: string

  constructor(store: ObjectStore, pods: Pods, token: string) {
    this.#store = store
    this.#pods = pods
    this.#token = token
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response)
    } catch (error) {
      sendError(response, error)
    }
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    // The HTTP server has let go of the socket; without a listener an error would end the process.
    socket.on('error', () => {})
    try {
      this.#identify(request)
      const { path, query } = splitTarget(request.url ?? '/')
      const target = resourceAt(path)
      if (target === undefined || target.resource.plural !== 'pods')
        throw new ApiError('BadRequest', 'the server could not find the requested resource')
      const stream: StreamRequest = {
        ...target,
        query,
        fields: request.headersDistinct,
        websocketKey: request.headers['sec-websocket-key'],
        upgrade: request.headers.upgrade ?? '',
      }
      serveStream(this.#store, this.#pods, stream, socket, head)
    } catch (error) {
      const { code, status } = toApiError(error)
      const body = JSON.stringify(status)
      socket.end(
        `HTTP/1.1 ${code} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      )
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { path, query } = splitTarget(request.url ?? '/')
    const caller = this.#identify(request)
    const accept = request.headers.accept ?? ''
    const auditId = request.headers['audit-id']
    if (typeof auditId === 'string') response.setHeader('Audit-Id', auditId)
    if (/^\/(healthz|livez|readyz)$/.test(path)) return void response.end('ok')
    const target = resourceAt(path)
    if (target === undefined) return this.#discover(path, accept, response)
    const body = await bodyOf(request)
    if (target.resource.plural === 'pods' && target.subresource === 'log') return this.#log(target, query, response)
    if (['exec', 'attach', 'portforward'].includes(target.subresource))
      throw new ApiError('BadRequest', 'Upgrade request required')
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '')
    if (method === 'GET' && target.name === '' && isTrue(query, 'watch'))
      return this.#watch(target, query, accept, response)
    const contentType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? ''
    const asked: ResourceRequest = { ...target, method, query, contentType, body, caller }
    const answer = answerResource(this.#store, asked)
    send(response, answer.code, shown(answer, target.resource, tableFor(accept, query)), accept)
  }

  #discover(path: string, accept: string, response: ServerResponse): void {
    const aggregated = /g=apidiscovery\.k8s\.io/.test(accept) && /v=v2[;,]|v=v2$/.test(accept)
    const value = discovery(path, aggregated)
    if (value === undefined) throw new ApiError('NotFound', 'the server could not find the requested resource')
    if (aggregated && (path === '/api' || path === '/apis')) response.setHeader('Content-Type', AGGREGATED_TYPE)
    send(response, 200, value, '')
  }

  #log({ namespace, name }: Target, query: URLSearchParams, response: ServerResponse): void {
    const { log } = this.#pods.container(namespace, name, query.get('container') ?? '')
    if (isTrue(query, 'previous'))
      throw new ApiError('BadRequest', `previous terminated container in pod "${name}" not found`)
    response.setHeader('Content-Type', 'text/plain')
    const stop = writeLog(
      log,
      query,
      Date.now(),
      (bytes) => response.write(bytes),
      () => response.end(),
    )
    response.flushHeaders()
    response.once('close', stop)
  }

  #watch({ resource, namespace }: Target, query: URLSearchParams, accept: string, response: ServerResponse): void {
    response.setHeader('Content-Type', 'application/json')
    const options = { resource, namespace, selects: selectorOf(query), query, table: tableFor(accept, query) }
    const stop = watchObjects(this.#store, options, (line) => response.write(line))
    response.flushHeaders()
    const seconds = Number(query.get('timeoutSeconds') ?? '')
    const timer = seconds > 0 && seconds < 86_400 ? setTimeout(() => response.end(), seconds * 1000) : undefined
    response.once('close', () => {
      clearTimeout(timer)
      stop()
    })
  }

  /** Who asks. Throws ApiError (401, 403). */
  #identify(request: IncomingMessage): Caller {
    const sent = Buffer.from(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '')
    const token = Buffer.from(this.#token)
    if (sent.length !== token.length || !timingSafeEqual(sent, token))
      throw new ApiError('Unauthorized', 'Unauthorized')
    const user = request.headers['impersonate-user']
    if (typeof user !== 'string' || user === '') {
      throw new ApiError(
        'Forbidden',
        'this cluster is reached through the gateway: a request must say for whom it is made',
      )
    }
    const extra: Record<string, readonly string[]> = {}
    for (const [name, values] of Object.entries<string[] | undefined>(request.headersDistinct)) {
      if (name.startsWith('impersonate-extra-')) extra[decodeURIComponent(name.slice(18))] = values ?? []
    }
    return { user, groups: request.headersDistinct['impersonate-group'] ?? [], extra }
  }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    length += piece.length
    if (length > LARGEST_BODY) throw new ApiError('RequestEntityTooLarge', 'the request body is too large')
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** Whether Accept's first choice is a Table, and what its rows are to hold. */
function tableFor(accept: string, query: URLSearchParams): IncludeObject | undefined {
  if (!/^\s*application\/json;[^,]*as=Table/.test(accept)) return undefined
  const include = query.get('includeObject')
  return include === 'Object' || include === 'None' ? include : 'Metadata'
}

function shown(answer: Answer, resource: Resource, table: IncludeObject | undefined): unknown {
  if ('value' in answer) return answer.value
  if ('object' in answer) {
    const { object } = answer
    return table === undefined
      ? object
      : tableOf(resource, [object], object.metadata.resourceVersion, table, Date.now())
  }
  const { list, version } = answer
  if (table !== undefined) return tableOf(resource, list, String(version), table, Date.now())
  return {
    kind: `${resource.kind}List`,
    apiVersion: groupVersion(resource),
    metadata: { resourceVersion: String(version) },
    items: list,
  }
}

function send(response: ServerResponse, code: number, value: unknown, accept: string): void {
  const yaml = /^\s*application\/yaml/.test(accept)
  response.statusCode = code
  if (!response.hasHeader('Content-Type'))
    response.setHeader('Content-Type', yaml ? 'application/yaml' : 'application/json')
  response.end(yaml ? stringify(value) : `${JSON.stringify(value)}\n`)
}

function sendError(response: ServerResponse, error: unknown): void {
  const { code, status } = toApiError(error)
  if (response.headersSent) response.destroy()
  else {
    response.setHeader('Content-Type', 'application/json')
    send(response, code, status satisfies Status, '')
  }
}

function toApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError('InternalError', 'the demo cluster failed')
}
