// The admin API in this process over books in memory, with the development issuer: for tests of its routes and of the
// commands that call it.

import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Issuer, startIssuer, type TokenOptions } from '../../demo/issuer.ts'
import { type Admin, startAdmin } from '../../gateway/admin/admin.ts'
import { createMetrics } from '../../gateway/admin/metrics.ts'
import type { Approval, Asking } from '../../gateway/approvals/approvals.ts'
import { Authenticator } from '../../gateway/authn/authenticator.ts'
import type { ApprovalTerms } from '../../gateway/decision.ts'
import { TicketCheck } from '../../gateway/hooks/ticket-check.ts'
import { ownIdentity } from '../../gateway/pki.ts'
import { readPolicy } from '../../gateway/policy/policy-file.ts'
import type { AnsweringWebhook } from '../../gateway/webhooks/answers.ts'
import { type Books, openBooks } from './books.ts'
import { ManualTime } from './manual-time.ts'
import { stored } from './stored-recordings.ts'

export interface AdminAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The answer as JSON. */
  readonly json: Readonly<Record<string, unknown>>
}

export interface AdminCall {
  readonly token?: string | undefined
  /** Sent as JSON, unless it is a string. */
  readonly body?: unknown
  /** The body has no length ahead of it. */
  readonly isChunked?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

/** As `policy` of a gateway: the rules that ask for an approval, and the standing access that may be asked for. */
export const POLICY = `apiVersion: sallyport/v1
kind: AccessPolicy
rules:
- {name: shells, subjects: [{actor: "*"}], verbs: [exec], effect: requireApproval, approval: {approvers: [{group: "oidc:sre"}]}}
- {name: no-secrets, subjects: [{user: "*"}], verbs: [get], resources: [secrets], effect: deny, reason: ask the vault}
budgets:
- {name: few-deletes, per: actor, subjects: [{actor: "*"}], window: 1h, deletions: 3}
grants:
- name: edit-web
  subjects: [{group: "oidc:dev"}]
  verbs: [create, update, patch, delete]
  resources: [pods, services, configmaps, persistentvolumeclaims, "apps/*", "batch/*", autoscaling/horizontalpodautoscalers, networking.k8s.io/ingresses]
  namespaces: [web, prod]
  longest: 1h
  approval: {approvers: [{group: "oidc:sre"}], reasonRequired: true}
`

export const TERMS: ApprovalTerms = {
  quorums: [{ rule: 'shells', quorum: 1, approvers: [{ group: 'oidc:sre' }] }],
  waitMillis: 120_000,
  validForMillis: 600_000,
  uses: 1,
  reasonRequired: false,
  ticketRequired: false,
}

/** A webhook that takes answers for two people. */
export const CHAT: AnsweringWebhook = {
  name: 'chat',
  secret: Buffer.alloc(32, 5),
  approvers: new Map([
    ['U1', { user: 'oidc:bob', groups: ['oidc:sre'] }],
    ['U2', { user: 'oidc:alice', groups: ['oidc:sre'] }],
  ]),
}

export class AdminFixture {
  readonly data: string
  readonly books: Books
  readonly issuer: Issuer
  readonly admin: Admin
  readonly ca: string
  readonly caPath: string

  private constructor(parts: Pick<AdminFixture, 'data' | 'books' | 'issuer' | 'admin' | 'ca' | 'caPath'>) {
    this.data = parts.data
    this.books = parts.books
    this.issuer = parts.issuer
    this.admin = parts.admin
    this.ca = parts.ca
    this.caPath = parts.caPath
  }

  static async open(): Promise<AdminFixture> {
    const data = mkdtempSync(join(tmpdir(), 'sallyport-desk-'))
    const identity = await ownIdentity(join(data, 'pki'), [], Date.now())
    const caPath = identity.caPath as string
    const issuer = await startIssuer({ cert: identity.cert, key: identity.key })
    const time = new ManualTime()
    // The issuer's clock is the real one, and tokens end by both.
    time.millis = Date.now()
    const books = await openBooks({ time })
    const policyFile = join(data, 'policy.yaml')
    writeFileSync(policyFile, POLICY)
    const authenticator = new Authenticator(authentication(issuer.url, caPath), { now: Date.now })
    const admin = await startAdmin({
      address: '127.0.0.1:0',
      tls: identity,
      caPath,
      data,
      reader: stored(),
      state: { fault: () => undefined },
      people: {
        ...books,
        policy: () => readPolicy(policyFile, 'group'),
        authenticator: () => authenticator,
        clusters: () => ['prod', 'dev'],
        operators: () => [{ group: 'oidc:operators' }],
        answering: () => new Map([['chat', CHAT]]),
        tickets: () =>
          new TicketCheck(
            undefined,
            () => Promise.reject(new Error('asked')),
            () => undefined,
          ),
        now: () => books.time.now(),
        timers: books.time,
      },
      metrics: createMetrics().registry,
      gatewayUrl: 'https://127.0.0.1:8443',
    })
    return new AdminFixture({ data, books, issuer, admin, ca: readFileSync(caPath, 'utf8'), caPath })
  }

  async close(): Promise<void> {
    await this.admin.close()
    await this.issuer.close()
    await this.books.journal.close()
    rmSync(this.data, { recursive: true, force: true })
  }

  /** Of the data directory. */
  get adminToken(): string {
    return readFileSync(join(this.data, 'admin.token'), 'utf8').trim()
  }

  /** A person's token, or that of an agent who acts for them. */
  token(subject: string, groups: readonly string[] = [], options: Partial<TokenOptions> = {}): Promise<string> {
    const expiresAt = Math.floor(Date.now() / 1000) + 3_600
    return this.issuer.token({ subject, groups, audience: 'sallyport', expiresAt, ...options })
  }

  /** The approval of a call that an agent of alice's has made; `line` makes it another one. */
  async asked(line = 'exec web -- sh', changes: Partial<Asking> = {}): Promise<Approval> {
    const asking: Asking = {
      terms: TERMS,
      digest: line,
      requester: {
        user: 'oidc:alice',
        groups: ['oidc:dev'],
        actor: 'claude',
        issuer: this.issuer.url,
        expiresAt: Number.POSITIVE_INFINITY,
      },
      summary: {
        cluster: 'prod',
        run: 'run-7',
        command: line,
        verb: 'exec',
        resource: 'pods/exec',
        namespace: 'prod',
        name: 'web',
        diff: '',
        note: '',
        objects: 1,
      },
      reason: 'look why web does not start',
      ticket: '',
      ...changes,
    }
    const approval = await this.books.approvals.ask(asking)
    if ('status' in approval) throw new Error(approval.message)
    return approval
  }

  async call(
    method: string,
    path: string,
    { token, body, isChunked = false, headers = {} }: AdminCall = {},
  ): Promise<AdminAnswer> {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
    const { hostname, port } = new URL(this.admin.url)
    // Host and path apart: a URL would be cleaned of the very things that are to be refused.
    const outgoing = request({
      hostname,
      port,
      path,
      method,
      ca: this.ca,
      agent: false,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(text !== undefined && { 'content-type': 'application/json', ...framing(text, isChunked) }),
        ...headers,
      },
    })
    outgoing.end(text)
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    let whole = ''
    for await (const chunk of answer) whole += (chunk as Buffer).toString()
    let json: Record<string, unknown> = {}
    if (String(answer.headers['content-type']).startsWith('application/json') && whole !== '') json = JSON.parse(whole)
    return { status: answer.statusCode ?? 0, headers: answer.headers, text: whole, json }
  }

  /** An open stream; ends with `destroy`. */
  async stream(path: string, token: string): Promise<IncomingMessage> {
    const outgoing = request(new URL(path, this.admin.url), {
      ca: this.ca,
      agent: false,
      headers: { authorization: `Bearer ${token}` },
    })
    outgoing.end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    return answer
  }
}

/** Node frames the body of a POST by itself, and that of a DELETE not at all. */
function framing(text: string, isChunked: boolean): Record<string, string> {
  return isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(Buffer.byteLength(text)) }
}

function authentication(url: string, certificateAuthorityFile: string) {
  return {
    jwt: [
      {
        issuer: { url, audiences: ['sallyport'], certificateAuthorityFile },
        claimMappings: {
          username: { claim: 'sub', prefix: 'oidc:' },
          groups: { claim: 'groups', prefix: 'oidc:' },
        },
      },
    ],
  }
}
