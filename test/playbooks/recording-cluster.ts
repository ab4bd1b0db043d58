// A cluster on loopback that keeps every byte it gets and answers by a script of bytes, over TLS. It parses no more than it
// must to know where a request ends, and trusts nothing of what it parses.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { masked } from '../protocols/websocket/frames.ts'
import type { PeerIdentity } from '../support/peer-pki.ts'
import type { Bytes, ClusterStep } from './playbook.ts'

const NOTHING = Buffer.alloc(0)
/** Requests for this path are not a playbook's: they show that the gateway still works and that all before them is here. */
export const CANARY = '/api/v1/namespaces/canary/pods/'
const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
/** RFC 6455 section 1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

class Upstream {
  readonly socket: TLSSocket
  /** Not yet read as a request; behind a 101, all of it. */
  bytes: Buffer = NOTHING
  switched = false
  /** Bytes to come of a body that is not kept. */
  skip = 0
  closed = false

  constructor(socket: TLSSocket) {
    this.socket = socket
  }
}

export class RecordingCluster {
  readonly #server: Server
  readonly #connections = new Set<Upstream>()
  #script: readonly ClusterStep[] = []
  #at = 0
  /** What came in this play, a request an element. */
  #requests: Buffer[] = []
  /** Requests that no step has answered yet. */
  #waiting: { readonly connection: Upstream; readonly request: Buffer }[] = []
  #current: Upstream | undefined
  #key = ''
  /** Connections with something of this play on them. */
  #touched = new Set<Upstream>()

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(peer: PeerIdentity): Promise<RecordingCluster> {
    const server = createServer({ key: peer.key, cert: peer.cert })
    const cluster = new RecordingCluster(server)
    server.on('secureConnection', (socket) => cluster.#accept(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return cluster
  }

  get authority(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Begins a play: its steps, and nothing recorded yet. */
  begin(script: readonly ClusterStep[]): void {
    this.#script = script
    this.#at = 0
    this.#requests = []
    this.#waiting = []
    this.#current = undefined
    this.#touched = new Set()
  }

  /** How many steps are done. */
  get done(): number {
    return this.#at
  }

  /** The step that is still to come, or undefined. */
  get pending(): ClusterStep | undefined {
    const step = this.#script[this.#at]
    return step !== undefined && ('echo' in step || 'keep' in step) ? undefined : step
  }

  /** All that came since `begin`: each request, then what is no whole request or came behind a 101. */
  get received(): readonly Buffer[] {
    const rest = [...this.#touched].map(shownBytes).filter(({ length }) => length > 0)
    return [...this.#requests, ...rest]
  }

  close(): void {
    for (const { socket } of this.#connections) socket.destroy()
    this.#server.close()
  }

  #accept(socket: TLSSocket): void {
    const connection = new Upstream(socket)
    this.#connections.add(connection)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => this.#received(connection, bytes))
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      connection.closed = true
      this.#connections.delete(connection)
      this.#advance()
    })
  }

  #received(connection: Upstream, bytes: Buffer): void {
    const skipped = Math.min(connection.skip, bytes.length)
    connection.skip -= skipped
    connection.bytes = Buffer.concat([connection.bytes, bytes.subarray(skipped)])
    while (!connection.switched) {
      const request = this.#takeRequest(connection)
      if (request === undefined) break
      if (request.subarray(0, 120).includes(CANARY)) {
        connection.socket.write(answer(Buffer.from(request.toString('latin1').split(' ')[1] ?? '')))
        continue
      }
      this.#touched.add(connection)
      this.#requests.push(request)
      this.#key = /^sec-websocket-key: (.*)\r$/im.exec(request.toString('latin1'))?.[1] ?? ''
      this.#waiting.push({ connection, request })
    }
    if (connection.bytes.length > 0) this.#touched.add(connection)
    this.#takeEarly(connection)
    this.#advance()
  }

  /** An answer that overtakes its request: given at the head; the body is read and not kept. */
  #takeEarly(connection: Upstream): void {
    const step = this.#script[this.#at]
    const end = connection.bytes.indexOf('\r\n\r\n')
    if (step === undefined || !('early' in step) || end === -1) return
    this.#at++
    const head = connection.bytes.subarray(0, end + 4)
    this.#requests.push(head)
    connection.skip = lengthOf(head) - (connection.bytes.length - head.length)
    connection.bytes = NOTHING
    this.#current = connection
    this.#write(connection, step.early)
  }

  #takeRequest(connection: Upstream): Buffer | undefined {
    const { bytes } = connection
    const end = bytes.indexOf('\r\n\r\n')
    if (end === -1) return undefined
    const whole = end + 4 + lengthOf(bytes.subarray(0, end + 2))
    if (bytes.length < whole) return undefined
    connection.bytes = bytes.subarray(whole)
    return bytes.subarray(0, whole)
  }

  /** Goes on with the script as far as it can. */
  #advance(): void {
    for (let step = this.#script[this.#at]; ; step = this.#script[this.#at]) {
      if (step === undefined || 'echo' in step) {
        this.#answerAll()
        return
      }
      if (!this.#done(step)) return
      this.#at++
    }
  }

  #answerAll(): void {
    for (const { connection, request } of this.#waiting.splice(0)) {
      const user = /^impersonate-user: (.*)\r$/im.exec(request.toString('latin1'))?.[1]
      connection.socket.write(answer(Buffer.from(user ?? 'nobody', 'latin1')))
    }
  }

  /** Does a step if its moment has come. */
  #done(step: ClusterStep): boolean {
    if ('answer' in step) {
      const connection = this.#waiting.shift()?.connection
      if (connection === undefined) return false
      this.#current = connection
      this.#write(connection, step.answer)
      if (step.last === 'end') connection.socket.end()
      return true
    }
    if ('asked' in step) return this.#waiting.length >= step.asked
    const current = this.#current
    if (current === undefined) return false
    if ('send' in step) {
      this.#write(current, step.send)
      return true
    }
    if ('until' in step) return shownBytes(current).includes(bufferOf(step.until))
    return 'closed' in step && current.closed
  }

  #write(connection: Upstream, bytes: Bytes): void {
    const accept = createHash('sha1')
      .update(this.#key + WEBSOCKET_GUID)
      .digest('base64')
    const out = typeof bytes === 'string' ? bufferOf(bytes.replaceAll('{{accept}}', accept)) : bytes
    if (bufferOf(bytes).subarray(0, 12).toString('latin1') === 'HTTP/1.1 101') connection.switched = true
    if (out.length > 0) connection.socket.write(out)
  }
}

function lengthOf(head: Buffer): number {
  return Number(/^content-length: (\d+)\r$/im.exec(head.toString('latin1'))?.[1] ?? 0)
}

function answer(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${OK}Content-Length: ${body.length}\r\n\r\n`), body])
}

/**
 * WebSocket frames with the masking key of the plays' own, since the gateway's are random, and messages of one channel in a
 * row as one: what is held back for a while comes in a message of its own. Other bytes as they are.
 */
function shownBytes({ bytes, switched }: Upstream): Buffer {
  const frames: { first: number; payload: Buffer }[] = []
  let at = 0
  while (switched && at + 6 <= bytes.length) {
    const second = bytes[at + 1] as number
    const from = at + 6
    const end = from + (second & 0x7f)
    if (second < 0x80 || (second & 0x7f) > 125 || end > bytes.length) break
    const payload = Buffer.from(
      bytes.subarray(from, end).map((byte, place) => byte ^ (bytes[at + 2 + (place % 4)] as number)),
    )
    const first = bytes[at] as number
    const last = frames.at(-1)
    if (first === 0x82 && last?.first === first && last.payload[0] === payload[0]) {
      last.payload = Buffer.concat([last.payload, payload.subarray(1)])
    } else frames.push({ first, payload })
    at = end
  }
  return Buffer.concat([...frames.map(({ first, payload }) => masked(first, payload)), bytes.subarray(at)])
}

export function bufferOf(bytes: Bytes): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes)
}
