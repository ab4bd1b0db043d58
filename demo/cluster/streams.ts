// An upgrade request for a pod -> exec, attach or port-forward over WebSocket or SPDY. The answer 101 is given here, once
// the request is understood and its pod is there; what cannot be served is thrown as an ApiError before it.

import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { serveForward } from './forward.ts'
import { at, type KubeObject, listAt, textAt } from './object.ts'
import { isTrue } from './pod-log.ts'
import type { Pods } from './pods.ts'
import { attachSession, type Channels, execSession, type RemoteOptions, type Session } from './remote-command.ts'
import type { Resource } from './resources.ts'
import { serveSpdyChannels } from './spdy-channels.ts'
import { ApiError } from './status.ts'
import type { ObjectStore } from './store.ts'
import { WebSocketTunnel } from './tunnel.ts'
import { serveWebSocketChannels } from './websocket-channels.ts'

export interface StreamRequest {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly subresource: string
  readonly query: URLSearchParams
  /** Header fields by lower-case name, each line's value apart. */
  readonly fields: Readonly<Record<string, readonly string[] | undefined>>
  readonly upgrade: string
  readonly websocketKey: string | undefined
}

/** Opens a session once its channels are there. */
export type OpenSession = (channels: Channels) => Session

/** RFC 6455 section 1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const TUNNEL = 'SPDY/3.1+portforward.k8s.io'
const FORWARD = 'portforward.k8s.io'

/** Answers and serves an upgrade. `head` came behind the request. Throws ApiError while nothing has been answered. */
export function serveStream(
  store: ObjectStore,
  pods: Pods,
  request: StreamRequest,
  socket: Duplex,
  head: Uint8Array,
): void {
  const pod = store.get(request.resource, request.namespace, request.name)
  const websocket = request.upgrade.toLowerCase() === 'websocket'
  if (!websocket && request.upgrade.toUpperCase() !== 'SPDY/3.1')
    throw new ApiError('BadRequest', 'unable to upgrade: unknown protocol')
  if (request.subresource === 'portforward') {
    const ports = portsOf(pod)
    if (websocket) {
      const protocol = offered(request, 'sec-websocket-protocol', [TUNNEL])
      socket.write(switching(request, protocol))
      serveForward(new WebSocketTunnel(socket, head), new Uint8Array(0), ports)
    } else {
      socket.write(switching(request, offered(request, 'x-stream-protocol-version', [FORWARD])))
      serveForward(socket, head, ports)
    }
    return
  }
  const options = optionsOf(request.query)
  const open = sessionOf(pods, pod, request, options)
  if (websocket) {
    const protocol = offered(request, 'sec-websocket-protocol', ['v5.channel.k8s.io', 'v4.channel.k8s.io'])
    socket.write(switching(request, protocol))
    serveWebSocketChannels(socket, head, protocol, options, open)
  } else {
    socket.write(switching(request, offered(request, 'x-stream-protocol-version', ['v4.channel.k8s.io'])))
    serveSpdyChannels(socket, head, options, open)
  }
}

function sessionOf(
  pods: Pods,
  pod: KubeObject,
  { namespace, name, subresource, query }: StreamRequest,
  options: RemoteOptions,
): OpenSession {
  const container = pods.container(namespace, name, query.get('container') ?? '')
  const target = { namespace, pod: name, container: container.name }
  if (subresource === 'exec') {
    const argv = query.getAll('command')
    if (argv.length === 0) throw new ApiError('BadRequest', 'you must specify at least one command for the container')
    return (channels) => execSession(pods, target, argv, options, channels)
  }
  if (subresource !== 'attach') throw new ApiError('NotFound', 'the server could not find the requested resource')
  const spec = listAt(pod, 'spec.containers').find((one) => textAt(one, 'name') === container.name)
  const once = at(spec, 'stdinOnce') === true
  return (channels) => attachSession(container, once, options, channels)
}

function optionsOf(query: URLSearchParams): RemoteOptions {
  const tty = isTrue(query, 'tty')
  const stderr = isTrue(query, 'stderr') && !tty
  return { stdin: isTrue(query, 'stdin'), stdout: isTrue(query, 'stdout'), stderr, tty }
}

/** The first of the client's protocols that is served. Throws ApiError (403), as the kubelet does. */
function offered(request: StreamRequest, name: string, served: readonly string[]): string {
  const values = (request.fields[name] ?? []).flatMap((value) => value.split(',')).map((value) => value.trim())
  const chosen = values.find((value) => served.includes(value))
  if (chosen === undefined)
    throw new ApiError('Forbidden', `unable to upgrade: none of the protocols offered is served: ${served.join(', ')}`)
  return chosen
}

function switching(request: StreamRequest, protocol: string): string {
  const head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n'
  if (request.upgrade.toLowerCase() !== 'websocket')
    return `${head}Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`
  const accept = createHash('sha1')
    .update(`${request.websocketKey ?? ''}${WEBSOCKET_GUID}`)
    .digest('base64')
  return `${head}Upgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`
}

/** Container ports -> local ports, from the pod's annotation ("80=41234"). */
function portsOf(pod: KubeObject): ReadonlyMap<number, number> {
  const annotation = pod.metadata.annotations?.[PORTS_ANNOTATION] ?? ''
  return new Map([...annotation.matchAll(/(\d+)=(\d+)/g)].map(([, port, local]) => [Number(port), Number(local)]))
}

export const PORTS_ANNOTATION = 'demo.sallyport/ports'
