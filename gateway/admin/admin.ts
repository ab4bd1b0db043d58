// The admin API on a TLS listener of its own: health for probes, metrics and tapes for who holds the admin token, approvals,
// grants and locks for people and agents with tokens of their own. Refuses other methods, pages of other origins, callers
// without a token, and who is locked.

import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { Hono, type HonoRequest } from 'hono'
import type { Registry } from 'prom-client'
import { limits } from '../../protocols/limits.ts'
import type { KeyValueReader } from '../../protocols/tape/reader.ts'
import { StoredTapes } from '../../replay/stored-tapes.ts'
import { lockRefusal } from '../approvals/locks.ts'
import { type Refusal, refuse } from '../decision.ts'
import { accessRoutes } from './access-routes.ts'
import type { AdminEnv } from './admin-env.ts'
import { adminToken } from './admin-token.ts'
import { announce } from './announcement.ts'
import { refusalResponse } from './answers.ts'
import { approvalRoutes } from './approval-routes.ts'
import { type Caller, callerOf } from './caller.ts'
import type { Desk } from './desk.ts'
import { grantRoutes } from './grant-routes.ts'
import { InHand } from './in-hand.ts'
import { lockRoutes } from './lock-routes.ts'
import { tapeRoutes } from './tape-routes.ts'
import { webhookRoutes } from './webhook-routes.ts'

export interface AdminOptions {
  /** "127.0.0.1:8444"; port 0 takes a free one. */
  readonly address: string
  /** PEM: the listener's key and certificate chain. */
  readonly tls: { readonly key: string; readonly cert: string }
  /** The file that clients verify the certificate with. */
  readonly caPath: string
  /** The data directory: the token and admin.json are put there. */
  readonly data: string
  readonly reader: KeyValueReader
  readonly state: {
    /** Why requests would be refused for now: the store or the journal has failed, or the gateway drains. */
    fault(): string | undefined
  }
  readonly people: Desk
  readonly metrics: Registry
  /** Where the gateway itself listens, for who finds the admin API first. */
  readonly gatewayUrl: string
  /** Told when a request could not be answered because the store could not be read. */
  readonly failed?: (error: Error) => void
}

export interface Admin {
  /** "https://127.0.0.1:8444". */
  readonly url: string
  /** Takes admin.json away, stops listening and ends what is open. */
  close(): Promise<void>
}

/** Listens, and writes admin.json once it does. Throws Node's own errors (an address in use, a directory not writable). */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const tokenFile = resolve(options.data, 'admin.token')
  const token = await adminToken(tokenFile)
  const app = routes(options, token)
  const server = createServer(
    {
      ...options.tls,
      minVersion: 'TLSv1.2',
      maxHeaderSize: limits.http1.startLine,
      headersTimeout: limits.gateway.headMillis,
      requestTimeout: limits.gateway.headMillis,
      handshakeTimeout: limits.gateway.handshakeMillis,
    },
    getRequestListener(app.fetch, { overrideGlobalObjects: false }),
  )
  server.maxConnections = limits.admin.connections
  const { host, port } = hostAndPort(options.address)
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      listening()
    })
  })
  const at = server.address() as AddressInfo
  const url = `https://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`
  const retract = await announce(options.data, {
    address: url,
    ca: resolve(options.caPath),
    tokenFile,
    gateway: options.gatewayUrl,
    pid: process.pid,
  })
  return {
    url,
    async close() {
      await retract()
      await new Promise<void>((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      })
    },
  }
}

/** Nothing of this API belongs in a cache, a frame or a page. */
const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

function routes(options: AdminOptions, token: string): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>()
  const desk = options.people
  const inHand = new InHand()

  app.use(async (context, next) => {
    const refusal = refusedBefore(context.req)
    if (refusal === undefined) await next()
    else context.res = refusalResponse(refusal, refusal.status === 405 ? { allow: METHODS.join(', ') } : {})
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.res.headers.set(name, value)
  })

  app.get('/healthz', (context) => context.text('ok\n'))
  app.get('/readyz', (context) => {
    const fault = options.state.fault()
    return fault === undefined ? context.text('ok\n') : context.text(`not ready: ${fault}\n`, 503)
  })

  // A signature stands for a token there.
  app.route('/v1/webhooks', webhookRoutes(desk))

  // Everything from here on, unknown paths as well, is only for who has a token.
  app.use(async (context, next) => {
    const header = context.req.header('authorization')
    const caller = await callerOf(header, token, desk.authenticator(), desk.operators())
    if ('status' in caller) return refusalResponse(caller)
    context.set('caller', caller)
    context.set('lockedOut', () => lockedOut(desk, caller))
    const locked = ABOUT_ONESELF.has(context.req.path) ? undefined : lockedOut(desk, caller)
    if (locked !== undefined) return refusalResponse(locked)
    if (caller.kind === 'operator') return next()
    const held = inHand.begin(caller.principal.user)
    if (held === undefined) return refusalResponse(BUSY)
    context.set('held', held)
    try {
      await next()
    } finally {
      held.answered()
    }
    return undefined
  })
  app.get('/v1', (context) => context.json({ gateway: options.gatewayUrl }))
  app.route('/v1/approvals', approvalRoutes(desk))
  app.route('/v1/grants', grantRoutes(desk))
  app.route('/v1/locks', lockRoutes(desk))
  app.route('/v1', accessRoutes(desk, options.gatewayUrl))

  // Tapes hold what everybody did, and metrics how much.
  for (const path of ['/metrics', '/v1/tapes', '/v1/tapes/*', '/v1/log/*']) {
    app.use(path, async (context, next) => {
      return context.var.caller.kind === 'operator' ? next() : refusalResponse(ADMIN_TOKEN_ONLY)
    })
  }
  app.get('/metrics', async (context) => {
    return context.body(await options.metrics.metrics(), 200, { 'content-type': options.metrics.contentType })
  })
  app.route('/v1', tapeRoutes(new StoredTapes(options.reader)))
  refuseOtherMethods(app)
  app.notFound(() => refusalResponse(refuse(404, 'NotFound', 'admin.path', 'there is nothing here')))
  app.onError((error) => {
    options.failed?.(error)
    return refusalResponse(
      refuse(500, 'InternalError', 'admin.fault', 'the gateway could not answer; its log says why'),
    )
  })
  return app
}

/** 405 where a path is there for other methods. Behind all routes. */
function refuseOtherMethods(app: Hono<AdminEnv>): void {
  const methods = new Map<string, string[]>()
  for (const { path, method } of app.routes) {
    if (METHODS.some((one) => one === method)) methods.set(path, [...(methods.get(path) ?? []), method])
  }
  for (const [path, taken] of methods) {
    const allow = taken.join(', ')
    const refusal = refuse(405, 'MethodNotAllowed', 'admin.method', `this takes ${allow}`)
    app.all(path, () => refusalResponse(refusal, { allow }))
  }
}

const METHODS = ['GET', 'POST', 'DELETE'] as const

/** What a caller who is locked may still ask. */
const ABOUT_ONESELF = new Set(['/v1/whoami', '/v1/access'])

const BUSY = refuse(
  429,
  'TooManyRequests',
  'admin.user_requests',
  `you have ${limits.admin.userRequests} requests to the admin API under way, which is as many as one user may have`,
)

const ADMIN_TOKEN_ONLY = refuse(
  403,
  'Forbidden',
  'admin.token_only',
  'this is only for whoever has the admin token (admin.token in the data directory of the gateway)',
)

/** Refusals: admin.method, admin.origin. A page of another site has no token, and no business here either. */
function refusedBefore(request: HonoRequest): Refusal | undefined {
  const { method } = request
  if (!METHODS.some((one) => one === method)) {
    return refuse(405, 'MethodNotAllowed', 'admin.method', `the admin API takes ${METHODS.join(', ')}`)
  }
  const origin = request.header('origin')
  const site = request.header('sec-fetch-site') ?? 'none'
  const isOwn = origin === undefined || origin === `https://${request.header('host')}`
  if (isOwn && (site === 'none' || site === 'same-origin')) return undefined
  return refuse(403, 'Forbidden', 'admin.origin', 'the admin API is not for pages of other origins')
}

/** Whoever is locked neither asks nor answers, and takes no lock off. */
function lockedOut({ locks }: Desk, caller: Caller): Refusal | undefined {
  if (caller.kind === 'operator') return undefined
  const { user, actor } = caller.principal
  const lock = locks
    .list()
    .find(({ target: { kind, name } }) => (kind === 'user' && name === user) || (kind === 'actor' && name === actor))
  return lock === undefined ? undefined : lockRefusal(lock)
}

/** Splits "127.0.0.1:8444" or "[::1]:8444". */
function hostAndPort(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':')
  const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(address.slice(at + 1)) }
}
