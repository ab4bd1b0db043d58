// Secrets of every type with 40 known values, read in every way that there is: real kubectl, client-go, plain HTTP, watches,
// exec, cp, logs and port-forward. Of a masked caller not one of them, nor its encodings, is in any byte that came over the
// wire or in any file of the store; an exempt caller finds all of them the same way.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { type Gateway, startGateway } from './support/gateway.ts'
import { build, kubectls, type Lab, startLab } from './support/lab.ts'
import { type Recorder, startRecorder } from './support/recorder.ts'
import { type Ran, run } from './support/run.ts'
import { type SecretCorpus, secretCorpus } from './support/secret-corpus.ts'

const SPDY = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }

/** What a mask looks like in the cluster's store, in each form. */
const MASKS = ['sallyport-masked-', 'c2FsbHlwb3J0LW1hc2tlZC', '~mask~', '/mask+']

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const METADATA = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
const PROTOBUF = 'application/vnd.kubernetes.protobuf'

/** Asked by plain HTTP, as a program in Python would; and whether the values come, unmasked. */
const REQUESTS: readonly { path: string; fields?: Record<string, string>; shows: boolean }[] = [
  { path: '/api/v1/secrets', shows: true },
  { path: '/api/v1/secrets?limit=3', shows: true },
  { path: '/api/v1/secrets', fields: { accept: 'application/yaml' }, shows: true },
  { path: '/api/v1/secrets', fields: { accept: PROTOBUF }, shows: true },
  { path: '/api/v1/secrets', fields: { accept: 'application/cbor, application/json' }, shows: true },
  { path: '/api/v1/secrets', fields: { 'accept-encoding': 'gzip' }, shows: true },
  { path: '/api/v1/secrets', fields: { accept: TABLE }, shows: true },
  { path: '/api/v1/secrets?includeObject=Object', fields: { accept: TABLE }, shows: true },
  { path: '/api/v1/secrets', fields: { accept: METADATA }, shows: true },
  { path: '/api/v1/namespaces/default/secrets/corpus-opaque', fields: { accept: 'application/yaml' }, shows: true },
  { path: '/api/v1/namespaces/default/secrets/corpus-opaque', fields: { accept: PROTOBUF }, shows: true },
  { path: '/api/v1/namespaces/default/secrets?watch=1&timeoutSeconds=1', shows: true },
  {
    path: '/api/v1/namespaces/default/secrets?watch=1&timeoutSeconds=1',
    fields: { accept: `${PROTOBUF};stream=watch` },
    shows: true,
  },
  { path: '/api/v1/watch/secrets?timeoutSeconds=1', shows: true },
  {
    path: '/api/v1/secrets?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
    shows: true,
  },
  { path: '/api/v1/namespaces/default/pods/corpus', shows: true },
  { path: '/api/v1/namespaces/default/pods/corpus', fields: { accept: PROTOBUF }, shows: true },
  { path: '/api/v1/namespaces/default/pods/corpus/log?tailLines=40', shows: true },
]

const READS: readonly { args: readonly string[]; shows: boolean }[] = [
  { args: ['get', 'secrets'], shows: true },
  { args: ['get', 'secrets', '-o', 'wide'], shows: true },
  { args: ['get', 'secrets', '-o', 'name'], shows: true },
  { args: ['get', 'secrets', '-o', 'yaml'], shows: true },
  { args: ['get', 'secrets', '-o', 'json'], shows: true },
  { args: ['get', 'secrets', '-A', '-o', 'json', '--chunk-size=2'], shows: true },
  { args: ['get', 'secrets', '-o', 'json', '--show-managed-fields'], shows: true },
  { args: ['get', 'secrets', '-o', 'jsonpath={.items[*].data}'], shows: true },
  { args: ['get', 'secrets', '-o', 'go-template={{range .items}}{{.data}}{{end}}'], shows: true },
  { args: ['get', 'secrets', '-o', 'custom-columns=NAME:.metadata.name,DATA:.data'], shows: true },
  { args: ['get', 'secrets', '--sort-by=.metadata.name'], shows: true },
  { args: ['get', 'secret', 'corpus-opaque', '-o', 'yaml'], shows: true },
  { args: ['describe', 'secrets'], shows: true },
  { args: ['get', '--raw', '/api/v1/secrets'], shows: true },
  { args: ['get', '--raw', '/api/v1/namespaces/default/secrets?watch=1&timeoutSeconds=1'], shows: true },
  { args: ['get', 'secrets', '--watch', '-o', 'json', '--request-timeout=2s'], shows: true },
  { args: ['apply', 'view-last-applied', 'secret', 'corpus-text'], shows: true },
  { args: ['explain', 'secret.data'], shows: false },
  { args: ['events', '-A'], shows: false },
  { args: ['get', 'events', '-A', '-o', 'yaml'], shows: false },
  { args: ['get', 'pods', '-o', 'yaml'], shows: true },
  { args: ['describe', 'pod', 'corpus'], shows: true },
  { args: ['get', 'configmap', 'corpus', '-o', 'yaml'], shows: true },
  { args: ['logs', 'corpus', '--tail=40'], shows: true },
  { args: ['logs', 'corpus', '-f', '--request-timeout=2s', '--tail=40'], shows: true },
  { args: ['exec', 'corpus', '--', 'env'], shows: true },
  { args: ['exec', 'corpus', '--', 'sh', '-c', 'cat values/*'], shows: true },
  { args: ['exec', 'corpus', '--', 'sh', '-c', 'cat values/* >&2'], shows: true },
  { args: ['exec', 'corpus', '--', 'sh', '-c', 'for f in values/*; do base64 $f; done'], shows: true },
  { args: ['exec', 'corpus', '--', 'sh', '-c', 'for f in values/*; do base64 -w0 $f; echo; done'], shows: true },
  {
    args: ['exec', 'corpus', '--', 'sh', '-c', 'for f in values/*; do od -An -tx1 $f | tr -d " \\n"; echo; done'],
    shows: true,
  },
  { args: ['exec', 'corpus', '--', 'sh', '-c', 'tar cf - values'], shows: true },
]

describe('a corpus of Secrets', () => {
  let lab: Lab
  let gateway: Gateway
  let recorder: Recorder
  let corpus: SecretCorpus
  let folder: string
  let masked: string
  let exempt: string
  let token = ''
  let exemptToken = ''
  const kubectl = kubectls()[0] as string
  /** Where a pod's server answers with the values. */
  const web = createServer((_, answer) => {
    answer.end(corpus.values.map(({ bytes }) => bytes.toString('latin1')).join('\n'), 'latin1')
  })

  const as = async (
    kubeconfig: string,
    args: readonly string[],
    input = '',
    env = {},
  ): Promise<Ran & { all: Buffer }> => {
    recorder.received()
    const ran = await run(kubectl, args, { KUBECONFIG: kubeconfig, ...env }, Buffer.from(input))
    return { ...ran, all: Buffer.concat([ran.out, ran.err, recorder.received()]) }
  }
  /** For a masked caller: what it received, in which nothing was found. */
  const clean = async (args: readonly string[], input = '', env = {}): Promise<Ran> => {
    const ran = await as(masked, args, input, env)
    assert.deepEqual(corpus.foundIn(ran.all), [], args.join(' '))
    return ran
  }
  const cleanly = async (args: readonly string[], input = '', env = {}): Promise<string> => {
    const { code, out, err } = await clean(args, input, env)
    assert.equal(code, 0, `${args.join(' ')}: ${err}`)
    return out.toString() + err.toString()
  }
  const admin = async (args: readonly string[], input = ''): Promise<Buffer> => {
    const { code, out, err } = await run(kubectl, args, { KUBECONFIG: lab.adminKubeconfig }, Buffer.from(input))
    assert.equal(code, 0, `${args.join(' ')}: ${err}`)
    return out
  }
  const ask = (bearer: string, path: string, fields: Record<string, string> = {}): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      recorder.received()
      const options = { ca: readFileSync(recorder.ca), headers: { authorization: `Bearer ${bearer}`, ...fields } }
      const call = request(`${recorder.address}${path}`, options, (answer) => {
        answer.resume()
        answer.on('end', () => resolve(recorder.received()))
        answer.on('error', reject)
      })
      call.on('error', reject)
      call.end()
    })

  /** What a WebSocket brings until it is closed, out of its base64. */
  const messagesOf = (bearer: string, path: string, protocol: string): Promise<Buffer[]> =>
    new Promise((resolve, reject) => {
      recorder.received()
      const options = { ca: readFileSync(recorder.ca), headers: { Authorization: `Bearer ${bearer}` } }
      const address = recorder.address.replace('https', 'wss') + path
      const socket = new WebSocket(address, protocol === '' ? [] : [protocol], options)
      const messages: Buffer[] = []
      const isBase64 = protocol.startsWith('base64') && path.includes('/log')
      socket.on('message', (data: Buffer) =>
        messages.push(isBase64 ? Buffer.from(data.toString('latin1'), 'base64') : data),
      )
      socket.on('error', reject)
      socket.on('close', (code) => (code === 1000 ? resolve(messages) : reject(new Error(`closed with ${code}`))))
    })

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-corpus-'))
    corpus = secretCorpus('corpus-')
    assert.equal(corpus.values.length, 40)
    lab = await startLab()
    gateway = await startGateway(lab)
    recorder = await startRecorder(gateway.address, readFileSync(gateway.ca, 'utf8'), join(folder, 'pki'))
    await new Promise<void>((listening) => web.listen(0, '127.0.0.1', listening))
    const recorded = async (user: string, groups: readonly string[]): Promise<[string, string]> => {
      const config = JSON.parse(readFileSync(await gateway.kubeconfig(user, groups), 'utf8'))
      config.clusters[0].cluster = { server: recorder.address, 'certificate-authority': recorder.ca }
      const file = join(folder, `${user}.kubeconfig`)
      writeFileSync(file, JSON.stringify(config))
      return [file, config.users[0].user.token]
    }
    ;[masked, token] = await recorded('agent', ['admins'])
    ;[exempt, exemptToken] = await recorded('keeper', ['admins', 'unmasked'])
    await admin(['apply', '-f', '-'], corpus.manifest)
    await admin(['apply', '-f', '-'], JSON.stringify(holders()))
    await admin(['wait', '--for=condition=Ready', 'pod/corpus', '--timeout=20s'])
  })
  after(async () => {
    await recorder?.close()
    await gateway?.stop()
    gateway?.remove()
    await lab?.stop()
    web.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Where values turn up besides Secrets: a pod's environment, files and log, and a ConfigMap. */
  function holders(): object {
    const texts = corpus.values.filter(({ bytes }) => /^[\x20-\x7e]{8,80}$/.test(bytes.toString('latin1')))
    const write = corpus.values.map(
      ({ bytes }, at) => `printf %s ${bytes.toString('base64')} | base64 -d > values/${at}`,
    )
    const log = 'while :; do for f in values/*; do cat $f; echo; done; sleep 1; done'
    const container = {
      name: 'main',
      image: 'lab/shell',
      command: ['sh', '-c', 'mkdir -p values; sh -c "$WRITE"; touch ready; sh -c "$LOG"'],
      env: [
        ...texts.map(({ bytes }, at) => ({ name: `SETTING_${at}`, value: bytes.toString() })),
        { name: 'LOG', value: log },
        { name: 'WRITE', value: write.join('; ') },
      ],
    }
    const { port } = web.address() as AddressInfo
    const metadata = { name: 'corpus', namespace: 'default', annotations: { 'lab/ports': `8080=${port}` } }
    return {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } },
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'corpus', namespace: 'default' },
          data: { settings: texts.map(({ bytes }, at) => `option_${at}: ${bytes}`).join('\n') },
        },
      ],
    }
  }

  // The exempt caller comes first: what it reads is learned from it as well.
  test('an exempt caller finds all of them, in every way that shows some', async () => {
    const seen = new Set<string>()
    const odd: string[] = []
    const note = (what: string, bytes: Buffer, shows: boolean): void => {
      const found = corpus.foundIn(bytes)
      if (found.length > 0 !== shows) odd.push(`${what}: ${found.length} in ${bytes.length} octets`)
      for (const name of found) seen.add(name)
    }
    for (const { args, shows } of READS) note(args.join(' '), (await as(exempt, args)).all, shows)
    for (const { path, fields, shows } of REQUESTS) note(path, await ask(exemptToken, path, fields), shows)
    assert.deepEqual(odd, [])
    assert.deepEqual(
      corpus.values.map(({ name }) => name).filter((name) => !seen.has(name)),
      [],
    )
  })

  for (const { args } of READS) {
    test(`kubectl ${args.join(' ')} shows none`, async () => {
      await clean(args)
      if (args[0] === 'exec') await clean(args, '', SPDY)
    })
  }

  for (const { path, fields } of REQUESTS) {
    test(`GET ${path} ${JSON.stringify(fields ?? {})} shows none`, async () => {
      assert.deepEqual(corpus.foundIn(await ask(token, path, fields)), [])
    })
  }

  for (const { path, mask, isEvents } of [
    { path: '/api/v1/namespaces/default/secrets?watch=1&timeoutSeconds=1', mask: MASKS[1] as string, isEvents: true },
    { path: '/api/v1/watch/namespaces/default/secrets?timeoutSeconds=1', mask: MASKS[1] as string, isEvents: true },
    { path: '/api/v1/namespaces/default/pods/corpus/log?tailLines=40', mask: '~mask~', isEvents: false },
  ]) {
    test(`over a WebSocket, ${path} shows none but to who is exempt`, async () => {
      for (const protocol of ['', 'binary.k8s.io', 'base64.binary.k8s.io']) {
        const messages = await messagesOf(token, path, protocol)
        const text = Buffer.concat(messages)
        assert.deepEqual(corpus.foundIn(Buffer.concat([text, recorder.received()])), [], protocol)
        assert.ok(text.includes(mask), protocol)
        const shown = await messagesOf(exemptToken, path, protocol)
        assert.ok(corpus.foundIn(Buffer.concat(shown)).length > (isEvents ? 20 : 0), protocol)
        if (!isEvents) continue
        for (const message of [...messages, ...shown]) assert.ok('object' in JSON.parse(message.toString()))
        assert.equal(messages.length, shown.length)
      }
    })
  }

  test('no other upgrade is passed', async () => {
    for (const path of [
      '/api/v1/namespaces/default/secrets',
      '/api/v1/namespaces/default/secrets/corpus-opaque?watch=1',
    ]) {
      await assert.rejects(messagesOf(token, path, ''), /403/, path)
    }
  })

  for (const env of [{}, SPDY]) {
    const over = env === SPDY ? 'SPDY' : 'WebSocket'
    test(`a terminal shows none, over ${over}`, async () => {
      // script has no input, and says so by a NUL: the terminal would echo it into the middle of a value.
      const words = [kubectl, 'exec', '-it', 'corpus', '--', 'sh', '-c', "'stty -echo; cat values/*; base64 values/*'"]
      recorder.received()
      const ran = await run('script', ['-qec', words.join(' '), '/dev/null'], { KUBECONFIG: masked, ...env })
      const received = Buffer.concat([ran.out, recorder.received()])
      assert.ok(received.length > 1_000, ran.out.toString())
      assert.deepEqual(corpus.foundIn(received), [])
    })

    test(`cp keeps names and lengths and shows none, over ${over}`, async () => {
      const target = join(folder, `copied-${over}`)
      await cleanly(['cp', 'default/corpus:values', target], '', env)
      assert.equal(readdirSync(target).length, corpus.values.length)
      for (const [at, { name, bytes }] of corpus.values.entries()) {
        const copied = readFileSync(join(target, String(at)))
        assert.equal(copied.length, bytes.length, name)
        assert.deepEqual(corpus.foundIn(copied), [], name)
      }
    })

    test(`plain HTTP through a port-forward shows none, over ${over}`, async () => {
      recorder.received()
      const { out, err } = await run('bash', ['-c', FORWARD, 'forward', kubectl], { KUBECONFIG: masked, ...env })
      assert.ok(out.length > 1_000, err.toString())
      assert.deepEqual(corpus.foundIn(Buffer.concat([out, err, recorder.received()])), [])
    })
  }

  test('client-go reads none, and a controller is told what it cannot write', async () => {
    const { code, out, err } = await run(build('clients'), [
      '-kubeconfig',
      masked,
      '-prefix',
      'corpus-opaque',
      'secrets',
    ])
    assert.equal(code, 0, err.toString() + out.toString().slice(0, 2_000))
    const lines = out
      .toString()
      .trim()
      .split('\n')
      .map(
        (line) => JSON.parse(line) as { event: string; name?: string; message?: string; body?: string; type?: string },
      )
    const bodies = lines.filter(({ event }) => event === 'body')
    assert.ok(bodies.some(({ type }) => type?.includes('protobuf')))
    for (const { body = '' } of bodies) assert.deepEqual(corpus.foundIn(Buffer.from(body, 'base64')), [])
    const ended = new Map(lines.filter(({ event }) => event === 'ended').map(({ name, message }) => [name, message]))
    assert.match(ended.get('update') ?? '', /masked value/)
    assert.equal(ended.get('create'), '')
    assert.equal(ended.get('patch'), '')
  })

  test('what is written comes back masked, and nothing is written over', async () => {
    const text = (value: string): string =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'corpus-text', namespace: 'default', labels: { corpus: 'yes', label: value } },
        stringData: Object.fromEntries(
          corpus.values
            .filter(({ name }) => name.startsWith('text '))
            .map(({ name, bytes }) => [name.replace(' ', ''), bytes.toString()]),
        ),
      })
    await cleanly(['label', 'secret', 'corpus-text', 'team=a'])
    await cleanly(['annotate', 'secret', 'corpus-text', 'note=x'])
    await cleanly(['apply', '-f', '-'], text('second'))
    await cleanly(['apply', '--server-side', '--force-conflicts', '-f', '-'], text('third'))
    await clean(['diff', '-f', '-'], text('fourth'))
    await cleanly(['patch', 'secret', 'corpus-text', '--type=merge', '-p', '{"metadata":{"labels":{"n":"1"}}}'])
    await cleanly(['patch', 'secret', 'corpus-text', '-p', '{"metadata":{"labels":{"n":"2"}}}'])
    await cleanly([
      'patch',
      'secret',
      'corpus-text',
      '--type=json',
      '-p',
      '[{"op":"add","path":"/metadata/labels/m","value":"3"}]',
    ])
    const editor = join(folder, 'edit.sh')
    writeFileSync(editor, '#!/bin/sh\nsed -i "s/label: .*/label: edited/" "$1"\n', { mode: 0o755 })
    await cleanly(['edit', 'secret', 'corpus-text'], '', { EDITOR: editor })

    for (const kind of ['secret/corpus-text', 'configmap/corpus', 'pod/corpus']) {
      const read = await cleanly(['get', kind, '-o', 'json'])
      const { code, err } = await clean(['replace', '-f', '-'], read)
      assert.equal(code, 1, kind)
      assert.match(err.toString(), /masked value/, kind)
    }
    // What leaves the masked fields alone goes through.
    await cleanly(['patch', 'configmap', 'corpus', '-p', '{"data":{"other":"1"}}'])
    await cleanly(['label', 'pod', 'corpus', 'team=a'])
  })

  test('what is deleted is not shown either, and no mask is in the cluster’s store', async () => {
    const all = corpus.foundIn(await admin(['get', 'secrets', '-o', 'json']))
    assert.equal(all.length, corpus.values.length, 'every value is still in the cluster')
    await cleanly(['patch', 'secret', 'corpus-basic', '-p', '{"metadata":{"finalizers":["example.com/hold"]}}'])
    await cleanly(['delete', 'secret', 'corpus-basic', '--wait=false'])
    await cleanly(['patch', 'secret', 'corpus-basic', '--type=merge', '-p', '{"metadata":{"finalizers":null}}'])
    const path = '/api/v1/namespaces/default/secrets?labelSelector=corpus%3Dyes'
    const deleted = await new Promise<Buffer>((resolve, reject) => {
      recorder.received()
      const options = { ca: readFileSync(recorder.ca), method: 'DELETE', headers: { authorization: `Bearer ${token}` } }
      const call = request(`${recorder.address}${path}`, options, (answer) => {
        answer.resume()
        answer.on('end', () => resolve(recorder.received()))
      })
      call.on('error', reject)
      call.end()
    })
    assert.ok(deleted.includes('corpus-opaque'), 'the deletion of a collection answers with its objects')
    assert.deepEqual(corpus.foundIn(deleted), [])

    const etcd = readdirSync(lab.state, { recursive: true, withFileTypes: true }).filter(
      (file) => file.isFile() && /etcd/.test(file.parentPath),
    )
    assert.ok(etcd.length > 0)
    for (const file of etcd) {
      const bytes = readFileSync(join(file.parentPath, file.name))
      for (const mask of MASKS) assert.equal(bytes.includes(mask), false, `${mask} in ${file.name}`)
    }
  })

  test('no value is in any file of the store, also of what the exempt caller read', async () => {
    await gateway.stop()
    for (const file of readdirSync(gateway.data, { recursive: true, withFileTypes: true })) {
      // The ballast is 64 MiB of random octets, written before anything else was.
      if (!file.isFile() || file.name === 'ballast') continue
      const path = join(file.parentPath, file.name)
      assert.deepEqual(corpus.foundIn(readFileSync(path)), [], path)
    }
    assert.deepEqual(corpus.foundIn(Buffer.from(gateway.log())), [])
  })
})

/** Forwards a port, asks once over it, and ends. $1: kubectl. */
const FORWARD = `
coproc forward { "$1" port-forward pod/corpus :8080 2>&1; }
read -r line <&"\${forward[0]}"
port=\${line##*127.0.0.1:}
port=\${port%% *}
curl -s -m 10 "http://127.0.0.1:$port/"
kill "$forward_PID"
`
