// The tour's calls by the kubectl that is on the PATH, if one is. It gets its own home, so that it neither reads the user's
// configuration nor leaves anything in it.

import { spawn } from 'node:child_process'
import { type Caller, kubectlWords, type Result } from './call.ts'

const DEADLINE_MILLIS = 20_000

/** A caller that uses kubectl, or undefined if there is none that works. `home` is a folder for its caches. */
export async function kubectlCaller(kubeconfig: string, context: string, home: string): Promise<Caller | undefined> {
  const environment = { PATH: process.env.PATH ?? '', HOME: home, KUBECONFIG: kubeconfig }
  const version = await run(['version', '--client'], environment).catch(() => undefined)
  if (version?.code !== 0) return undefined
  return (call) => run([`--context=${context}`, ...kubectlWords(call)], environment)
}

function run(words: readonly string[], environment: Record<string, string>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn('kubectl', words, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    // Node's own `timeout` goes on running for a program that is not there.
    const deadline = setTimeout(() => child.kill(), DEADLINE_MILLIS)
    let text = ''
    const take = (bytes: Uint8Array): void => {
      text += Buffer.from(bytes).toString('utf8')
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', (error) => {
      clearTimeout(deadline)
      reject(error)
    })
    child.on('close', (code) => {
      clearTimeout(deadline)
      resolve({ text, code: code ?? 1 })
    })
  })
}
