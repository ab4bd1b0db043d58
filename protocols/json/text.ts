// JSON strings to and from what they mean. Input is UTF-8 and has been checked by scan.ts.

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** The meaning of the string token text[from, to), quotes included. Lone surrogates come as they are written. */
export function stringAt(text: Uint8Array, from: number, to: number): string {
  let plain = true
  for (let at = from + 1; at < to - 1; at += 1) {
    if (text[at] === 0x5c) {
      plain = false
      break
    }
  }
  if (plain) return decoder.decode(text.subarray(from + 1, to - 1))
  return JSON.parse(decoder.decode(text.subarray(from, to))) as string
}

/** A string token that means `value`. */
export function stringToken(value: string): Uint8Array {
  return encoder.encode(JSON.stringify(value))
}

/** Base64 as Go reads it (encoding/base64: line ends are skipped, padding and alphabet are not negotiable), or undefined. */
export function decodeBase64(value: string): Uint8Array | undefined {
  const text = value.replace(/[\r\n]/g, '')
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64')
}

export function encodeBase64(value: string): string {
  return Buffer.from(value, 'utf8').toString('base64')
}

export function bytesOf(value: string): Uint8Array {
  return encoder.encode(value)
}
