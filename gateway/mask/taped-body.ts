// A request's body as the tape gets it: its fields masked where a rule applies, YAML as the JSON that it means, then its
// text. What cannot be read is not kept: it is refused, or refused by the cluster.

import { PeerError } from '../../protocols/errors.ts'
import { JsonBody } from '../../protocols/json/body.ts'
import type { BodyRewriter, FieldMasker, FieldTree } from '../../protocols/kube/field-masker.ts'
import { limits } from '../../protocols/limits.ts'
import { ProtobufBody } from '../../protocols/protobuf/body.ts'
import type { FieldNode } from './field-tree.ts'
import { EVERYTHING, nodeAt } from './patch-paths.ts'
import { jsonOfYaml } from './yaml-body.ts'

/** Stands for a body that cannot be read. */
export const NOT_KEPT = Buffer.from('{"sallyport":"a body that could not be read is not kept"}')

/** The body with its fields masked; undefined where it cannot be read. `mediaType`: lower-cased, without parameters. */
export function maskedFields(
  body: Uint8Array,
  mediaType: string,
  masker: FieldMasker,
  tree: FieldNode,
): Uint8Array | undefined {
  try {
    if (mediaType === 'application/json-patch+json') return maskedPatch(body, masker, tree)
    if (mediaType.includes('protobuf')) return rewritten(body, new ProtobufBody('object', masker, limits.mask))
    return rewritten(mediaType.includes('yaml') ? (jsonOfYaml(body) ?? body) : body, json(masker))
  } catch (error) {
    // RangeError: deeper than there is stack to write it.
    if (!(error instanceof PeerError || error instanceof SyntaxError || error instanceof RangeError)) throw error
    return undefined
  }
}

function json(masker: FieldMasker): BodyRewriter {
  return new JsonBody('object', masker, limits.mask)
}

function rewritten(body: Uint8Array, rewriter: BodyRewriter): Uint8Array {
  const head = new Uint8Array(rewriter.receive(body))
  return Buffer.concat([head, rewriter.end()])
}

/** A JSON patch (RFC 6902) says by a path where each value goes, so each is masked by what the tree has there. Throws SyntaxError. */
function maskedPatch(body: Uint8Array, masker: FieldMasker, tree: FieldNode): Uint8Array {
  const text = new TextDecoder('utf-8', { fatal: false }).decode(body)
  const operations: unknown = JSON.parse(text)
  if (!Array.isArray(operations)) throw new SyntaxError('a JSON patch is a list')
  const taped = operations.map((operation: unknown) => {
    const path =
      typeof operation === 'object' && operation !== null ? (operation as { path?: unknown }).path : undefined
    const node = typeof path === 'string' ? nodeAt(tree, path) : EVERYTHING
    if (node === undefined) return JSON.stringify(operation)
    const value: FieldTree = { form: undefined, fields: new Map([['value', node]]), any: undefined }
    const one: FieldMasker = { select: () => value, mask: (...parts) => masker.mask(...parts) }
    return Buffer.from(rewritten(Buffer.from(JSON.stringify(operation)), json(one))).toString()
  })
  return Buffer.from(`[${taped.join(',')}]`)
}
