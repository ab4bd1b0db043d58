// Values that nobody has read, so that no text mask knows them, asked for by ways round the field masks: refusals of a real API
// server that quote objects, patches that move or rename, keys that are there twice.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Gateway, startGateway } from './support/gateway.ts'
import { kubectls, type Lab, startLab } from './support/lab.ts'
import { run } from './support/run.ts'

/** A word of the dictionary is never learned; the other is, once it has been read. */
const WORD = 'password'
const VALUE = 'Zk4-unread-p4ss'
const VARIABLE = 'hunter-two-9Q'
const FORMS = [VALUE, VARIABLE, ...[VALUE, VARIABLE, WORD].map((value) => Buffer.from(value).toString('base64'))]

const SECRET = '/api/v1/namespaces/default/secrets/unread'
const POD = '/api/v1/namespaces/default/pods/unread'
const JOB = '/apis/batch/v1/namespaces/default/jobs/unread'
const DEPLOYMENT = '/apis/apps/v1/namespaces/default/deployments/unread'
const ENV = '/spec/template/spec/containers/0/env'

const MERGE = 'application/merge-patch+json'
const STRATEGIC = 'application/strategic-merge-patch+json'
const JSON_PATCH = 'application/json-patch+json'

/** A custom resource that shows a field of its objects in a column. */
const VAULTS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'vaults.example.com' },
  spec: {
    group: 'example.com',
    names: { plural: 'vaults', kind: 'Vault' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        additionalPrinterColumns: [{ name: 'PASSWORD', type: 'string', jsonPath: '.spec.password' }],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { password: { type: 'string' }, size: { type: 'integer' } } },
            },
          },
        },
      },
    ],
  },
}

interface Answered {
  readonly status: number
  readonly body: string
}

describe('values that nobody has read', () => {
  let lab: Lab
  let gateway: Gateway
  let token: string
  const kubectl = kubectls()[0] as string
  const admin = async (args: readonly string[], input = ''): Promise<string> => {
    const { code, out, err } = await run(kubectl, args, { KUBECONFIG: lab.adminKubeconfig }, Buffer.from(input))
    assert.equal(code, 0, `${args.join(' ')}: ${err}`)
    return out.toString()
  }
  const ask = (method: string, path: string, fields: Record<string, string> = {}, body = ''): Promise<Answered> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, 'content-length': Buffer.byteLength(body), ...fields }
      const call = request(`${gateway.address}${path}`, { ca: readFileSync(gateway.ca), method, headers }, (answer) => {
        const pieces: Buffer[] = []
        answer.on('data', (piece: Buffer) => pieces.push(piece))
        answer.on('error', reject)
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(pieces).toString('latin1') }),
        )
      })
      call.on('error', reject)
      call.end(body)
    })
  const patch = (path: string, type: string, body: object, fields = {}): Promise<Answered> =>
    ask('PATCH', path, { 'content-type': type, ...fields }, JSON.stringify(body))
  const clean = ({ body }: Answered): void =>
    assert.deepEqual(
      FORMS.filter((form) => body.includes(form)),
      [],
      body,
    )

  before(async () => {
    lab = await startLab()
    const rules = [
      { name: 'env', env: ['DB_PASSWORD'] },
      { name: 'vaults', resources: ['example.com/vaults'], fields: ['spec.password'] },
    ]
    gateway = await startGateway(lab, { config: { masking: { rules, learn: false } } })
    token = readFileSync(await gateway.tokenFile('agent', ['admins']), 'utf8')
    const metadata = { name: 'unread', namespace: 'default' }
    const env = [{ name: 'DB_PASSWORD', value: VARIABLE }]
    const spec = { restartPolicy: 'Never', containers: [{ name: 'c', image: 'lab/shell', env }] }
    const labels = { app: 'unread' }
    const template = { metadata: { labels }, spec: { ...spec, restartPolicy: 'Always' } }
    const items = [
      { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { value: VALUE, word: WORD } },
      { apiVersion: 'v1', kind: 'Pod', metadata, spec },
      { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { template: { spec } } },
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { selector: { matchLabels: labels }, template } },
    ]
    await admin(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    await admin(['apply', '-f', '-'], JSON.stringify(VAULTS))
    await admin(['wait', '--for=condition=Established', 'crd/vaults.example.com', '--timeout=20s'])
    const vault = { apiVersion: 'example.com/v1', kind: 'Vault', metadata, spec: { password: VALUE } }
    await admin(['create', '-f', '-'], JSON.stringify(vault))
  })
  after(async () => {
    await gateway?.stop()
    gateway?.remove()
    await lab?.stop()
  })

  for (const [what, path, type, body] of [
    ['an unknown field', `${SECRET}?dryRun=All&fieldValidation=Strict`, MERGE, { bogus: 1 }],
    ['a value of another type', SECRET, MERGE, { data: { x: 5 } }],
    ['a field of another type', SECRET, JSON_PATCH, [{ op: 'add', path: '/immutable', value: 'x' }]],
    ['a strategic patch', `${SECRET}?dryRun=All`, STRATEGIC, { immutable: 'x' }],
    [
      'another variable for a pod',
      POD,
      STRATEGIC,
      { spec: { containers: [{ name: 'c', env: [{ name: 'DB_PASSWORD', value: 'x' }] }] } },
    ],
    ['another template for a job', JOB, STRATEGIC, { spec: { template: { metadata: { labels: { q: 'r' } } } } }],
  ] as const) {
    for (const accept of ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']) {
      test(`are not in the refusal of ${what}, in ${accept}`, async () => {
        const answered = await patch(path, type, body, { accept })
        assert.equal(answered.status, 422, answered.body)
        assert.match(answered.body, /sallyport-masked-/)
        clean(answered)
      })
    }
  }

  test('are not in what kubectl says, which still says why', async () => {
    const config = { KUBECONFIG: await gateway.kubeconfig('agent', ['admins']) }
    const { code, err } = await run(
      kubectl,
      ['patch', 'secret', 'unread', '--type=merge', '-p', '{"data":{"x":5}}'],
      config,
    )
    assert.equal(code, 1)
    assert.match(err.toString(), /cannot unmarshal number into Go struct field Secret.data/)
    clean({ status: 0, body: err.toString() })
  })

  test('are in no column that a custom resource has for them, and kubectl still lists it', async () => {
    const config = { KUBECONFIG: await gateway.kubeconfig('agent', ['admins']) }
    for (const args of [
      ['get', 'vaults'],
      ['get', 'vaults', '-o', 'wide'],
      ['get', 'vaults', '-o', 'json'],
      ['describe', 'vaults'],
    ]) {
      const { code, out, err } = await run(kubectl, args, config)
      assert.equal(code, 0, err.toString())
      assert.match(out.toString(), /unread/)
      clean({ status: 0, body: out.toString() })
    }
    const { status } = await ask('GET', '/apis/example.com/v1/vaults', {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    })
    assert.equal(status, 406)
    const answered = await patch('/apis/example.com/v1/namespaces/default/vaults/unread', MERGE, {
      spec: { size: 'x' },
    })
    assert.equal(answered.status, 422)
    clean(answered)
  })

  test('are not moved to where they would be seen, in a dry run or not', async () => {
    for (const operation of [
      { op: 'copy', from: `${ENV}/-1/value`, path: '/metadata/annotations/x' },
      { op: 'copy', from: `${ENV}/+0/value`, path: '/metadata/annotations/x' },
      { op: 'replace', path: `${ENV}/0/name`, value: 'PUBLIC' },
    ]) {
      const answered = await patch(`${DEPLOYMENT}?dryRun=All`, JSON_PATCH, [operation])
      assert.equal(answered.status, 422, JSON.stringify(operation))
      assert.match(answered.body, /mask\.moved/)
    }
  })

  test('have no mask written over them that hides behind a key that is there twice', async () => {
    const hidden = Buffer.from(`sallyport-masked-${'a'.repeat(24)}`)
      .toString('base64')
      .replace('w', '\\u0077')
    const body = `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"twice"},"data":{"a":"${hidden}"},"data":{"b":"eA=="}}`
    const { status } = await ask(
      'POST',
      '/api/v1/namespaces/default/secrets',
      { 'content-type': 'application/json' },
      body,
    )
    assert.equal(status, 400)
    assert.doesNotMatch(await admin(['get', 'secrets', '-o', 'name']), /twice/)
  })

  test('are not written in YAML that the API server reads in another way than the tape', async () => {
    const hidden = `stringData: {a: ${VALUE}}`
    for (const text of [
      `# \u2028${hidden}`,
      `#\u0085${hidden}`,
      `# x\r${hidden}`,
      `!!merge "<<": {${hidden}}`,
      `x: {?y: z}\n${hidden}`,
      `stringData: {a: !!binary ${Buffer.from(VALUE).toString('base64')}}`,
    ]) {
      const body = `apiVersion: v1\nkind: Secret\nmetadata: {name: apart}\n${text}\n`
      const answered = await ask(
        'POST',
        '/api/v1/namespaces/default/secrets',
        { 'content-type': 'application/yaml' },
        body,
      )
      assert.equal(answered.status, 400, text)
    }
  })

  test('a refusal of a watch comes as it is, also in protobuf', async () => {
    for (const accept of ['application/json', 'application/vnd.kubernetes.protobuf;stream=watch']) {
      const answered = await ask('GET', '/api/v1/secrets?watch=1&resourceVersion=x', { accept })
      // The API server's own, where 502 would be the gateway's.
      assert.equal(answered.status, 500, accept)
      assert.match(answered.body, /resourceVersion: Invalid value: "?.{0,2}x/)
    }
  })

  test('are in no file of the store, and no log', async () => {
    await gateway.stop()
    for (const file of readdirSync(gateway.data, { recursive: true, withFileTypes: true })) {
      if (!file.isFile() || file.name === 'ballast') continue
      const path = join(file.parentPath, file.name)
      const bytes = readFileSync(path)
      for (const form of FORMS) assert.ok(!bytes.includes(form), `${form} in ${path}`)
    }
    clean({ status: 0, body: gateway.log() })
    assert.doesNotMatch(gateway.log(), /"bug"/)
  })
})
