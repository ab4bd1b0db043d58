// The body of a request to the admin API -> a checked value. Refuses what is no JSON by its own word, is too long, could be
// read in two ways, or has a field that nobody reads.

import type { z } from 'zod'
import { limits } from '../../protocols/limits.ts'
import { plainText } from '../approvals/plain-text.ts'
import { type Refusal, refuse } from '../decision.ts'
import { readObject } from '../json.ts'

const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?$/i

/** Refusals: admin.content_type, .body_length, .json, .invalid. */
export async function jsonBody<T extends object>(request: Request, schema: z.ZodType<T>): Promise<T | Refusal> {
  const { headers } = request
  if (!JSON_TYPE.test(headers.get('content-type') ?? '') || headers.has('content-encoding')) {
    const message = 'send a body of "Content-Type: application/json", without an encoding'
    return refuse(415, 'UnsupportedMediaType', 'admin.content_type', message)
  }
  const bytes = await wholeBody(request)
  if (bytes === undefined) {
    const message = `a body may be ${limits.admin.bodyBytes} bytes long`
    return refuse(413, 'RequestEntityTooLarge', 'admin.body_length', message)
  }
  const value = readObject(bytes)
  if (value === undefined) {
    return refuse(400, 'BadRequest', 'admin.json', 'the body must be one JSON object, in UTF-8, whose keys differ')
  }
  const parsed = schema.safeParse(value)
  return parsed.success ? parsed.data : invalid(parsed.error.issues)
}

/** Refusal: admin.invalid. */
export function queryOf<T extends object>(url: string, schema: z.ZodType<T>): T | Refusal {
  const values: Record<string, string> = Object.create(null)
  for (const [name, value] of new URL(url).searchParams) {
    if (Object.hasOwn(values, name)) {
      return refuse(400, 'BadRequest', 'admin.invalid', 'a parameter of the query is there twice; keep one')
    }
    values[name] = value
  }
  const parsed = schema.safeParse(values)
  return parsed.success ? parsed.data : { ...invalid(parsed.error.issues), status: 400, reason: 'BadRequest' }
}

/** Problems that one answer names. */
const ISSUES = 3

function invalid(issues: readonly z.core.$ZodIssue[]): Refusal {
  const texts = issues.slice(0, ISSUES).map(({ path, message }) => [...path.map(String), message].join(': '))
  const message = plainText(texts.join('; '), limits.approvals.reason)
  return refuse(422, 'Invalid', 'admin.invalid', message)
}

/** Undefined once it is too long; the rest is not read. */
async function wholeBody(request: Request): Promise<Uint8Array | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > limits.admin.bodyBytes) return undefined
  if (request.body === null) return new Uint8Array(0)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > limits.admin.bodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
