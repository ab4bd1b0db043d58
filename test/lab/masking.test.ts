// Secrets through the gateway with real kubectl: no value of theirs in anything that a masked caller gets or that the
// store's files hold, all of them for an exempt caller, and writes that never put a mask in a value's place.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Gateway, startGateway } from './support/gateway.ts'
import { kubectls, type Lab, startLab } from './support/lab.ts'
import { type Ran, run } from './support/run.ts'
import { readTapes } from './support/tapes.ts'

const NAMES = ['alpha', 'beta', 'gamma'] as const

/** Values that are found nowhere else, three to a Secret. */
const values = NAMES.flatMap((name) => [1, 2, 3].map((number) => `v4lue-${name}-${number}-Qx7`))

function manifest(name: string, label = 'first'): string {
  const stringData = Object.fromEntries([1, 2, 3].map((number) => [`key${number}`, `v4lue-${name}-${number}-Qx7`]))
  const metadata = { name, namespace: 'default', labels: { corpus: 'yes', label } }
  return JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata, stringData })
}

/** Every value as it is, and what of its base64 and of that one's base64 does not depend on what stands around it. */
function found(bytes: Buffer): string[] {
  const text = bytes.toString('latin1')
  return values.filter((value) => {
    const once = Buffer.from(value).toString('base64').replace(/=+$/, '').slice(0, -1)
    const twice = Buffer.from(once).toString('base64').replace(/=+$/, '').slice(0, -1)
    const inner = [1, 2].map((shift) =>
      Buffer.from(value.slice(shift)).toString('base64').replace(/=+$/, '').slice(0, -2),
    )
    return [value, once, twice, ...inner].some((form) => text.includes(form))
  })
}

describe('Secrets, masked', () => {
  let lab: Lab
  let gateway: Gateway
  let folder: string
  let masked: string
  let exempt: string
  const kubectl = kubectls()[0] as string
  const as = (kubeconfig: string, args: readonly string[], input = '', env = {}): Promise<Ran> =>
    run(kubectl, args, { KUBECONFIG: kubeconfig, ...env }, Buffer.from(input))
  const ok = async (kubeconfig: string, args: readonly string[], input = '', env = {}): Promise<Buffer> => {
    const { code, out, err } = await as(kubeconfig, args, input, env)
    assert.equal(code, 0, `${args.join(' ')}: ${err}`)
    return Buffer.concat([out, err])
  }
  const clean = async (args: readonly string[], input = '', env = {}): Promise<string> => {
    const bytes = await ok(masked, args, input, env)
    assert.deepEqual(found(bytes), [], args.join(' '))
    return bytes.toString()
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-masking-'))
    lab = await startLab()
    gateway = await startGateway(lab)
    masked = await gateway.kubeconfig('agent', ['admins'])
    exempt = await gateway.kubeconfig('keeper', ['admins', 'unmasked'])
    for (const name of NAMES) await ok(lab.adminKubeconfig, ['apply', '-f', '-'], manifest(name))
  })
  after(async () => {
    await gateway?.stop()
    gateway?.remove()
    await lab?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('an exempt caller reads all of them, so the search can find them', async () => {
    for (const output of ['yaml', 'json']) {
      assert.deepEqual(found(await ok(exempt, ['get', 'secrets', '-o', output])), values)
    }
  })

  for (const args of [
    ['get', 'secrets'],
    ['get', 'secrets', '-o', 'yaml'],
    ['get', 'secrets', '-o', 'json'],
    ['get', 'secrets', '-A', '-o', 'json', '--chunk-size=2'],
    ['get', 'secret', 'alpha', '-o', 'jsonpath={.data}'],
    ['get', 'secrets', '--sort-by=.metadata.name', '-o', 'wide'],
    ['describe', 'secrets'],
    ['get', '--raw', '/api/v1/secrets'],
    ['get', '--raw', '/api/v1/namespaces/default/secrets/beta'],
    ['get', '--raw', '/api/v1/namespaces/default/secrets?watch=1&timeoutSeconds=1'],
    ['get', '--raw', '/api/v1/watch/namespaces/default/secrets?timeoutSeconds=1'],
    ['apply', 'view-last-applied', 'secret', 'gamma'],
    ['get', 'secrets', '-o', 'json', '--show-managed-fields'],
  ]) {
    test(`kubectl ${args.join(' ')} shows none`, async () => {
      await clean(args)
    })
  }

  test('a masked value is base64 of the same mask each time, and differs from all others', async () => {
    const read = async (name: string) =>
      (JSON.parse(await clean(['get', 'secret', name, '-o', 'json'])) as { data: Record<string, string> }).data
    const [alpha, again, beta] = [await read('alpha'), await read('alpha'), await read('beta')]
    assert.deepEqual(alpha, again)
    const masks = [...Object.values(alpha), ...Object.values(beta)]
    assert.equal(new Set(masks).size, 6)
    for (const mask of masks) assert.match(Buffer.from(mask, 'base64').toString(), /^sallyport-masked-[\w-]{24}$/)
  })

  test('metadata can be changed, and an apply with the values goes through', async () => {
    await clean(['label', 'secret', 'alpha', 'team=a'])
    await clean(['annotate', 'secret', 'alpha', 'note=x'])
    await clean([
      'patch',
      'secret',
      'alpha',
      '--type=json',
      '-p',
      '[{"op":"add","path":"/metadata/labels/n","value":"1"}]',
    ])
    await clean(['apply', '-f', '-'], manifest('alpha', 'second'))
    await clean(['apply', '--server-side', '--force-conflicts', '-f', '-'], manifest('beta', 'second'))
    await as(masked, ['diff', '-f', '-'], manifest('beta', 'third'))
    const editor = join(folder, 'edit.sh')
    writeFileSync(editor, '#!/bin/sh\nsed -i "s/label: .*/label: edited/" "$1"\n', { mode: 0o755 })
    await clean(['edit', 'secret', 'gamma'], '', { EDITOR: editor })
    assert.deepEqual(found(await ok(exempt, ['get', 'secrets', '-o', 'yaml'])), values)
    assert.match((await ok(exempt, ['get', 'secrets', '-l', 'label=edited', '-o', 'name'])).toString(), /gamma/)
  })

  test('a mask is never written over a value', async () => {
    const read = await clean(['get', 'secret', 'alpha', '-o', 'json'])
    const { code, err } = await as(masked, ['replace', '-f', '-'], read)
    assert.equal(code, 1)
    assert.match(err.toString(), /data\.key\d holds a masked value/)
    const copy = read.replace('"name": "alpha"', '"name": "copy"')
    assert.match((await as(masked, ['create', '-f', '-'], copy)).err.toString(), /masked value/)
    const mask = (JSON.parse(read) as { data: { key1: string } }).data.key1
    const patch = JSON.stringify({ data: { other: Buffer.from(mask).toString('base64') } })
    assert.match((await as(masked, ['patch', 'secret', 'alpha', '-p', patch])).err.toString(), /masked value/)
    assert.deepEqual(found(await ok(exempt, ['get', 'secrets', '-o', 'yaml'])), values)
    const stored = await ok(lab.adminKubeconfig, ['get', 'secrets,configmaps', '-A', '-o', 'json'])
    assert.equal(stored.includes('sallyport-masked-'), false)
    assert.equal(stored.includes('c2FsbHlwb3J0LW1hc2tlZC'), false)
  })

  test('tokens that the API server makes are masked', async () => {
    const token = await clean(['create', 'token', 'gateway', '-n', 'gateway'])
    assert.match(token, /^sallyport-masked-/)
  })

  test('what a Secret holds is masked wherever else it turns up, also for whoever writes it there', async () => {
    const [value] = values as [string]
    await clean(['get', 'secret', 'alpha', '-o', 'yaml'])
    const twice = Buffer.from(value).toString('base64')
    const copy = ['--from-literal', `plain=${value}`, '--from-literal', `encoded=${twice}`]
    await clean(['create', 'configmap', 'copy', ...copy, '-o', 'yaml'])
    await clean(['get', 'configmap', 'copy', '-o', 'yaml'])
    await clean(['get', '--raw', '/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=1'])
    await clean(['annotate', 'configmap', 'copy', `note=${value}`])
    await clean(['describe', 'configmap', 'copy'])
    assert.deepEqual(found(await ok(exempt, ['get', 'configmap', 'copy', '-o', 'yaml'])), [value])
    const read = await clean(['get', 'configmap', 'copy', '-o', 'json'])
    const { code, err } = await as(masked, ['replace', '-f', '-'], read)
    assert.equal(code, 1)
    assert.match(err.toString(), /holds a masked value/)
    await clean(['delete', 'configmap', 'copy'])
  })

  test('what is deleted is not shown either', async () => {
    await clean(['patch', 'secret', 'beta', '-p', '{"metadata":{"finalizers":["example.com/hold"]}}'])
    await clean(['delete', 'secret', 'beta', '--wait=false'])
    await clean(['patch', 'secret', 'beta', '--type=merge', '-p', '{"metadata":{"finalizers":null}}'])
    await clean(['delete', 'secrets', '-l', 'corpus=yes'])
  })

  test('no value is in any file of the store, and the tapes say what was masked', async () => {
    await gateway.stop()
    const tapes = await readTapes(gateway.data)
    const masks = tapes.flatMap(({ entries }) => entries.filter(({ kind }) => kind === 'masked'))
    assert.ok(masks.length > 20, `${masks.length} entries`)
    for (const { entries } of tapes) {
      for (const entry of entries) {
        if (entry.kind === 'requestBody' || entry.kind === 'responseBody')
          assert.deepEqual(found(Buffer.from(entry.body.bytes)), [])
      }
    }
    for (const file of readdirSync(gateway.data, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue
      const path = join(file.parentPath, file.name)
      assert.deepEqual(found(readFileSync(path)), [], path)
    }
  })
})
