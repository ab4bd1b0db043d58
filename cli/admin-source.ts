// The options and variables that say which gateway, and as whom -> its admin API. A token goes only where its owner has said
// that it goes: to the server that is named with it, or to the gateway of the kubeconfig's own context.

import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Argv } from 'yargs'
import { printable } from '../replay/printable.ts'
import { AdminApi } from './admin-api.ts'
import { CommandFailed, EXIT, EXIT_CODES_HELP } from './exit-codes.ts'
import type { Io } from './io.ts'
import type { Program } from './program.ts'
import { announced, type Running, readText } from './source.ts'
import { DATA } from './source-options.ts'

export interface AdminChoice {
  readonly data: string | undefined
  readonly server: string | undefined
  readonly ca: string | undefined
  readonly tokenFile: string | undefined
  readonly context: string | undefined
}

/** Adds the options of every command that calls the admin API. */
export function withAdmin<T>(yargs: Argv<T>) {
  return yargs
    .option('data', {
      type: 'string',
      requiresArg: true,
      describe: `The data directory of a gateway on this machine (default ${DATA})`,
    })
    .option('server', {
      alias: 'admin',
      type: 'string',
      requiresArg: true,
      describe: "The gateway's admin address, https://HOST:PORT ($SALLYPORT_SERVER)",
    })
    .option('ca', {
      type: 'string',
      requiresArg: true,
      describe: 'With --server: PEM file to verify its certificate with ($SALLYPORT_CA)',
    })
    .option('token-file', {
      type: 'string',
      requiresArg: true,
      describe: 'File with your OIDC token ($SALLYPORT_TOKEN_FILE, or the token itself in $SALLYPORT_TOKEN)',
    })
    .option('context', {
      type: 'string',
      requiresArg: true,
      describe: "The kubeconfig's context whose user you are; without it the current one, if it is of this gateway",
    })
    .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
    .group(['data', 'server', 'ca', 'token-file', 'context'], 'Which gateway, and as whom:')
    .epilogue(EXIT_CODES_HELP)
}

/**
 * Runs a command's work with the API. `as`: "person" for what somebody by name must do; "anybody" for what the admin token
 * of a gateway on this machine can do as well, which then is preferred to a kubeconfig.
 */
export function runWithAdmin(
  program: Program,
  choice: AdminChoice,
  as: 'person' | 'anybody',
  work: (api: AdminApi, io: Io) => Promise<number>,
): Promise<void> {
  return program.run(async (io) => {
    const api = await adminApi(choice, as)
    try {
      return await work(api, io)
    } finally {
      api.close()
    }
  })
}

/** Throws CommandFailed. */
async function adminApi(choice: AdminChoice, as: 'person' | 'anybody'): Promise<AdminApi> {
  const { env } = process
  const server = choice.server ?? (choice.data === undefined ? env.SALLYPORT_SERVER : undefined)
  if (server !== undefined && choice.data !== undefined) {
    throw new CommandFailed('give either --server or --data', EXIT.USAGE)
  }
  const data = choice.data ?? DATA
  const running = server === undefined ? await announced(data) : undefined
  const address = server ?? running?.address
  if (address === undefined) {
    const message = `no gateway runs on ${data}: name its data directory with --data, or its admin address with --server`
    throw new CommandFailed(printable(message))
  }
  const url = URL.canParse(address) ? new URL(address) : undefined
  // The token would otherwise go over the network in the clear.
  if (url?.protocol !== 'https:') throw new CommandFailed('--server must be an https:// address', EXIT.USAGE)
  const caFile = choice.ca ?? (running === undefined ? env.SALLYPORT_CA : running.ca)
  const ca = caFile === undefined ? undefined : await readText(caFile, 'the certificate authority')
  return new AdminApi({ url, token: await tokenOf(choice, as, url, running), ca })
}

async function tokenOf(
  choice: AdminChoice,
  as: 'person' | 'anybody',
  url: URL,
  running: Running | undefined,
): Promise<string> {
  const { env } = process
  if (choice.tokenFile !== undefined) return tokenIn(choice.tokenFile)
  if (choice.context !== undefined) return kubeconfigToken(choice.context, undefined)
  if ((env.SALLYPORT_TOKEN ?? '') !== '') return (env.SALLYPORT_TOKEN as string).trim()
  if ((env.SALLYPORT_TOKEN_FILE ?? '') !== '') return tokenIn(env.SALLYPORT_TOKEN_FILE as string)
  if (as === 'anybody' && running !== undefined) return tokenIn(running.tokenFile)
  const token = await kubeconfigToken(undefined, placesOf(url, running)).catch((error: unknown) => {
    if (error instanceof CommandFailed) return undefined
    throw error
  })
  if (token !== undefined) return token
  if (running !== undefined) return tokenIn(running.tokenFile)
  throw new CommandFailed(
    'the gateway must know who you are: name a file with your OIDC token (--token-file, $SALLYPORT_TOKEN_FILE), set $SALLYPORT_TOKEN, or name a context of your kubeconfig with --context',
    EXIT.USAGE,
  )
}

async function tokenIn(path: string): Promise<string> {
  return (await readText(path, 'the token')).trim()
}

/**
 * Where a context's server must be for its user's token to be sent to this gateway: at the gateway's own address, or on the
 * host of its admin API. This machine's host is no sign: other clusters' servers may be there too.
 */
function placesOf(url: URL, running: Running | undefined): readonly string[] {
  if (running !== undefined) return URL.canParse(running.gateway) ? [placeOf(new URL(running.gateway))] : []
  const host = hostOf(url.hostname)
  return host === 'localhost' ? [] : [host]
}

/**
 * The bearer token of a context's user, of its own or by its exec plugin. `places`: where its server must be; undefined: the
 * context was named. Throws CommandFailed.
 */
async function kubeconfigToken(context: string | undefined, places: readonly string[] | undefined): Promise<string> {
  const { KubeconfigError, readKubeconfig } = await import('../gateway/upstream/kubeconfig.ts')
  const { openCredentials } = await import('../gateway/upstream/credentials.ts')
  const { UpstreamFailed } = await import('../gateway/upstream/upstream.ts')
  const { fieldValues } = await import('../protocols/fields.ts')
  const path = (process.env.KUBECONFIG ?? '').split(delimiter).find((file) => file !== '' && existsSync(file))
  try {
    const { address, user } = readKubeconfig(path ?? join(homedir(), '.kube', 'config'), context)
    const host = hostOf(address.host)
    if (places !== undefined && ![host, `${host}:${address.port}`].some((place) => places.includes(place))) {
      throw new CommandFailed('the context is of another server')
    }
    const credentials = openCredentials(user, Date.now)
    const [value = ''] = fieldValues(await credentials.fields(), 'authorization')
    credentials.close()
    if (value !== '') return value.replace(/^Bearer /, '')
  } catch (error) {
    if (error instanceof CommandFailed) throw error
    if (error instanceof KubeconfigError || error instanceof UpstreamFailed) {
      throw new CommandFailed(printable(`the kubeconfig cannot be used: ${error.message}`))
    }
    throw error
  }
  throw new CommandFailed('the user of this context has no token: the gateway knows people by OIDC tokens')
}

/** "localhost:8443". */
function placeOf(url: URL): string {
  return `${hostOf(url.hostname)}:${url.port === '' ? 443 : url.port}`
}

/** The names of this machine are one. */
function hostOf(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/.test(bare) ? 'localhost' : bare
}
