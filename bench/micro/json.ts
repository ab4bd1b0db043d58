// What masking JSON costs: a list of Secrets all of whose values are masked, and one of which nothing is, in pieces as they
// come from a cluster; beside it the same text parsed and written, and the same list in gzip and in YAML. And the memory that
// a list of 10,000 takes on its way through. Run: node --import tsx bench/micro/json.ts

import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { stringify } from 'yaml'
import { sentinelOf } from '../../gateway/mask/sentinel.ts'
import { GzipBody } from '../../protocols/gzip/body.ts'
import { JsonBody } from '../../protocols/json/body.ts'
import type { FieldMasker, FieldTree } from '../../protocols/kube/field-masker.ts'
import { limits } from '../../protocols/limits.ts'
import { YamlBody } from '../../protocols/yaml/body.ts'
import { measure } from './measure.ts'

const SECRETS = 500
const PIECE = 65_536
const SMALL_PIECE = 16_384
/** Of a list in YAML, whose reader is slow. */
const FEW = 20
/** How many times the list makes up the long one: 40 MB. */
const LONG = 20
/** Three values of a kilobyte each: 10,000 of these are 40 MB. */
const VALUES = 3

const items = Array.from({ length: SECRETS }, (_, at) => ({
  metadata: {
    name: `secret-${at}`,
    namespace: 'default',
    uid: `6b1d8f0e-0000-4000-8000-${String(at).padStart(12, '0')}`,
    labels: { app: 'web', tier: 'back' },
    managedFields: [{ manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:data': { '.': {}, 'f:a': {} } } }],
  },
  data: Object.fromEntries(Array.from({ length: VALUES }, (_, key) => [`key-${key}`, randomLike(`${at} ${key}`)])),
  type: 'Opaque',
}))
const list = Buffer.from(
  JSON.stringify({ kind: 'SecretList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items }),
)

const compressed = gzipSync(list)

const data: FieldTree = { form: 'base64', fields: new Map(), any: undefined }
const tree: FieldTree = { form: undefined, fields: new Map([['data', data]]), any: undefined }
const masked: FieldMasker = { select: () => tree, mask: (_, path, value) => `${path} ${value.length}` }
const key = Buffer.alloc(32, 'k')
const sentinels: FieldMasker = { ...masked, mask: (object, path, value) => sentinelOf(key, object, path, value) }
const unmasked: FieldMasker = { select: () => undefined, mask: () => '' }

measureMemory()
measure('mask every value of a list of Secrets', SECRETS, list.length, () => pass(masked, PIECE))
measure('the same in pieces of 16 KiB', SECRETS, list.length, () => pass(masked, SMALL_PIECE))
measure('the same with an HMAC of each value', SECRETS, list.length, () => pass(sentinels, PIECE))
measure('a list of which nothing is masked', SECRETS, list.length, () => pass(unmasked, PIECE))
measure('the same in pieces of 16 KiB', SECRETS, list.length, () => pass(unmasked, SMALL_PIECE))
measure('JSON.parse and JSON.stringify', SECRETS, list.length, () => JSON.stringify(JSON.parse(list.toString())).length)
measure('the same in gzip, masked', SECRETS, list.length, passInflated)
const yaml = Buffer.from(stringify({ kind: 'SecretList', items: items.slice(0, FEW) }, { lineWidth: 0 }))
measure('a list of few in YAML, masked', FEW, yaml.length, passYaml)

/** Base64 as good as random, so that gzip makes of the list what it makes of others. */
function randomLike(seed: string): string {
  return createHash('shake256', { outputLength: 900 }).update(seed).digest('base64')
}

function passInflated(): number {
  const body = new GzipBody(new JsonBody('list', masked, limits.mask), limits.mask)
  let length = 0
  for (let at = 0; at < compressed.length; at += PIECE)
    length += body.receive(compressed.subarray(at, at + PIECE)).length
  return length + body.end().length
}

function passYaml(): number {
  const body = new YamlBody('list', masked, limits.mask)
  return body.receive(yaml).length + body.end().length
}

function pass(masker: FieldMasker, piece: number): number {
  const body = new JsonBody('list', masker, limits.mask)
  let length = 0
  for (let at = 0; at < list.length; at += piece) length += body.receive(list.subarray(at, at + piece)).length
  return length + body.end().length
}

/** What the process takes more at its highest, garbage included, than before a list of 10,000 Secrets; before anything else has run. */
function measureMemory(): void {
  const body = new JsonBody('list', sentinels, limits.mask)
  const elements = Buffer.from(items.map((item) => `,${JSON.stringify(item)}`).join(''))
  const before = process.memoryUsage.rss()
  let highest = before
  let octets = body.receive(Buffer.from(`{"items":[${JSON.stringify(items[0])}`)).length
  for (let round = 0; round < LONG; round += 1) {
    for (let at = 0; at < elements.length; at += PIECE) {
      octets += body.receive(elements.subarray(at, at + PIECE)).length
      highest = Math.max(highest, process.memoryUsage.rss())
    }
  }
  body.receive(Buffer.from(']}'))
  octets += body.end().length
  const grown = (highest - before) / 1_048_576
  const read = (LONG * elements.length) / 1e6
  process.stdout.write(
    `${SECRETS * LONG} Secrets, ${read.toFixed(0)} MB, as ${(octets / 1e6).toFixed(0)} MB: ${grown.toFixed(1)} MiB more memory\n`,
  )
}
