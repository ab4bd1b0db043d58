// Reads a JSON object whose meaning is the same to every reader: UTF-8, an object, and no key twice at any depth
// (JSON.parse takes the last of two, others the first).

/** Undefined if it is not such an object. */
export function readObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return hasKeyTwice(text) ? undefined : (value as Record<string, unknown>)
}

/** `text` is valid JSON, so that a string in an object stands for a key exactly where one may begin. */
export function hasKeyTwice(text: string): boolean {
  const open: (Set<unknown> | undefined)[] = []
  let isKeyNext = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '{' || character === '[') {
      isKeyNext = character === '{'
      open.push(isKeyNext ? new Set() : undefined)
    } else if (character === '}' || character === ']') {
      open.pop()
      isKeyNext = false
    } else if (character === ',') isKeyNext = open[open.length - 1] !== undefined
    else if (character === '"') {
      const start = at
      for (at += 1; text[at] !== '"'; at += 1) if (text[at] === '\\') at += 1
      if (!isKeyNext) continue
      isKeyNext = false
      const keys = open[open.length - 1]
      // Escapes are read: "\u0069ss" is "iss".
      const key: unknown = JSON.parse(text.slice(start, at + 1))
      if (keys?.has(key)) return true
      keys?.add(key)
    }
  }
  return false
}
