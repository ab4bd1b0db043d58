// The admin API on a TLS listener of its own: health for probes, metrics and tapes for who holds the token. It reads and
// never changes anything; other methods, bodies and callers without the token are refused.

import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import type { Registry } from 'prom-client'
import { limits } from '../../protocols/limits.ts'
import type { KeyValueReader } from '../../protocols/tape/reader.ts'
import { StoredTapes } from '../../replay/stored-tapes.ts'
import type { Authenticator } from '../authn/authenticator.ts'
import type { People } from '../people.ts'
import type { Policy } from '../policy/policy.ts'
import { adminToken, isAuthorized } from './admin-token.ts'
import { announce } from './announcement.ts'
import { tapeRoutes } from './tape-routes.ts'

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
  readonly people: AdminPeople
  readonly metrics: Registry
  /** Where the gateway itself listens, for who finds the admin API first. */
  readonly gatewayUrl: string
  /** Told when a request could not be answered because the store could not be read. */
  readonly failed?: (error: Error) => void
}

/** What people ask, answer and lock; policy and identity as they are at the moment. */
export interface AdminPeople extends Pick<People, 'approvals' | 'grants' | 'locks'> {
  policy(): Policy
  authenticator(): Authenticator
  /** Names, the default first. */
  clusters(): readonly string[]
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

function routes(options: AdminOptions, token: string): Hono<{ Bindings: { incoming: IncomingMessage } }> {
  const app = new Hono<{ Bindings: { incoming: IncomingMessage } }>()

  app.use(async (context, next) => {
    if (context.req.method === 'GET') await next()
    else context.res = context.json({ error: 'the admin API only reads' }, 405, { allow: 'GET' })
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.res.headers.set(name, value)
  })

  app.get('/healthz', (context) => context.text('ok\n'))
  app.get('/readyz', (context) => {
    const fault = options.state.fault()
    return fault === undefined ? context.text('ok\n') : context.text(`not ready: ${fault}\n`, 503)
  })

  // Everything from here on, unknown paths as well, is only for who has the token.
  app.use(async (context, next) => {
    if (isAuthorized(context.req.header('authorization'), token)) return next()
    return context.json({ error: 'a bearer token is needed: the content of admin.token in the data directory' }, 401, {
      'www-authenticate': 'Bearer realm="sallyport-admin"',
    })
  })
  app.get('/metrics', async (context) => {
    return context.body(await options.metrics.metrics(), 200, { 'content-type': options.metrics.contentType })
  })
  app.get('/v1', (context) => context.json({ gateway: options.gatewayUrl }))
  app.route('/v1', tapeRoutes(new StoredTapes(options.reader)))
  app.notFound((context) => context.json({ error: 'there is nothing here' }, 404))
  app.onError((error, context) => {
    options.failed?.(error)
    return context.json({ error: 'the store could not be read' }, 500)
  })
  return app
}

/** Splits "127.0.0.1:8444" or "[::1]:8444". */
function hostAndPort(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':')
  const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(address.slice(at + 1)) }
}
