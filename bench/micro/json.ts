// What masking JSON costs: a list of Secrets all of whose values are masked, and one of which nothing is, in pieces as they
// come from a cluster; beside it the same text parsed and written. Run: node --import tsx bench/micro/json.ts

import { JsonBody } from '../../protocols/json/body.ts'
import type { FieldMasker, FieldTree } from '../../protocols/kube/field-masker.ts'
import { limits } from '../../protocols/limits.ts'
import { measure } from './measure.ts'

const SECRETS = 500
const PIECE = 65_536
/** Three values of a kilobyte each: 10,000 of these are 40 MB. */
const VALUES = 3
const VALUE = Buffer.alloc(1_000, 'k').toString('base64').slice(0, 1_200)

const list = Buffer.from(
  JSON.stringify({
    kind: 'SecretList',
    apiVersion: 'v1',
    metadata: { resourceVersion: '1' },
    items: Array.from({ length: SECRETS }, (_, at) => ({
      metadata: {
        name: `secret-${at}`,
        namespace: 'default',
        uid: `6b1d8f0e-0000-4000-8000-${String(at).padStart(12, '0')}`,
        labels: { app: 'web', tier: 'back' },
        managedFields: [{ manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:data': { '.': {}, 'f:a': {} } } }],
      },
      data: Object.fromEntries(Array.from({ length: VALUES }, (_, key) => [`key-${key}`, VALUE])),
      type: 'Opaque',
    })),
  }),
)

const data: FieldTree = { form: 'base64', fields: new Map(), any: undefined }
const tree: FieldTree = { form: undefined, fields: new Map([['data', data]]), any: undefined }
const masked: FieldMasker = { select: () => tree, mask: (_, path, value) => `${path} ${value.length}` }
const unmasked: FieldMasker = { select: () => undefined, mask: () => '' }

measure('mask every value of a list of Secrets', SECRETS, list.length, () => pass(masked))
measure('a list of which nothing is masked', SECRETS, list.length, () => pass(unmasked))
measure('JSON.parse and JSON.stringify', SECRETS, list.length, () => JSON.stringify(JSON.parse(list.toString())).length)

function pass(masker: FieldMasker): number {
  const body = new JsonBody('list', masker, limits.mask)
  let length = 0
  for (let at = 0; at < list.length; at += PIECE) length += body.receive(list.subarray(at, at + PIECE)).length
  return length + body.end().length
}
