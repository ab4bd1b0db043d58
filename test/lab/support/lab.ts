// The lab for tests: builds the real kube-apiserver of test/lab/cluster (Go), starts it, and ends it with the test.

import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** What the lab says when it is ready (test/lab/cluster/README.md). */
export interface Lab {
  readonly apiserver: string
  readonly adminKubeconfig: string
  readonly gatewayKubeconfig: string
  readonly ca: string
  readonly auditLog: string
  readonly state: string
  /** A line for each header of each HTTP/2 answer and more, "" if not asked for. */
  readonly http2Log: string
  stop(): Promise<void>
}

const SOURCES = fileURLToPath(new URL('../cluster/', import.meta.url))
const BINARIES = fileURLToPath(new URL('../bin/', import.meta.url))
const VERSION = '-X k8s.io/component-base/version.gitVersion=v1.37.2'

/** Builds what is missing or older than its sources; the first build takes about 5 minutes and 3 GB of Go's cache. */
export function build(name: 'lab' | 'kubectl' | 'requestinfo' | 'spdypeer' | 'clients'): string {
  const binary = join(BINARIES, name)
  const folder = name === 'lab' ? '.' : `./cmd/${name}`
  if (existsSync(binary) && statSync(binary).mtimeMs > newest(join(SOURCES, folder))) return binary
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' })
  } catch {
    throw new Error('the lab suite needs Go 1.26 or later on the PATH: it builds a real kube-apiserver')
  }
  process.stderr.write(`# building ${name} (the first time takes minutes)\n`)
  execFileSync('go', ['build', '-ldflags', VERSION, '-o', binary, folder], {
    cwd: SOURCES,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return binary
}

function newest(folder: string): number {
  let latest = statSync(join(SOURCES, 'go.mod')).mtimeMs
  for (const file of readdirSync(folder)) {
    if (/\.(go|yaml)$/.test(file)) latest = Math.max(latest, statSync(join(folder, file)).mtimeMs)
  }
  return latest
}

/** `flags`: test/lab/cluster/README.md. `logsHttp2` makes Go's HTTP/2 code tell all it does: about 10 KB a request. */
export async function startLab(flags: readonly string[] = [], logsHttp2 = false): Promise<Lab> {
  const binary = build('lab')
  const state = mkdtempSync(join(tmpdir(), 'sallyport-lab-'))
  const http2Log = logsHttp2 ? join(state, 'http2.log') : ''
  const log = logsHttp2 ? openSync(http2Log, 'w') : undefined
  const child = spawn(binary, ['-state', join(state, 'lab'), ...flags], {
    stdio: ['ignore', 'pipe', log ?? 'inherit'],
    env: logsHttp2 ? { ...process.env, GODEBUG: 'http2debug=1' } : process.env,
  }) as ChildProcessByStdio<null, Readable, null> // Node's types do not know a descriptor among the three
  if (log !== undefined) closeSync(log)
  // However this process ends, the lab and its pods end with it.
  const end = (): void => void child.kill('SIGTERM')
  process.once('exit', end)
  const line = await readyLine(child, 'the lab')
  const stop = async (): Promise<void> => {
    process.off('exit', end)
    end()
    await exited(child)
    rmSync(state, { recursive: true, force: true })
  }
  return { ...(JSON.parse(line) as Omit<Lab, 'stop' | 'http2Log'>), http2Log, stop }
}

type Child = ChildProcessByStdio<Writable | null, Readable, Readable | null>

/** The first line a process prints; rejects if it ends before. */
export function readyLine(child: Child, what: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface(child.stdout)
    lines.once('line', (line) => resolve(line))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${what} ended with ${code} before it was ready`)))
  })
}

export function exited(child: Child): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)))
}

/** The kubectls to test with: the lab's own, each `kubectl*` on the PATH, and those named in KUBECTLS. */
export function kubectls(): string[] {
  const found = new Set([realpathSync(build('kubectl'))])
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '' || !existsSync(folder)) continue
    for (const name of readdirSync(folder))
      if (/^kubectl([-.0-9v]*)$/.test(name)) found.add(realpathSync(join(folder, name)))
  }
  for (const path of (process.env.KUBECTLS ?? '').split(/[\s:,]+/)) if (path !== '') found.add(realpathSync(path))
  return [...found]
}
