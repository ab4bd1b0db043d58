// `sallyport serve`: reads the configuration, starts the gateway, says once on stdout that it is ready, reloads on SIGHUP
// and on change, and drains on SIGTERM and SIGINT. Logs are JSON lines on stderr.

import pino, { type Logger } from 'pino'
import { type Config, ConfigError, readConfig } from './config.ts'
import { type RunningGateway, startGateway } from './gateway.ts'
import { loggedError } from './logged-error.ts'
import { endOfLife } from './node-version.ts'
import { WatchedFiles } from './watched-files.ts'

/** Runs until it has drained. Resolves with the exit code: 0, or 1 if it could not start. */
export async function serve(options: { config: string }): Promise<number> {
  const log = pino(
    { base: { pid: process.pid }, serializers: { err: loggedError } },
    pino.destination({ dest: 2, sync: true }),
  )
  const old = endOfLife(process.versions.node, new Date().toISOString().slice(0, 10))
  if (old !== undefined) log.warn(old)
  let config: Config
  let gateway: RunningGateway
  try {
    config = readConfig(options.config)
    gateway = await startGateway(config, log)
  } catch (error) {
    sayWhyNot(log, error)
    return 1
  }
  const reload = (): void => {
    config = reloadFrom(options.config, config, gateway, log)
    watched.watch(filesOf(options.config, config))
  }
  const watched = new WatchedFiles(reload, (error) => log.warn({ err: error }, 'changes of a file may not be seen'))
  watched.watch(filesOf(options.config, config))
  process.on('SIGHUP', reload)
  const { address, admin, ca } = gateway
  process.stdout.write(`${JSON.stringify({ ready: true, address, admin, ca, pid: process.pid })}\n`)
  const signal = await new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  log.info({ signal }, 'draining: no new requests, streams get their grace')
  watched.close()
  process.off('SIGHUP', reload)
  await gateway.close()
  log.info('drained')
  return 0
}

/** Every mistake on a line of its own on stderr, in words: this is for the person who starts it. */
function sayWhyNot(log: Logger, error: unknown): void {
  if (error instanceof ConfigError) {
    for (const problem of error.problems) {
      process.stderr.write(`${problem.file}:${problem.line}:${problem.column}: ${problem.message}\n`)
    }
  } else if (error instanceof Error) {
    process.stderr.write(`sallyport: ${error.message}\n`)
    log.debug({ err: error }, 'the gateway did not start')
  }
}

/** Takes over what is in the files now; or says why not, and goes on with what it had. Returns the configuration in force. */
function reloadFrom(file: string, current: Config, gateway: RunningGateway, log: Logger): Config {
  try {
    const config = readConfig(file)
    gateway.reload(config)
    log.info('configuration reloaded')
    return config
  } catch (error) {
    gateway.refused(error)
    const problems = error instanceof ConfigError ? error.problems : undefined
    log.error(
      { problems, err: problems === undefined ? error : undefined },
      'not reloaded: the old configuration and policy stay in force',
    )
    return current
  }
}

function filesOf(file: string, { policyFile }: Config): string[] {
  return policyFile === undefined ? [file] : [file, policyFile]
}
