// Turns the path of a request target into its segments and its one canonical encoding. Refuses all that two readers could
// read apart: encoded separators, backslashes, dot and empty segments, double encoding, control characters, ";".

import { type Refusal, refuse } from './decision.ts'

export interface RequestPath {
  /** Decoded, without empty ones. */
  readonly segments: readonly string[]
  /** Decoded; begins with "/", and ends with one if it was received so (a proxied page's address depends on it). */
  readonly decoded: string
  /** The same path as Go's net/url encodes it (EscapedPath), which is what kubectl sends. */
  readonly encoded: string
}

/** What a character of a raw path is; 0 is refused. */
const PLAIN = 1
const SLASH = 2
const ESCAPE = 3
/** Legal (RFC 3986 section 3.3), but Go encodes it. */
const SUB_DELIMITER = 4

const CLASSES = new Uint8Array(128)
classify(PLAIN, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~$&+,:=@')
classify(SLASH, '/')
classify(ESCAPE, '%')
classify(SUB_DELIMITER, "!'()*")

/** Characters that no segment may decode to, by the rule that refuses them. */
const FORBIDDEN: readonly (readonly [RegExp, string, string])[] = [
  [/\u0000/, 'path.nul', 'the path holds an encoded NUL'],
  [/\//, 'path.encoded_slash', 'the path holds an encoded slash (%2F), which Kubernetes would read as a separator'],
  [/\\/, 'path.backslash', 'the path holds a backslash'],
  [
    /%/,
    'path.encoded_percent',
    'the path holds an encoded percent sign (%25), which a second reader would decode again',
  ],
  [/;/, 'path.semicolon', 'the path holds a semicolon, which some servers cut off with what follows it'],
  [/[\u0001-\u001f\u007f-\u009f]/, 'path.control', 'the path holds a control character'],
]

/** `raw`: the target up to the first "?". */
export function requestPath(raw: string): RequestPath | Refusal {
  if (raw.charCodeAt(0) !== 0x2f) return wrong('path.form', 'the target must begin with a slash')
  let classes = 0
  for (let at = 0; at < raw.length; at += 1) {
    const code = raw.charCodeAt(at)
    const kind = code < 128 ? (CLASSES[code] as number) : 0
    if (kind === 0) return wrongCharacter(code)
    classes |= 1 << kind
  }
  const isPlain = (classes & ((1 << ESCAPE) | (1 << SUB_DELIMITER))) === 0

  const segments = raw.split('/')
  segments.shift()
  const endsWithSlash = segments[segments.length - 1] === ''
  if (endsWithSlash) segments.pop()
  for (let at = 0; at < segments.length; at += 1) {
    const segment = segments[at] as string
    if (segment === '') return wrong('path.empty_segment', 'the path holds an empty segment ("//")')
    if (!isPlain && segment.includes('%')) {
      const decoded = decode(segment)
      if (typeof decoded !== 'string') return decoded
      segments[at] = decoded
    }
    const name = segments[at]
    if (name === '.' || name === '..') return wrong('path.dot_segment', 'the path holds a "." or ".." segment')
  }
  if (isPlain) return { segments, decoded: raw, encoded: raw }
  const end = endsWithSlash ? '/' : ''
  return {
    segments,
    decoded: `/${segments.join('/')}${end}`,
    encoded: `/${segments.map(encode).join('/')}${end}`,
  }
}

function decode(segment: string): string | Refusal {
  let text: string
  try {
    text = decodeURIComponent(segment)
  } catch {
    if (/%(?![0-9A-Fa-f]{2})/.test(segment)) return wrong('path.percent', 'the path holds a "%" without two hex digits')
    return wrong('path.utf8', 'the path is not UTF-8 once decoded')
  }
  for (const [pattern, rule, message] of FORBIDDEN) if (pattern.test(text)) return wrong(rule, message)
  return text
}

/** As Go's url.EscapedPath: unreserved characters and "$&+,:=@" stay, all else becomes %XX of its UTF-8. */
function encode(segment: string): string {
  return encodeURIComponent(segment)
    .replace(/%(?:24|26|2B|2C|3A|3D|40)/g, decodeURIComponent)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

function wrongCharacter(code: number): Refusal {
  if (code === 0x5c) return wrong('path.backslash', 'the path holds a backslash')
  if (code === 0x3b)
    return wrong('path.semicolon', 'the path holds a semicolon, which some servers cut off with what follows it')
  if (code === 0x23) return wrong('path.fragment', 'the target holds a fragment ("#")')
  return wrong('path.character', 'the path holds a character that must be percent-encoded')
}

function wrong(rule: string, message: string): Refusal {
  return refuse(400, 'BadRequest', rule, message)
}

function classify(kind: number, characters: string): void {
  for (let at = 0; at < characters.length; at += 1) CLASSES[characters.charCodeAt(at)] = kind
}
