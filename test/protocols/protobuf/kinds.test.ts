// The tables of fields, held against what Go's own types say (test/vectors/protobuf/schema.json): each name, each number, and
// no field forgotten.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageOf, messageOfResource } from '../../../protocols/protobuf/kinds.ts'
import type { Field, Message } from '../../../protocols/protobuf/message.ts'
import { ANY_OBJECT } from '../../../protocols/protobuf/metadata.ts'
import { type SchemaField, schema, schemaFields } from '../../support/protobuf-json.ts'

for (const [kind, message] of Object.entries(schema.kinds)) {
  const [apiVersion = '', name = ''] = kind.split(' ')
  const described = messageOf(apiVersion, name)
  if (!described.isComplete) continue
  test(`${kind} has the fields of its Go type`, () => {
    assertSame(described, message)
  })
}

test('all kinds of the vectors but one are described', () => {
  const others = Object.keys(schema.kinds).filter((kind) => {
    const [apiVersion = '', name = ''] = kind.split(' ')
    return !messageOf(apiVersion, name).isComplete
  })
  assert.deepEqual(others, ['v1 Service'])
})

test('a resource has the message of its kind', () => {
  for (const [group, version, resource, subresource, apiVersion, kind] of [
    ['', 'v1', 'secrets', '', 'v1', 'Secret'],
    ['', 'v1', 'pods', 'status', 'v1', 'Pod'],
    ['', 'v1', 'events', '', 'v1', 'Event'],
    ['events.k8s.io', 'v1', 'events', '', 'events.k8s.io/v1', 'Event'],
    ['apps', 'v1', 'deployments', '', 'apps/v1', 'Deployment'],
    ['', 'v1', 'serviceaccounts', 'token', 'authentication.k8s.io/v1', 'TokenRequest'],
    ['authentication.k8s.io', 'v1', 'tokenreviews', '', 'authentication.k8s.io/v1', 'TokenReview'],
  ] as const) {
    assert.equal(messageOfResource(group, version, resource, subresource), messageOf(apiVersion, kind))
  }
  for (const [group, version, resource, subresource] of [
    ['apps', 'v1beta1', 'deployments', ''],
    ['', 'v1', 'pods', 'eviction'],
    ['', 'v1', 'constructor', ''],
    ['x.io', 'v1', 'secrets', ''],
  ] as const) {
    assert.equal(messageOfResource(group, version, resource, subresource), ANY_OBJECT)
  }
})

function assertSame(message: Message, name: string): void {
  const fields = schemaFields(name)
  const numbers = message.fields.flatMap((field, number) => (field === undefined ? [] : [number]))
  assert.deepEqual(
    numbers,
    [...fields.keys()].sort((a, b) => a - b),
    name,
  )
  for (const [number, there] of fields) {
    const here = message.fields[number] as Field
    const where = `${name}.${there.name}`
    assert.equal(here.name, there.name, where)
    assert.equal(here.occurs, there.occurs, where)
    assert.ok(contentsOf(there).includes(here.content), where)
    if (here.message !== undefined) assertSame(here.message, there.type)
  }
}

/** What a field of the schema may be in the tables: a message need not be described. */
function contentsOf({ name, type }: SchemaField): readonly Field['content'][] {
  if (type === 'text' || type === 'bytes' || type === 'number') return [type]
  if (name === '') return ['inline']
  return type.endsWith('.RawExtension') ? ['raw'] : ['message', 'opaque']
}
