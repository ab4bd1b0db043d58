// Entries of a tape -> one JSON object a line, with nothing left out: every body as it was written, bytes as base64 and
// also as text where they are UTF-8. The stored hash stands beside each entry.

import { printableJson } from './printable.ts'
import type { StoredEntry } from './tapes.ts'

/** The lines, each with its line end. Safe to print on a terminal. */
export async function* jsonLines(entries: AsyncIterable<StoredEntry>): AsyncGenerator<string> {
  let openedAt = 0
  for await (const stored of entries) {
    if (stored.entry.kind === 'open') openedAt = stored.entry.body.openedAt
    yield `${printableJson(plainEntry(stored, openedAt))}\n`
  }
}

/** An entry as plain JSON values. `openedAt` is the tape's, in microseconds since 1970. */
export function plainEntry({ entry, hash }: StoredEntry, openedAt: number): Record<string, unknown> {
  return {
    seq: entry.seq,
    time: isoTime(openedAt + entry.micros),
    micros: entry.micros,
    kind: entry.kind,
    hash: Buffer.from(hash).toString('hex'),
    body: plain(entry.body),
  }
}

/** Microseconds since 1970 as RFC 3339 with six digits; "" for what is no time. */
export function isoTime(micros: number): string {
  const millis = Math.floor(micros / 1000)
  const date = new Date(millis)
  if (Number.isNaN(date.getTime())) return ''
  return date.toISOString().replace('Z', `${String(Math.floor(micros - millis * 1000)).padStart(3, '0')}Z`)
}

function plain(value: unknown, name?: string): unknown {
  if (value instanceof Uint8Array) return name === 'sha256' ? Buffer.from(value).toString('hex') : plainBytes(value)
  if (Array.isArray(value)) return value.map((element) => plain(element))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner, key)]))
}

function plainBytes(bytes: Uint8Array): { base64: string; text?: string } {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
  try {
    return { base64, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { base64 }
  }
}
