// `sallyport serve`: reads the configuration, starts the gateway, says once on stdout that it is ready, reloads on SIGHUP
// and on change, and drains on SIGTERM and SIGINT. Logs are JSON lines on stderr.

import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import pino, { type Logger } from 'pino'
import { type Config, ConfigError, readConfig } from './config.ts'
import { type RunningGateway, startGateway } from './gateway.ts'
import { endOfLife } from './node-version.ts'

/** Editors write a file in several steps: look once they are done. */
const SETTLE_MILLIS = 200

/** Runs until it has drained. Resolves with the exit code: 0, or 1 if it could not start. */
export async function serve(options: { config: string }): Promise<number> {
  const log = pino({ base: { pid: process.pid } }, pino.destination({ dest: 2, sync: true }))
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
  const reload = (): void => reloadFrom(options.config, gateway, log)
  const watchers = watchFiles([options.config, ...(config.policyFile === undefined ? [] : [config.policyFile])], reload)
  process.on('SIGHUP', reload)
  const { address, admin, ca } = gateway
  process.stdout.write(`${JSON.stringify({ ready: true, address, admin, ca, pid: process.pid })}\n`)
  const signal = await new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  log.info({ signal }, 'draining: no new requests, streams get their grace')
  for (const watcher of watchers) watcher.close()
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

function reloadFrom(file: string, gateway: RunningGateway, log: Logger): void {
  try {
    gateway.reload(readConfig(file))
    log.info('configuration reloaded')
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems : undefined
    log.error(
      { problems, err: problems === undefined ? error : undefined },
      'not reloaded: the old configuration stays',
    )
  }
}

/** Watches the folders, since a file that is replaced is another file; quiet for a moment, then one call. */
function watchFiles(files: readonly string[], changed: () => void): FSWatcher[] {
  let timer: NodeJS.Timeout | undefined
  return files.map((file) =>
    watch(dirname(file), (_event, name) => {
      if (name !== null && name !== basename(file)) return
      clearTimeout(timer)
      timer = setTimeout(changed, SETTLE_MILLIS)
      timer.unref()
    }),
  )
}
