// Sees to it that an input which is never done with is a finding too: a thread of its own, since the one that runs the
// input cannot be interrupted. Stores the input and ends the process.

import { createHash } from 'node:crypto'
import { writeFileSync, writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'

/** Longer than any input may take, collections of garbage and a busy machine included. */
const PATIENCE_MILLIS = 10_000

/** @type {{ progress: Int32Array, input: Uint8Array, folder: string }} */
const { progress, input, folder } = workerData
let last = -1

setInterval(() => {
  const [executions = 0, length = 0] = progress
  if (executions === last) {
    const bytes = input.slice(0, length)
    const path = `${folder}crash-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`
    writeFileSync(path, bytes)
    writeSync(2, `an input takes longer than ${PATIENCE_MILLIS / 1000} s; it is in ${path}\n`)
    process.kill(process.pid, 'SIGKILL')
  }
  last = executions
}, PATIENCE_MILLIS)
