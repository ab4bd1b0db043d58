// A gateway whose policy puts some calls to people, in front of a cluster that answers everything and speaks WebSocket; and
// what a test does with it: call, see what waits, answer, read the tapes.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { WebSocket, WebSocketServer } from 'ws'
import type { Approval } from '../../gateway/approvals/approvals.ts'
import type { Principal } from '../../gateway/principal.ts'
import type { Entry, TapeKind } from '../../protocols/tape/entry.ts'
import { openAtRest } from '../../replay/store-at-rest.ts'
import { StoredTapes } from '../../replay/stored-tapes.ts'
import { type Answer, type Call, GatewayFixture } from './running-gateway.ts'

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export const POD = '/api/v1/namespaces/prod/pods/web'
export const EXEC = `${POD}/exec?command=sh&stdin=true&stdout=true`

const SRE = { approvers: [{ group: 'oidc:sre' }], wait: '60s' }

export const POLICY = {
  apiVersion: 'sallyport/v1',
  kind: 'AccessPolicy',
  rules: [
    { name: 'admins', subjects: [{ group: 'oidc:admins' }], verbs: ['*'], effect: 'allow' },
    { name: 'never-nodes', subjects: [{ user: '*' }], verbs: ['delete'], resources: ['nodes'], effect: 'deny' },
    { name: 'shells', subjects: [{ actor: '*' }], verbs: ['exec'], effect: 'requireApproval', approval: SRE },
    {
      name: 'deletes',
      subjects: [{ actor: '*' }],
      verbs: ['delete', 'deletecollection'],
      resources: ['pods'],
      effect: 'requireApproval',
      approval: { ...SRE, wait: '0s' },
    },
    {
      name: 'writes',
      subjects: [{ actor: '*' }],
      verbs: ['create', 'update', 'patch'],
      effect: 'requireApproval',
      approval: { ...SRE, reasonRequired: true },
    },
  ],
}

export function approver(user: string, groups: readonly string[] = ['oidc:sre']): Principal {
  return { user: `oidc:${user}`, groups, actor: '', issuer: '', expiresAt: Number.POSITIVE_INFINITY }
}

export class ConsentingGateway {
  readonly fixture: GatewayFixture
  readonly seen: Seen[]
  readonly #sockets: WebSocketServer
  /** A token of alice's agent, in the admins' group: what no rule asks about is allowed. */
  readonly token: string
  /** What the cluster does with a request that is no upgrade. */
  serve: (request: Seen, response: ServerResponse) => void = (_request, response) => {
    response.setHeader('Content-Type', 'application/json')
    response.end('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web"}}')
  }

  /** The cluster speaks no WebSocket, as old ones do not for exec. */
  refusesUpgrades = false

  private constructor(fixture: GatewayFixture, seen: Seen[], sockets: WebSocketServer, token: string) {
    this.fixture = fixture
    this.seen = seen
    this.#sockets = sockets
    this.token = token
  }

  static async open(policy: object = POLICY): Promise<ConsentingGateway> {
    const seen: Seen[] = []
    let made: ConsentingGateway | undefined
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] as string })
    const note = ({ method = '', url = '', headers }: IncomingMessage, body = ''): Seen => {
      const request = { method, url, headers, body }
      seen.push(request)
      return request
    }
    const fixture = await GatewayFixture.open(
      async (request, response) => {
        let body = ''
        for await (const chunk of request) body += String(chunk)
        made?.serve(note(request, body), response)
      },
      (request, socket, head) => {
        note(request)
        if (made?.refusesUpgrades === true || request.headers.upgrade !== 'websocket') {
          socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
          return
        }
        sockets.handleUpgrade(request, socket, head, () => undefined)
      },
      (config, { folder }) => {
        config.policyFile = `${folder}/people.yaml`
        writeFileSync(`${folder}/people.yaml`, JSON.stringify(policy))
      },
    )
    made = new ConsentingGateway(fixture, seen, sockets, await fixture.token({ actor: 'agent' }))
    return made
  }

  get people() {
    return this.fixture.gateway.people
  }

  /** Of what the cluster has seen: what is none of the gateway's own questions. */
  get passed(): readonly Seen[] {
    return this.seen.filter(
      ({ method, url }) => !url.endsWith('dryRun=All') && (method !== 'GET' || url.includes('/exec')),
    )
  }

  call(call: Call): Promise<Answer> {
    return this.fixture.call({ token: this.token, ...call })
  }

  /** An exec as kubectl asks for it over WebSocket: the status of the answer, or the open socket. */
  async webSocket(path = EXEC, headers: Record<string, string> = {}): Promise<WebSocket | Answer> {
    const { gateway } = this.fixture
    const socket = new WebSocket(`${gateway.address.replace('https', 'wss')}${path}`, ['v5.channel.k8s.io'], {
      ca: readFileSync(gateway.ca),
      headers: { Authorization: `Bearer ${this.token}`, ...headers },
    })
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(socket))
      socket.once('error', reject)
      socket.once('unexpected-response', async (_request, response: IncomingMessage) => {
        let body = ''
        for await (const chunk of response) body += String(chunk)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
      })
    })
  }

  /** The same over SPDY, which a cluster that speaks none refuses. */
  spdy(path = EXEC): Promise<Answer> {
    const headers = { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': 'v4.channel.k8s.io' }
    return this.call({ method: 'POST', path, headers })
  }

  /** The newest approval, once there are so many and so many calls wait for it. */
  async waiting(parked = 1, count = 1, millis?: number): Promise<Approval> {
    const { approvals } = this.people
    await this.until(
      () => approvals.list().length >= count && approvals.parked === parked,
      `${parked} calls wait`,
      millis,
    )
    return approvals.list().at(-1) as Approval
  }

  async until(condition: () => boolean, what: string, millis = 5_000): Promise<void> {
    const end = performance.now() + millis
    while (!condition()) {
      if (performance.now() > end) throw new Error(`it did not come about that ${what}`)
      await new Promise((done) => setImmediate(done))
    }
  }

  async answer(id: string, answer: 'yes' | 'no', reason = ''): Promise<void> {
    const common = { id, answer, reason, ticket: '', via: 'test' }
    const result = await this.people.approvals.answer({ ...common, approver: approver('bob') })
    assert.ok('state' in result, JSON.stringify(result))
  }

  /** Ends all of it; the entries of its tapes of a kind, tape by tape, oldest first. */
  async close(kind: TapeKind = 'control'): Promise<Entry[][]> {
    for (const socket of this.#sockets.clients) socket.terminate()
    await this.fixture.close()
    const tapes = new StoredTapes(await openAtRest(this.fixture.data))
    const found: Entry[][] = []
    for await (const { id } of tapes.list({ limit: 100, kind })) {
      const entries: Entry[] = []
      for await (const { entry } of tapes.entries(id)) entries.push(entry)
      found.unshift(entries)
    }
    await tapes.close()
    this.fixture.remove()
    return found
  }
}

export interface Status {
  readonly code: number
  readonly message: string
  readonly details: { readonly causes: readonly { readonly reason: string; readonly message: string }[] }
}

/** The Status of an answer, which never has a Retry-After. */
export function statusOf(answer: Answer): Status {
  assert.equal(answer.headers['retry-after'], undefined)
  return JSON.parse(answer.body) as Status
}

/** A cause of the Status by its type, or "". */
export function causeOf(answer: Answer, type = 'SallyportRule'): string {
  return statusOf(answer).details.causes.find(({ reason }) => reason === type)?.message ?? ''
}

export function isSocket(result: WebSocket | Answer): result is WebSocket {
  return result instanceof WebSocket
}

/** Resolves when the socket has closed. */
export async function closed(socket: WebSocket): Promise<void> {
  socket.on('error', () => undefined)
  if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close')
}

/** The notes' codes on tapes. */
export function codesOf(tapes: readonly (readonly Entry[])[]): string[] {
  return tapes.flat().flatMap((entry) => (entry.kind === 'note' ? [entry.body.code] : []))
}
