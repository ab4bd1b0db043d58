// Which answers may come as Tables: those whose columns cannot show what is masked.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maskingOf, nothingLearned } from '../../../gateway/mask/compose.ts'
import { maskingDocument } from '../../../gateway/mask/document.ts'
import type { Principal } from '../../../gateway/principal.ts'
import { requestInfo } from '../../../gateway/request-info.ts'

const alice: Principal = { user: 'alice', groups: [], actor: '', issuer: 'i', expiresAt: 0 }
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'

function accepted(rule: object, target: string, accept: string): string | number {
  const rules = [{ name: 'r', ...rule }]
  const masking = maskingOf(maskingDocument.parse({ rules }), new Uint8Array(32), nothingLearned())
  const attributes = requestInfo('GET', target, undefined)
  assert.ok('verb' in attributes, target)
  const fields = masking.of('lab', alice, attributes).fields(['Accept', accept])
  return 'status' in fields ? fields.status : (fields[fields.indexOf('Accept') + 1] as string)
}

const PODS = '/api/v1/namespaces/prod/pods'
const DEPLOYMENTS = '/apis/apps/v1/deployments'
const VAULTS = '/apis/example.com/v1/vaults'

for (const [rule, target, isTable] of [
  [{ env: ['*'] }, PODS, true],
  [{ env: ['*'] }, '/apis/batch/v1/cronjobs', true],
  [{ resources: ['pods'], fields: ['spec.containers[*].args', "metadata.annotations['a/b']"] }, PODS, true],
  [{ resources: ['secrets'], fields: ['data.*'] }, '/api/v1/secrets', true],
  [{ resources: ['configmaps'], fields: ['data.a', 'binaryData'] }, '/api/v1/configmaps', true],
  [{ resources: ['pods'], fields: ['status.podIP'] }, PODS, false],
  [{ resources: ['pods'], fields: ['spec.containers[*].*'] }, PODS, false],
  [{ resources: ['apps/deployments'], fields: ['spec.template.spec.containers[*].image'] }, DEPLOYMENTS, false],
  [{ resources: ['events'], fields: ['message'] }, '/api/v1/events', false],
  [{ resources: ['example.com/vaults'], fields: ['spec.password'] }, VAULTS, false],
  [{ resources: ['example.com/vaults'], fields: ['data.password'] }, `${VAULTS}?watch=1`, false],
  [{ resources: ['example.com/vaults'], fields: ['metadata.annotations.x'] }, VAULTS, false],
  [{ resources: ['example.com/vaults'], env: ['*'] }, VAULTS, false],
  [{ resources: ['*'], fields: ['spec.password'] }, VAULTS, false],
] as const) {
  test(`a rule ${JSON.stringify(rule)} ${isTable ? 'leaves' : 'takes'} Tables of ${target}`, () => {
    const either = accepted(rule, target, `${TABLE},application/json`)
    assert.equal(either, isTable ? `${TABLE},application/json` : 'application/json')
    assert.equal(accepted(rule, target, TABLE), isTable ? TABLE : 406)
    assert.equal(
      accepted(rule, target, 'application/json; as = "Table"'),
      isTable ? 'application/json;as = "Table"' : 406,
    )
  })
}
