// JSON strings to and from what they mean. Input is UTF-8 and has been checked by scan.ts.

const encoder = new TextEncoder()

/** The same bytes, as what Node has its native methods on. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** The meaning of the string token text[from, to), quotes included. Lone surrogates come as they are written. */
export function stringAt(text: Buffer, from: number, to: number): string {
  const plain = text.toString('utf8', from + 1, to - 1)
  return plain.includes('\\') ? (JSON.parse(`"${plain}"`) as string) : plain
}

/** A string token that means `value`. */
export function stringToken(value: string): Uint8Array {
  return bytesOf(JSON.stringify(value))
}

/** A string token that means the base64 of `value`. */
export function base64Token(value: string): Uint8Array {
  return Buffer.from(`"${Buffer.from(value).toString('base64')}"`, 'latin1')
}

/**
 * Base64 as Go reads it (encoding/base64: line ends are skipped, padding and alphabet are not negotiable), or undefined.
 * Node leaves out what is no base64: then there is less than the length says. And it takes the other alphabet's two.
 */
export function decodeBase64(value: string): Uint8Array | undefined {
  const text = value.includes('\n') || value.includes('\r') ? value.replace(/[\r\n]/g, '') : value
  if (text.length % 4 !== 0 || text.includes('-') || text.includes('_')) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === (text.length / 4) * 3 - padding ? bytes : undefined
}

export function bytesOf(value: string): Uint8Array {
  return encoder.encode(value)
}
