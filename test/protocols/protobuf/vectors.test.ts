// Protobuf as the API server writes it, beside its JSON (test/vectors/protobuf, made by test/lab/cluster/cmd/protobuf): the same
// values are masked under the same paths in both, under any cut, and everything else keeps its bytes.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { JsonBody } from '../../../protocols/json/body.ts'
import type { BodyRewriter, BodyShape, FieldTree } from '../../../protocols/kube/field-masker.ts'
import { limits } from '../../../protocols/limits.ts'
import { ProtobufBody } from '../../../protocols/protobuf/body.ts'
import { schema } from '../../support/protobuf-json.ts'
import { TellingMasker, TREES } from './masks.ts'

interface Vector {
  readonly name: string
  readonly shape: BodyShape
  readonly protobuf: string
  readonly json: string
}

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/protobuf/objects.json', import.meta.url), 'utf8'),
) as Vector[]

function run(body: BodyRewriter, chunks: readonly Uint8Array[]): Buffer {
  const out: Buffer[] = []
  for (const chunk of chunks) {
    const lent = Uint8Array.from(chunk)
    out.push(Buffer.from(body.receive(lent)))
    lent.fill(0xa5)
  }
  out.push(Buffer.from(body.end()))
  return Buffer.concat(out)
}

function treeOf(name: string): FieldTree | undefined {
  if (name.startsWith('a watch of Secrets')) return TREES.Secret
  if (name.startsWith('a watch of metadata')) return TREES.PartialObjectMetadata
  const kind = (name.split(',')[0] as string).replace('events.k8s.io ', '').replace(/List$/, '')
  return TREES[kind]
}

for (const { name, shape, protobuf, json } of vectors) {
  describe(name, () => {
    const bytes = Buffer.from(protobuf, 'base64')
    const tree = treeOf(name)

    test('has the same values masked as in JSON', () => {
      assert.ok(tree !== undefined)
      const [here, there] = [new TellingMasker(tree), new TellingMasker(tree)]
      run(new ProtobufBody(shape, here, limits.mask), [bytes])
      run(new JsonBody(shape, there, limits.mask), [Buffer.from(json)])
      assert.deepEqual(sorted(here.calls), sorted(there.calls))
    })

    test('is masked the same under any cut', () => {
      const make = () => new ProtobufBody(shape, new TellingMasker(tree), limits.mask)
      const whole = run(make(), [bytes])
      for (let at = 1; at < bytes.length; at += 1) {
        assert.deepEqual(run(make(), [bytes.subarray(0, at), bytes.subarray(at)]), whole, `cut at ${at}`)
      }
      const single = Array.from(bytes, (byte) => Uint8Array.of(byte))
      assert.deepEqual(run(make(), single), whole, 'byte by byte')
    })

    test('keeps every byte where nothing is selected', () => {
      assert.deepEqual(run(new ProtobufBody(shape, new TellingMasker(undefined), limits.mask), [bytes]), bytes)
    })

    test('is refused or is another whole body where it is cut off', () => {
      for (let at = 1; at < bytes.length; at += 1) {
        const body = new ProtobufBody(shape, new TellingMasker(tree), limits.mask)
        try {
          run(body, [bytes.subarray(0, at)])
        } catch (error) {
          assert.ok(error instanceof Error && 'rule' in error, `cut off at ${at}`)
        }
      }
    })
  })
}

test('every kind has metadata in field 1 and a list its elements in field 2, but for these, which are no resources', () => {
  assert.deepEqual(schema.unlike, [
    'apps/v1beta1 DeploymentRollback',
    'extensions/v1beta1 DeploymentRollback',
    'meta.k8s.io/v1 Table',
    'v1 APIGroup',
    'v1 APIGroupList',
    'v1 APIResourceList',
    'v1 APIVersions',
    'v1 SerializedReference',
    'v1 Status',
  ])
})

function sorted(calls: TellingMasker['calls']): string[] {
  return calls.map((call) => JSON.stringify(call)).sort()
}
