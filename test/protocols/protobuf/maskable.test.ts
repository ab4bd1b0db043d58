// Which trees can be masked in protobuf, asked before anything comes.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FieldTree } from '../../../protocols/kube/field-masker.ts'
import { isMaskable } from '../../../protocols/protobuf/maskable.ts'
import { METADATA, node, SECRET, TREES } from './masks.ts'

const text = node('text')
const of = (apiGroup: string, apiVersion: string, resource: string, subresource = '') => ({
  apiGroup,
  apiVersion,
  resource,
  subresource,
})
const SECRETS = of('', 'v1', 'secrets')
const PODS = of('', 'v1', 'pods')
const spec = (...below: FieldTree[]) => node(undefined, { spec: below[0] as FieldTree })
const anything: { -readonly [K in keyof FieldTree]: FieldTree[K] } = node(undefined)
anything.any = anything

describe('a tree can be masked', () => {
  for (const [what, resource, tree] of [
    ['of Secrets', SECRETS, SECRET],
    ['of environment', PODS, TREES.Pod],
    ['of templates', of('apps', 'v1', 'deployments'), TREES.Deployment],
    ['of JSON in revisions', of('apps', 'v1', 'controllerrevisions'), TREES.ControllerRevision],
    ['of tokens', of('', 'v1', 'serviceaccounts', 'token'), TREES.TokenRequest],
    ['of metadata, of any resource', of('', 'v1', 'services'), METADATA],
    ['that names what the kind does not have', SECRETS, node(undefined, { data: node('base64'), password: text })],
    ['that masks nothing where nothing is described', of('x.io', 'v1', 'things'), node(undefined, { spec: node(undefined) })],
    ['of every value of a map', of('', 'v1', 'configmaps'), node(undefined, { data: node(undefined, {}, text) })],
  ] as const) {
    test(what, () => assert.equal(isMaskable(resource, tree as FieldTree), true))
  } // biome-ignore format: one line for each
})

describe('a tree cannot be masked', () => {
  for (const [what, resource, tree] of [
    ['of a kind that is not described', of('', 'v1', 'services'), spec(text)],
    ['of a resource that is none', of('', 'v1', '__proto__'), spec(text)],
    ['of another version', of('apps', 'v1beta2', 'deployments'), TREES.Deployment],
    ['of another group', of('x.io', 'v1', 'secrets'), SECRET],
    ['of a subresource with a kind of its own', of('', 'v1', 'pods', 'eviction'), TREES.Pod],
    ['of a field that is not described', PODS, spec(node(undefined, { affinity: text }))],
    ['of a map that is not described', PODS, spec(node(undefined, { overhead: text }))],
    ['of a list that is not described', PODS, spec(node(undefined, { volumes: text }))],
    ['of everything below a node with fields that are not described', PODS, spec(text)],
    ['of every field, some of them not described', PODS, spec(node(undefined, {}, text))],
    ['of everything', SECRETS, node(undefined, {}, text)],
  ] as const) {
    test(what, () => assert.equal(isMaskable(resource, tree as FieldTree), false))
  } // biome-ignore format: one line for each

  test('that goes round', () => assert.equal(isMaskable(PODS, anything), false))
})
