// Watches and logs over WebSocket, through a whole gateway: what reaches the cluster, what the client gets of its answer in
// which messages, masked or not, what ends them, and what is on the tape.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import type { Entry } from '../../../protocols/tape/entry.ts'
import { openAtRest } from '../../../replay/store-at-rest.ts'
import { StoredTapes } from '../../../replay/stored-tapes.ts'
import { GatewayFixture } from '../../support/running-gateway.ts'

const WATCH = '/api/v1/namespaces/web/secrets?watch=1'
const LOG = '/api/v1/namespaces/web/pods/p/log?follow=1'
const PASSWORD = 'correct-horse-battery'
const SENTINEL = /^sallyport-masked-[\w-]{24}$/

const POLICY = {
  apiVersion: 'sallyport/v1',
  kind: 'AccessPolicy',
  rules: [
    { name: 'all', subjects: [{ group: 'oidc:admins' }], verbs: ['*'], effect: 'allow' },
    { name: 'strict', subjects: [{ group: 'oidc:strict' }], verbs: ['*'], effect: 'allow', durability: 'strict' },
    { name: 'few', subjects: [{ group: 'oidc:few' }], verbs: ['watch'], effect: 'allow' },
  ],
  budgets: [{ name: 'two', subjects: [{ group: 'oidc:few' }], objectsReturned: 2 }],
}

function event(name: string, password = PASSWORD): string {
  const data = { password: Buffer.from(password).toString('base64') }
  const object = { kind: 'Secret', apiVersion: 'v1', metadata: { name, namespace: 'web', uid: name }, data }
  return `${JSON.stringify({ type: 'ADDED', object })}\n`
}

interface Event {
  readonly object: { readonly metadata: { readonly name: string }; readonly data: { readonly password: string } }
}

function passwordIn(message: Message | undefined): string {
  const { object } = JSON.parse(String(message?.data)) as Event
  return Buffer.from(object.data.password, 'base64').toString()
}

interface Message {
  readonly data: Buffer
  readonly isBinary: boolean
}

describe('a watch or a log over a WebSocket', () => {
  let fixture: GatewayFixture
  let token: string
  let serve: (request: IncomingMessage, response: ServerResponse) => void
  let upgrades = 0
  const sockets: WebSocket[] = []

  before(async () => {
    fixture = await GatewayFixture.open(
      (request, response) => serve(request, response),
      (_, socket) => {
        upgrades += 1
        socket.destroy()
      },
      (config, { folder }) => {
        writeFileSync(`${folder}/messages.yaml`, JSON.stringify(POLICY))
        config.policyFile = `${folder}/messages.yaml`
        config.masking = { exempt: [{ group: 'oidc:keepers' }] }
      },
    )
    token = await fixture.token()
  })
  after(async () => {
    for (const socket of sockets) socket.terminate()
    await fixture.close()
    fixture.remove()
  })

  function open(path: string, bearer = token, protocols: string[] = [], fields: Record<string, string> = {}) {
    const { address, ca } = fixture.gateway
    const headers = bearer === '' ? fields : { Authorization: `Bearer ${bearer}`, ...fields }
    const socket = new WebSocket(address.replace('https', 'wss') + path, protocols, { ca: readFileSync(ca), headers })
    const messages: Message[] = []
    socket.on('message', (data: Buffer, isBinary: boolean) => messages.push({ data, isBinary }))
    socket.on('error', () => undefined)
    sockets.push(socket)
    const closed = new Promise<number>((resolve) => socket.on('close', resolve))
    return { socket, messages, closed }
  }

  async function refusedWith(path: string, fields: Record<string, string> = {}, protocols: string[] = []) {
    const { socket } = open(path, token, protocols, fields)
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
    let body = ''
    for await (const chunk of response) body += (chunk as Buffer).toString()
    socket.terminate()
    return { status: response.statusCode ?? 0, body }
  }

  const events = (...pieces: readonly (string | Buffer)[]) => {
    serve = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      for (const piece of pieces) response.write(piece)
      response.end()
    }
  }

  test('asks the cluster for no upgrade, and for events in JSON', async () => {
    let asked: IncomingMessage | undefined
    serve = (request, response) => {
      asked = request
      response.writeHead(200, { 'content-type': 'application/json' }).end(event('a'))
    }
    const protobuf = 'application/vnd.kubernetes.protobuf;stream=watch, application/json'
    const { messages, closed } = open(WATCH, token, ['base64.binary.k8s.io'], { Accept: protobuf, Origin: 'https://a' })
    assert.equal(await closed, 1000)
    assert.equal(messages.length, 1)
    assert.equal(upgrades, 0)
    assert.ok(asked !== undefined)
    assert.equal(asked.method, 'GET')
    assert.equal(asked.url, WATCH)
    assert.equal(asked.headers.accept, 'application/json')
    for (const name of Object.keys(asked.headers)) assert.doesNotMatch(name, /^(upgrade|sec-websocket)/)
  })

  test('has each event masked, as a text message of its own, however the cluster cuts them', async () => {
    const body = Buffer.from(['a', 'b', 'c'].map((name) => event(name)).join(''))
    for (const length of [1, 7, 100, body.length]) {
      const pieces = Array.from({ length: Math.ceil(body.length / length) }, (_, at) =>
        body.subarray(at * length, (at + 1) * length),
      )
      events(...pieces)
      const { messages, closed } = open(WATCH)
      assert.equal(await closed, 1000)
      assert.deepEqual(
        messages.map(({ data }) => (JSON.parse(data.toString()) as Event).object.metadata.name),
        ['a', 'b', 'c'],
      )
      for (const message of messages) {
        assert.equal(message.isBinary, false)
        assert.match(passwordIn(message), SENTINEL)
      }
    }
  })

  test('shows values to who is exempt', async () => {
    events(event('a'), event('b'))
    const { messages, closed } = open(WATCH, await fixture.token({ groups: ['admins', 'keepers'] }))
    assert.equal(await closed, 1000)
    assert.deepEqual(messages.map(passwordIn), [PASSWORD, PASSWORD])
  })

  test('passes an event as it comes, under strict durability as well', async () => {
    for (const groups of [['admins'], ['strict']]) {
      let response: ServerResponse | undefined
      serve = (_, answer) => {
        response = answer
        answer.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
      }
      const { socket, messages, closed } = open(WATCH, await fixture.token({ groups }))
      await once(socket, 'open')
      for (const name of ['a', 'b']) {
        response?.write(event(name))
        await once(socket, 'message')
      }
      assert.equal(messages.length, 2)
      const gone = once(response as ServerResponse, 'close')
      socket.close()
      await gone
      await closed
    }
  })

  test('takes the bearer among the subprotocols', async () => {
    events(event('a'))
    const bearer = `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}`
    const { socket, messages, closed } = open(WATCH, '', [bearer, 'base64.binary.k8s.io'])
    assert.equal(await closed, 1000)
    assert.equal(socket.protocol, 'base64.binary.k8s.io')
    assert.equal(messages.length, 1)
  })

  for (const [protocol, isBinary] of [
    ['', true],
    ['binary.k8s.io', true],
    ['base64.binary.k8s.io', false],
  ] as const) {
    test(`has a log masked, with ${protocol === '' ? 'no subprotocol' : protocol}`, async () => {
      serve = (_, response) => {
        response.writeHead(200, { 'content-type': 'text/plain' })
        response.end(`it began\nthe password is ${PASSWORD}\nit ended\n`)
      }
      const { messages, closed } = open(LOG, token, protocol === '' ? [] : [protocol])
      assert.equal(await closed, 1000)
      assert.equal(messages[0]?.data.length, 0)
      for (const message of messages) assert.equal(message.isBinary, isBinary)
      const text = messages.map(({ data }) => (isBinary ? data : Buffer.from(data.toString(), 'base64'))).join('')
      assert.equal(text, `it began\nthe password is ~mask~${'~'.repeat(PASSWORD.length - 6)}\nit ended\n`)
    })
  }

  test('answers pings, and takes no data', async () => {
    serve = (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    const { socket, closed } = open(WATCH)
    await once(socket, 'open')
    socket.ping('still there')
    const [pong] = (await once(socket, 'pong')) as [Buffer]
    assert.equal(pong.toString(), 'still there')
    socket.send('a word')
    assert.equal(await closed, 1008)
  })

  test('is not ended as if it were complete where the cluster’s answer is not', async () => {
    serve = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write(event('a') + event('b').slice(0, 40))
      setImmediate(() => response.destroy())
    }
    const { messages, closed } = open('/api/v1/namespaces/web/configmaps?watch=1')
    assert.equal(await closed, 1001)
    assert.equal(messages.length, 1)
  })

  test('breaks off at what is no event', async () => {
    events(event('a'), '[]\n')
    const { messages, closed } = open('/api/v1/nodes?watch=1')
    assert.equal(await closed, 1001)
    assert.equal(messages.length, 1)
  })

  test('breaks off where a budget of objects is spent', async () => {
    events(...['a', 'b', 'c'].map((name) => event(name)))
    const { messages, closed } = open(WATCH, await fixture.token({ subject: 'few', groups: ['few'] }))
    assert.equal(await closed, 1001)
    assert.ok(messages.length <= 2)
  })

  test('is answered by HTTP where the cluster refuses', async () => {
    serve = (_, response) =>
      response.writeHead(410, { 'content-type': 'application/json' }).end('{"kind":"Status","code":410}')
    const { status, body } = await refusedWith(WATCH)
    assert.equal(status, 410)
    assert.match(body, /Status/)
  })

  test('is refused where the cluster answers in another form', async () => {
    serve = (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(PASSWORD)
    const { status, body } = await refusedWith('/api/v1/namespaces/web/configmaps?watch=1')
    assert.equal(status, 502)
    assert.match(body, /stream\.unlike_events/)
  })

  for (const [what, path, fields, protocols, status, rule] of [
    ['a list', '/api/v1/secrets', {}, [], 403, 'stream.unknown_upgrade'],
    ['one object', '/api/v1/namespaces/web/secrets/a?watch=1', {}, [], 403, 'stream.unknown_upgrade'],
    ['a proxied watch', '/api/v1/namespaces/web/services/s/proxy/?watch=1', {}, [], 403, 'stream.unknown_upgrade'],
    ['a channel protocol', WATCH, {}, ['v4.channel.k8s.io'], 403, 'kube.upgrade.answer_subprotocol'],
    ['protobuf alone', WATCH, { Accept: 'application/vnd.kubernetes.protobuf' }, [], 406, 'not_acceptable'],
  ] as [string, string, Record<string, string>, string[], number, string][]) {
    test(`is refused for ${what}, and the cluster hears nothing`, async () => {
      let isAsked = false
      serve = (_, response) => {
        isAsked = true
        response.end()
      }
      const answer = await refusedWith(path, fields, protocols)
      assert.equal(answer.status, status)
      assert.ok(answer.body.includes(rule), answer.body)
      assert.equal(isAsked, false)
    })
  }

  test('is on a sealed tape of its own, masked, and says what broke it off', async () => {
    await fixture.gateway.close()
    const tapes = new StoredTapes(await openAtRest(fixture.data))
    const notes = new Set<string>()
    let answered = 0
    for await (const { id, kind } of tapes.list({ limit: 1_000 })) {
      if (kind === 'control') continue
      assert.equal(kind, 'api')
      const entries: Entry[] = []
      for await (const { entry } of tapes.entries(id)) entries.push(entry)
      const said = JSON.stringify(entries)
      for (const { kind: what, body } of entries) {
        if (what === 'note') notes.add(body.code)
        if (what === 'response' && body.by === 'cluster' && body.status === 200) answered += 1
        if (what === 'responseBody') assert.ok(!Buffer.from(body.bytes).includes(PASSWORD), said)
        if (what === 'responseBody') {
          assert.ok(!Buffer.from(body.bytes).includes(Buffer.from(PASSWORD).toString('base64')), said)
        }
      }
      assert.equal(entries.at(-1)?.kind, 'seal', said)
    }
    assert.ok(answered >= 15, String(answered))
    for (const code of ['stream.data_to_answer', 'json.watch.between', 'answer.broken', 'budgets.two']) {
      assert.ok(notes.has(code), `${code}: ${[...notes].join()}`)
    }
  })
})
