// YAML answers that are masked: whatever comes is refused, or comes out with the same shape and its secret strings masked, in
// any cut; of all others each "b" is masked as text; nothing else about it has changed.

import assert from 'node:assert/strict'
import { parse } from 'yaml'
import type { FieldMasker, FieldTree } from '../../../protocols/kube/field-masker.ts'
import { limits } from '../../../protocols/limits.ts'
import { YamlBody } from '../../../protocols/yaml/body.ts'
import { YamlError } from '../../../protocols/yaml/errors.ts'
import { cut } from '../../support/cut.ts'
import { choice, lengths } from '../machine.ts'
import type { Target } from '../target.ts'

function node(form: FieldTree['form'], fields: Readonly<Record<string, FieldTree>> = {}): FieldTree {
  return { form, fields: new Map(Object.entries(fields)), any: undefined }
}

const TREE = node(undefined, {
  data: node('base64'),
  stringData: node('text'),
  metadata: node(undefined, { annotations: node(undefined, { m: node('manifest') }) }),
})

const masker: FieldMasker = { select: () => TREE, mask: () => 'MASK' }

const maskWords = (words: readonly string[]): string[] => words.map((word) => word.replaceAll('b', '~'))

const target: Target = {
  words: [
    'data:\n  a: YQ==\n', 'stringData:\n  a: |-\n    b\n    c\n', 'items:\n- ', 'rows:\n- object:\n    ', 'metadata:\n  ', 'annotations:\n    ',
    "m: '{\"data\":{}}'\n", '? ', ': ', '- ', '>+\n', '|2-\n', '{a: b, c}', '[1, x]', '"\\u0064ata"', "'it''s'", '&a ', '*a', '!!str ', '<<: ',
    '---\n', '...\n', '# x\n', '%YAML 1.1\n', '~', 'null', '1e3', '\n', '  ', '\t', '\r\n', '\u2028',
  ], // biome-ignore format: a list to look over, not to read
  run: (input) => {
    const [, body] = choice(input)
    const whole = read([body])
    assert.deepEqual(read(cut(body, lengths(input))), whole, 'a cut changes what comes out')
    if (whole.rule !== '') return [whole.rule]
    const [before, after] = [meaning(Buffer.from(body).toString()), meaning(whole.text)]
    assert.deepEqual(shapeOf(after), shapeOf(before))
    assertMasked(after)
    for (const text of stringsOf(after)) assert.doesNotMatch(text, /b/)
    return whole.text.includes('MASK') ? ['masked'] : ['passed']
  },
}

export default target

function read(chunks: readonly Uint8Array[]): { text: string; rule: string } {
  const body = new YamlBody('object', masker, limits.mask, maskWords)
  const out: Buffer[] = []
  try {
    for (const chunk of chunks) out.push(Buffer.from(body.receive(chunk)))
    out.push(Buffer.from(body.end()))
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    return { text: '', rule: error.rule }
  }
  return { text: Buffer.concat(out).toString(), rule: '' }
}

function meaning(text: string): unknown {
  return parse(text, { schema: 'failsafe', mapAsMap: true, prettyErrors: false, logLevel: 'error' })
}

/** Values with every string replaced by a word; keys stay. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (value instanceof Map) return [...value].map(([key, below]) => [key, shapeOf(below)])
  return typeof value === 'string' ? 'a string' : value
}

/** Every object at a place where one can be has its strings masked. */
function assertMasked(root: unknown): void {
  if (Array.isArray(root)) for (const element of root) assertMasked(element)
  if (!(root instanceof Map)) return
  for (const text of stringsOf(root.get('data'))) assert.match(text, /^TUFTSw==$|^(?:null|~|true|false|-?[0-9].*|)$/)
  for (const text of stringsOf(root.get('stringData'))) assert.match(text, /^MASK$|^(?:null|~|true|false|-?[0-9].*|)$/)
  for (const holder of ['items', 'rows']) if (Array.isArray(root.get(holder))) assertMasked(root.get(holder))
  if (root.get('object') instanceof Map) assertMasked(root.get('object'))
}

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(stringsOf)
  return value instanceof Map ? [...value.values()].flatMap(stringsOf) : []
}
