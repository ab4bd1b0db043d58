// A measured process: started, ready by its first line on stdout, its CPU time and memory read from the kernel.

import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** Clock ticks a second of /proc/PID/stat (sysconf(_SC_CLK_TCK) on Linux). */
const TICKS = 100

export interface Measured {
  readonly pid: number
  /** What its ready line said. */
  readonly ready: Readonly<Record<string, unknown>>
  /** CPU seconds so far, all threads, user and system. */
  cpu(): number
  /** Resident bytes. */
  memory(): number
  stop(): Promise<void>
}

/** Starts a program whose first line on stdout is JSON. Its stderr is shown if it ends before that. */
export async function start(command: string, args: readonly string[]): Promise<Measured> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    if (complaints.length < 4096) complaints += chunk.toString()
  })
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${command} ended with ${code}: ${complaints}`)))
  })
  const pid = child.pid as number
  return {
    pid,
    ready: JSON.parse(line) as Record<string, unknown>,
    cpu: () => cpuSeconds(pid),
    memory: () => residentBytes(pid),
    stop: () => stop(child),
  }
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The second field is the program's name in brackets and may hold spaces; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
