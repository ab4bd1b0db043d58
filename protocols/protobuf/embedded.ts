// JSON within protobuf, and the forms of a field that are text: masked as the same field in JSON is, so that a value has one
// mask whatever it is asked for in.

import { JsonBody } from '../json/body.ts'
import { JsonError } from '../json/errors.ts'
import { decodeBase64 } from '../json/text.ts'
import type { FieldMasker, FieldTree, MaskedObject } from '../kube/field-masker.ts'
import type { Limits } from '../limits.ts'
import { ProtobufError } from './errors.ts'

type Bounds = Limits['mask']

/** What stands in place of a string at a node that has a form. */
export function maskFieldText(
  value: string,
  object: MaskedObject,
  tree: FieldTree,
  path: string,
  masker: FieldMasker,
  bounds: Bounds,
): Uint8Array {
  if (tree.form === 'base64') {
    const masked = masker.mask(object, path, decodeBase64(value) ?? Buffer.from(value), tree)
    return Buffer.from(Buffer.from(masked).toString('base64'))
  }
  if (tree.form === 'text') return Buffer.from(masker.mask(object, path, Buffer.from(value), tree))
  return Buffer.from(maskManifest(value, object, tree, path, masker, bounds))
}

/**
 * A manifest in a string, as the JSON rewriter masks it: it gets the string as the one field of an object, and is told the
 * real object and the real path.
 */
function maskManifest(
  value: string,
  object: MaskedObject,
  tree: FieldTree,
  path: string,
  masker: FieldMasker,
  bounds: Bounds,
): string {
  let isManifest = false
  const text = maskJson(
    Buffer.from(JSON.stringify({ manifest: value })),
    {
      select: () => {
        if (isManifest) return masker.select(object)
        isManifest = true
        return { form: undefined, fields: new Map([['manifest', tree]]), any: undefined }
      },
      mask: (_, at, inner, node) => masker.mask(object, at === 'manifest' ? path : at, inner, node),
    },
    bounds,
  )
  return (JSON.parse(Buffer.from(text).toString()) as { manifest: string }).manifest
}

/** The JSON of a RawExtension, at a node of the tree; undefined where nothing in it is masked. Throws ProtobufError. */
export function maskRaw(
  text: Uint8Array,
  object: MaskedObject,
  tree: FieldTree,
  path: string,
  masker: FieldMasker,
  bounds: Bounds,
): Uint8Array | undefined {
  let isMasked = false
  const root: FieldTree = { ...tree, any: tree.any ?? (tree.form === undefined ? undefined : tree) }
  const masked = maskJson(
    text,
    {
      select: () => root,
      mask: (_, at, value, node) => {
        isMasked = true
        return masker.mask(object, at.startsWith('[') ? path + at : `${path}.${at}`, value, node)
      },
    },
    bounds,
  )
  return isMasked ? masked : undefined
}

function maskJson(text: Uint8Array, masker: FieldMasker, bounds: Bounds): Uint8Array {
  const body = new JsonBody('object', masker, bounds)
  try {
    const head = Buffer.from(body.receive(text))
    return Buffer.concat([head, body.end()])
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw new ProtobufError('protobuf.json', 'JSON within an object cannot be read')
  }
}
