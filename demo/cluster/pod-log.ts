// A request for a container's log -> its lines, as `kubectl logs` asks for them (PodLogOptions of core/v1): the last ones,
// since a time, with timestamps, followed until the container ends.

import type { ContainerLog, LogLine } from './container-log.ts'
import { ApiError } from './status.ts'

/** Writes the log. Returns what stops a followed one; `end` is called when there is no more. Throws ApiError (400). */
export function writeLog(
  log: ContainerLog,
  query: URLSearchParams,
  now: number,
  write: (bytes: Uint8Array) => void,
  end: () => void,
): () => void {
  const tail = wholeNumber(query, 'tailLines')
  const seconds = wholeNumber(query, 'sinceSeconds')
  const limit = wholeNumber(query, 'limitBytes') ?? Number.POSITIVE_INFINITY
  const sinceTime = query.get('sinceTime') ?? ''
  const since = seconds !== undefined ? now - seconds * 1000 : sinceTime === '' ? 0 : Date.parse(sinceTime)
  if (Number.isNaN(since)) throw new ApiError('BadRequest', 'sinceTime is not a time')
  const timestamps = isTrue(query, 'timestamps')
  let left = limit
  const tell = ({ time, bytes }: LogLine): void => {
    const line = timestamps
      ? Buffer.concat([Buffer.from(`${new Date(time).toISOString().replace('Z', '000000Z')} `), bytes])
      : bytes
    write(line.subarray(0, Math.min(left, line.length)))
    left -= line.length
  }
  const lines = log.lines.filter(({ time }) => time >= since)
  const shown = tail === undefined ? lines : lines.slice(Math.max(0, lines.length - tail))
  for (const line of shown) if (left > 0) tell(line)
  if (!isTrue(query, 'follow') || log.ended || left <= 0) {
    end()
    return () => {}
  }
  const stop = log.follow((line) => {
    if (line.bytes.length > 0) tell(line)
    if (left > 0 && !log.ended) return
    stop()
    end()
  })
  return stop
}

/** Kubernetes' own reading of a boolean parameter (apimachinery pkg/runtime/conversion.go): "" is true. */
export function isTrue(query: URLSearchParams, name: string): boolean {
  const value = query.get(name)
  return value !== null && value !== '0' && value.toLowerCase() !== 'false'
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  if (!/^\d{1,12}$/.test(value)) throw new ApiError('BadRequest', `${name} is not a whole number`)
  return Number(value)
}
