// Runs a program to its end, for the lab suite, and gives its exit code and output.

import { spawn } from 'node:child_process'

export interface Ran {
  readonly code: number | null
  readonly out: Buffer
  readonly err: Buffer
}

export function run(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
  input?: Buffer,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env } })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.stdin.on('error', () => undefined) // a command that does not read its input
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out), err: Buffer.concat(err) }))
    child.stdin.end(input)
  })
}
