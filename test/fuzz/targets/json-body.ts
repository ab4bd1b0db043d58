// Bodies that are masked: whatever comes is refused, or comes out as JSON of the same meaning but for the masked strings, in
// any cut; nothing that is secret comes out.

import assert from 'node:assert/strict'
import { JsonBody } from '../../../protocols/json/body.ts'
import { JsonError } from '../../../protocols/json/errors.ts'
import type { BodyShape, FieldMasker, FieldTree } from '../../../protocols/kube/field-masker.ts'
import { limits } from '../../../protocols/limits.ts'
import { cut } from '../../support/cut.ts'
import { choice, lengths } from '../machine.ts'
import type { Target } from '../target.ts'

const SHAPES: readonly BodyShape[] = ['object', 'list', 'watch']

function node(form: FieldTree['form'], fields: Readonly<Record<string, FieldTree>> = {}): FieldTree {
  return { form, fields: new Map(Object.entries(fields)), any: undefined }
}

const TREE = node(undefined, {
  data: node('base64'),
  stringData: node('text'),
  metadata: node(undefined, { annotations: node(undefined, { m: node('manifest') }) }),
})

const masker: FieldMasker = { select: () => TREE, mask: () => 'MASK' }

const target: Target = {
  words: [
    '{"data":{"a":"YQ=="}}', '"stringData":{"a":"b"}', '{"items":[', '{"rows":[{"object":', ']}', '"metadata":{', '"uid":"u"',
    '"annotations":{"m":"{\\"data\\":{}}"}', '{"type":"ADDED","object":', '\\u0064ata', '"kind":"Status"', '1e400', '-0', 'null',
    'true', '[', ']', '{', '}', ',', ':', '\n', '\\', '"',
  ], // biome-ignore format: a list to look over, not to read
  run: (input) => {
    const [form, body] = choice(input)
    const shape = SHAPES[form % SHAPES.length] as BodyShape
    const whole = read(shape, [body])
    assert.deepEqual(read(shape, cut(body, lengths(input))), whole, 'a cut changes what comes out')
    if (whole.rule !== '') return [whole.rule]
    if (shape === 'watch') return [`${shape} of ${whole.text.length > 0}`]
    if (whole.text.trim() === '') return [`${shape}, empty`]
    const [before, after] = [JSON.parse(Buffer.from(body).toString()) as unknown, JSON.parse(whole.text) as unknown]
    assert.deepEqual(shapeOf(after), shapeOf(before))
    assertMasked(after)
    return [shape, ...(whole.text.includes('MASK') ? ['masked'] : [])]
  },
}

export default target

function read(shape: BodyShape, chunks: readonly Uint8Array[]): { text: string; rule: string } {
  const body = new JsonBody(shape, masker, limits.mask)
  const out: Buffer[] = []
  try {
    for (const chunk of chunks) out.push(Buffer.from(body.receive(chunk)))
    out.push(Buffer.from(body.end()))
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    return { text: '', rule: error.rule }
  }
  return { text: Buffer.concat(out).toString(), rule: '' }
}

function shapeOf(value: unknown): unknown {
  if (typeof value === 'string') return 'a string'
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value).map(([key, below]) => [key, shapeOf(below)])
}

/** Every object at a place where one can be has its strings masked. */
function assertMasked(root: unknown): void {
  if (typeof root !== 'object' || root === null) return
  if (Array.isArray(root)) {
    for (const element of root) assertMasked(element)
    return
  }
  const { data, stringData, items, rows, object } = root as Readonly<Record<string, unknown>>
  for (const text of stringsOf(data)) assert.equal(text, Buffer.from('MASK').toString('base64'))
  for (const text of stringsOf(stringData)) assert.equal(text, 'MASK')
  for (const holder of [items, rows]) if (Array.isArray(holder)) assertMasked(holder)
  if (typeof object === 'object' && !Array.isArray(object)) assertMasked(object)
}

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsOf) : []
}
