// Runs a kubeconfig's exec plugin (client.authentication.k8s.io) and turns the ExecCredential that it prints into
// credentials, kept until shortly before they end. Refuses output that is late, long, malformed or already expired;
// what the plugin prints on stderr is dropped, since it may be a secret.

import { type ChildProcess, spawn } from 'node:child_process'
import { z } from 'zod'
import type { Fields } from '../../protocols/fields.ts'
import { limits } from '../../protocols/limits.ts'
import type { Credentials } from './credentials.ts'
import { belongTogether, type ClientCertificate, type ExecCommand, isToken } from './kubeconfig.ts'
import { UpstreamFailed } from './upstream.ts'

/** What a run of the plugin gave. Times are milliseconds since 1970. */
interface Issued {
  readonly fields: Fields
  readonly certificate: ClientCertificate | undefined
  readonly issuedAt: number
  /** From here on a new one is fetched while this one still serves. */
  readonly renewAt: number
  /** From here on requests wait for the new one. */
  readonly staleAt: number
}

const credentialSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.literal('ExecCredential'),
  status: z.looseObject({
    expirationTimestamp: z.string().nullish(),
    token: z.string().nullish(),
    clientCertificateData: z.string().nullish(),
    clientKeyData: z.string().nullish(),
  }),
})

export class ExecPlugin implements Credentials {
  readonly #command: ExecCommand
  readonly #now: () => number
  #issued: Issued | undefined
  #running: Promise<Issued> | undefined
  #failure: UpstreamFailed | undefined
  #failedAt = 0
  #child: ChildProcess | undefined

  constructor(command: ExecCommand, now: () => number) {
    this.#command = command
    this.#now = now
  }

  get certificate(): ClientCertificate | undefined {
    return this.#issued?.certificate
  }

  async fields(): Promise<Fields> {
    const now = this.#now()
    const issued = this.#issued
    if (issued !== undefined && now < issued.renewAt) return issued.fields
    const renewed = this.#renew(now)
    if (issued === undefined || now >= issued.staleAt) return (await renewed).fields
    renewed.catch(() => undefined) // the old one still serves; a failure is seen again when it no longer does
    return issued.fields
  }

  /** A fresh credential is not thrown away: a 401 may also come from behind a proxy subresource. */
  refused(): void {
    const issued = this.#issued
    if (issued === undefined || this.#now() - issued.issuedAt < limits.gateway.credentialRetryMillis) return
    // The certificate stays until there is another one: connections are still being made with it.
    this.#issued = { ...issued, renewAt: Number.NEGATIVE_INFINITY, staleAt: Number.NEGATIVE_INFINITY }
  }

  close(): void {
    if (this.#child !== undefined) kill(this.#child)
  }

  /** One run at a time, whoever asks. */
  #renew(now: number): Promise<Issued> {
    if (this.#running !== undefined) return this.#running
    if (this.#failure !== undefined && now - this.#failedAt < limits.gateway.credentialRetryMillis) {
      return Promise.reject(this.#failure)
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #run(): Promise<Issued> {
    try {
      const output = await this.#output()
      const issued = readCredential(output, this.#command.apiVersion, this.#now())
      // The same certificate printed again is the same certificate: connections made with it stay good.
      const held = this.#issued?.certificate
      const same = held?.certificate === issued.certificate?.certificate && held?.key === issued.certificate?.key
      this.#issued = same ? { ...issued, certificate: held } : issued
      this.#failure = undefined
      return this.#issued
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : 'unknown error'
      const message = `the gateway's credential plugin for this cluster failed: ${why}; its operator can run it by hand to see more`
      this.#failure = new UpstreamFailed(503, 'upstream.credentials', message)
      this.#failedAt = this.#now()
      throw this.#failure
    }
  }

  /** Standard output of one run. Rejects with an error whose message is fixed text. */
  #output(): Promise<string> {
    const { apiVersion, command, args, env, cluster } = this.#command
    const spec = cluster === undefined ? { interactive: false } : { cluster, interactive: false }
    const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec })
    return new Promise((fulfil, reject) => {
      const child = spawn(command, args, {
        env: { ...process.env, ...env, KUBERNETES_EXEC_INFO: info },
        stdio: ['ignore', 'pipe', 'ignore'],
        detached: true, // a process group of its own, so that what it starts can be ended with it
      })
      this.#child = child
      const pieces: Buffer[] = []
      let length = 0
      const fail = (why: string): void => {
        kill(child)
        reject(new Error(why))
      }
      const timer = setTimeout(() => fail('it took too long'), limits.gateway.credentialMillis)
      child.stdout.on('data', (piece: Buffer) => {
        length += piece.length
        if (length > limits.gateway.credentialBytes) fail('it printed too much')
        else pieces.push(piece)
      })
      child.on('error', (error: NodeJS.ErrnoException) => fail(`it cannot be started (${error.code ?? 'unknown'})`))
      child.on('close', (code, signal) => {
        clearTimeout(timer)
        this.#child = undefined
        if (code === 0) fulfil(Buffer.concat(pieces).toString('utf8'))
        else reject(new Error(code === null ? `it was ended by ${signal}` : `it ended with exit code ${code}`))
      })
    })
  }
}

function kill(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL') // the group is gone already
  }
}

/** Errors are fixed text: nothing that was printed enters them. */
function readCredential(output: string, apiVersion: string, now: number): Issued {
  let json: unknown
  try {
    json = JSON.parse(output)
  } catch {
    throw new Error('it did not print JSON')
  }
  const parsed = credentialSchema.safeParse(json)
  if (!parsed.success) throw new Error('it did not print an ExecCredential with a status')
  if (parsed.data.apiVersion !== apiVersion)
    throw new Error('its ExecCredential has another apiVersion than configured')
  const { token, clientCertificateData: pem, clientKeyData: key, expirationTimestamp } = parsed.data.status
  const certificate = pem == null || key == null ? undefined : { certificate: pem, key }
  if ((pem == null) !== (key == null)) throw new Error('it printed a certificate without its key, or the reverse')
  if (certificate !== undefined && !belongTogether(certificate.certificate, certificate.key)) {
    throw new Error('its certificate and key are not PEM, or not of the same key pair')
  }
  if (token == null && certificate === undefined) throw new Error('it printed neither a token nor a certificate')
  if (token != null && !isToken(token)) throw new Error('its token is empty, too long, or has impossible characters')
  const expiresAt = expirationTimestamp == null ? Number.POSITIVE_INFINITY : Date.parse(expirationTimestamp)
  if (Number.isNaN(expiresAt)) throw new Error('its expirationTimestamp is not a time')
  const life = expiresAt - now
  if (life <= 0) throw new Error('its credential has already expired (is the clock right?)')
  const margin = Math.min(limits.gateway.credentialMarginMillis, life / 4)
  return {
    fields: token == null ? [] : ['Authorization', `Bearer ${token}`],
    certificate,
    issuedAt: now,
    renewAt: expiresAt - margin,
    staleAt: expiresAt - margin / 4,
  }
}
