// What is secret within a value: passwords of connection strings, lines of a key, values of environment files, strings of
// JSON such as docker's and kubeconfig's, and all of that again within base64. Gives parts; whether one is worth learning
// is for isLearnable to say.

import { isUtf8 } from 'node:buffer'

/** Longer values are learned by pieces alone. */
const LONGEST_READ = 262_144
/** A line, or what is encoded, that is shorter has no entropy to speak of. */
const SHORTEST_LINE = 16
/** Parts of one value. */
const MOST_PARTS = 512

const CONNECTION = /:\/\/[^\s:/@]{0,256}:([^\s@]{1,512})@/g
const ASSIGNMENT = /^\s*(?:export\s+|-\s+)?["']?([\w.-]+)["']?\s*[:=]\s*(.*)$/
const SECRET_NAME = /pass|secret|token|key|cred|auth|pwd|private|signature|salt|dsn|conn/i
const BASE64 = /^[A-Za-z0-9+/_-]{16,}={0,2}$/

/** The parts of a value that are secret by themselves, without the value. */
export function innerSecrets(value: Uint8Array, depth: number): Uint8Array[] {
  const parts: Uint8Array[] = []
  if (value.length <= LONGEST_READ) collect(Buffer.from(value).toString('utf8'), depth, parts)
  return parts
}

function collect(text: string, depth: number, parts: Uint8Array[]): void {
  if (depth === 0 || text.includes('\ufffd')) return
  for (const [, password = ''] of text.matchAll(CONNECTION)) {
    add(password, parts)
    if (password.includes('%')) add(percentDecoded(password), parts)
  }
  const trimmed = text.trim()
  if (trimmed !== text) add(trimmed, parts)
  if (/^[[{]/.test(trimmed) && collectJson(trimmed, depth, parts)) return
  const lines = text.split(/\r?\n/)
  for (const line of lines) collectLine(line, lines.length > 1, depth, parts)
  if (BASE64.test(trimmed)) collectDecoded(trimmed, depth, parts)
}

function collectLine(line: string, isOneOfSeveral: boolean, depth: number, parts: Uint8Array[]): void {
  const trimmed = line.trim()
  if (isOneOfSeveral && trimmed.length >= SHORTEST_LINE && isDense(trimmed)) add(trimmed, parts)
  const [, name = '', assigned = ''] = ASSIGNMENT.exec(line) ?? []
  if (name === '') return
  const value = assigned.trim().replace(/^(["'])(.*)\1[,;]?$/, '$2')
  if (!SECRET_NAME.test(name) && !isDense(value)) return
  add(value, parts)
  if (BASE64.test(value)) collectDecoded(value, depth, parts)
}

/** True if it was JSON. */
function collectJson(text: string, depth: number, parts: Uint8Array[]): boolean {
  let root: unknown
  try {
    root = JSON.parse(text)
  } catch {
    return false
  }
  const open: unknown[] = [root]
  while (open.length > 0 && parts.length < MOST_PARTS) {
    const value = open.pop()
    if (typeof value === 'string') {
      add(value, parts)
      collect(value, depth - 1, parts)
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, below] of Object.entries(value))
        if (!/^(user(name)?|email|name|kind|apiVersion|type)$/.test(key)) open.push(below)
    }
  }
  return true
}

function collectDecoded(text: string, depth: number, parts: Uint8Array[]): void {
  const decoded = Buffer.from(text, 'base64')
  if (!isUtf8(decoded)) return
  const meant = decoded.toString('utf8')
  if (meant.includes('\ufffd') || /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(meant)) return
  add(meant, parts)
  // Basic authentication, docker's "auth".
  const [, password = ''] = /^[^\s:]+:(\S+)$/.exec(meant) ?? []
  add(password, parts)
  collect(meant, depth - 1, parts)
}

/** One word of many kinds of characters: neither prose nor a heading. */
function isDense(line: string): boolean {
  return (
    line.length >= SHORTEST_LINE &&
    !/\s/.test(line) &&
    new Set(line).size >= 8 &&
    /\d/.test(line) &&
    /[A-Za-z]/.test(line)
  )
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function add(text: string, parts: Uint8Array[]): void {
  if (text !== '' && parts.length < MOST_PARTS) parts.push(Buffer.from(text))
}
