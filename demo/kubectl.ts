// The tour's calls by the kubectl that is on the PATH, if one is. It gets its own home, so that it neither reads the user's
// configuration nor leaves anything in it.

import { spawn } from 'node:child_process'
import { type Caller, kubectlWords, type Result } from './call.ts'

/** Longer than a call may wait for a person's yes. */
const DEADLINE_MILLIS = 150_000

/** A caller that uses kubectl, or undefined if there is none that works. `home` is a folder for its caches. */
export async function kubectlCaller(kubeconfig: string, context: string, home: string): Promise<Caller | undefined> {
  const environment = { PATH: process.env.PATH ?? '', HOME: home, KUBECONFIG: kubeconfig }
  const version = await run(['version', '--client'], environment).catch(() => undefined)
  if (version?.code !== 0) return undefined
  return async (call) => {
    let result: Result = { text: '', code: 0 }
    for (const words of kubectlWords(call)) {
      result = await run([`--context=${context}`, ...words], environment, result.text)
      if (result.code !== 0) break
    }
    return result
  }
}

function run(words: readonly string[], environment: Record<string, string>, input = ''): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn('kubectl', words, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] })
    // A program that does not read its input may be gone before it is written.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
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
