// The named cases of bad input, through a whole gateway in this process: what the caller is told, what reaches the
// cluster, and what is on the tape.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import pino from 'pino'
import { readConfig } from '../../gateway/config.ts'
import { startGateway } from '../../gateway/gateway.ts'
import type { Entry } from '../../protocols/tape/entry.ts'
import { openAtRest } from '../../replay/store-at-rest.ts'
import { StoredTapes } from '../../replay/stored-tapes.ts'
import { peerIdentity } from '../support/peer-pki.ts'
import { type Answer, GatewayFixture, writeKubeconfig } from '../support/running-gateway.ts'

interface Status {
  kind: string
  code: number
  message: string
  details: { uid: string; causes: { reason: string; message: string }[] }
}

function statusOf(answer: Answer): Status {
  const status = JSON.parse(answer.body) as Status
  assert.equal(status.kind, 'Status')
  assert.equal(status.code, answer.status)
  assert.equal(answer.headers['retry-after'], undefined)
  return status
}

function ruleOf(answer: Answer): string {
  return statusOf(answer).details.causes[0]?.message ?? ''
}

describe('bad input', () => {
  let fixture: GatewayFixture
  let token: string
  const seen: { method: string; url: string; headers: IncomingMessage['headers'] }[] = []
  /** What the cluster does with a request: set by each test. */
  let serve: (request: IncomingMessage, response: import('node:http').ServerResponse) => void
  let ended: string[] = []

  before(async () => {
    fixture = await GatewayFixture.open(
      (request, response) => {
        seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
        request.on('close', () => ended.push(request.url ?? ''))
        serve(request, response)
      },
      (request, socket) => {
        seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nno!')
      },
      (config, { folder }) => {
        writeKubeconfig(`${folder}/nobody`, 'https://127.0.0.1:1', `${folder}/pki/ca.crt`)
        const clusters = config.clusters as { name: string; kubeconfig: string }[]
        clusters.push({ name: 'down', kubeconfig: `${folder}/nobody` })
        const { jwt } = config.authentication as { jwt: { issuer: { url: string } }[] }
        const [first] = jwt
        assert.ok(first)
        const down = { ...first.issuer, url: 'https://127.0.0.1:1' }
        const claimMappings = {
          username: { claim: 'sub', prefix: 'down:' },
          groups: { claim: 'groups', prefix: 'down:' },
        }
        jwt.push({ ...first, issuer: down, claimMappings } as never)
      },
    )
    token = await fixture.token()
  })
  after(async () => {
    await fixture.close()
    fixture.remove()
  })
  beforeEach(() => {
    seen.length = 0
    ended = []
    serve = (_request, response) => response.end('{}')
  })

  test('no token: 401, and nothing reaches the cluster', async () => {
    const answer = await fixture.call({})
    assert.equal(answer.status, 401)
    assert.equal(ruleOf(answer), 'authn.missing')
    assert.equal(seen.length, 0)
  })

  test('an expired token: 401 that says so', async () => {
    const expired = await fixture.token({ expiresAt: Math.floor(Date.now() / 1000) - 60 })
    const answer = await fixture.call({ token: expired })
    assert.equal(answer.status, 401)
    assert.equal(ruleOf(answer), 'authn.expired')
    assert.equal(seen.length, 0)
  })

  test('a token for somebody else: 401 that names no audience of the token', async () => {
    const answer = await fixture.call({ token: await fixture.token({ audience: 'elsewhere' }) })
    assert.equal(answer.status, 401)
    assert.equal(ruleOf(answer), 'authn.audience')
    assert.doesNotMatch(answer.body, /elsewhere/)
  })

  test('an issuer that is down: 503, so that nobody takes it for a wrong token', async () => {
    const claims = { iss: 'https://127.0.0.1:1', sub: 'a', aud: 'sallyport', exp: Math.floor(Date.now() / 1000) + 60 }
    const [head, , signature] = token.split('.')
    const forged = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
    const answer = await fixture.call({ token: forged })
    assert.equal(answer.status, 503)
    assert.equal(ruleOf(answer), 'authn.issuer_down')
  })

  test('a cluster that is down: 502; one that nobody knows: 404', async () => {
    const down = await fixture.call({ token, path: '/clusters/down/api/v1/pods' })
    assert.equal(down.status, 502)
    assert.equal(ruleOf(down), 'upstream.refused')
    const unknown = await fixture.call({ token, path: '/clusters/nowhere/api/v1/pods' })
    assert.equal(unknown.status, 404)
  })

  test('a write that no rule allows: 403 with the rule, the request’s id, and no Retry-After', async () => {
    const reader = await fixture.token({ groups: ['readers'] })
    const answer = await fixture.call({ token: reader, method: 'DELETE', path: '/api/v1/namespaces/prod/pods/p' })
    assert.equal(answer.status, 403)
    const status = statusOf(answer)
    assert.match(status.details.uid, /^[0-9a-f-]{36}$/)
    assert.match(status.message, /delete pods "p"/)
    assert.equal(seen.length, 0)
  })

  test('paths that two parsers could read in two ways: 400', async () => {
    for (const path of ['/api/v1/namespaces/prod%2fsecrets%2fdb', '/api//v1/pods', '/api/v1/namespaces/a/../b/pods']) {
      const answer = await fixture.call({ token, path })
      assert.equal(answer.status, 400, path)
      assert.match(ruleOf(answer), /^path\./)
    }
    assert.equal(seen.length, 0)
  })

  test('identity headers of the client: 403; and ours arrive exactly once', async () => {
    const answer = await fixture.call({ token, headers: { 'Impersonate-Group': 'system:masters' } })
    assert.equal(answer.status, 403)
    assert.equal(seen.length, 0)
    assert.equal((await fixture.call({ token })).status, 200)
    assert.equal(seen[0]?.headers['impersonate-user'], 'oidc:alice')
    assert.equal(seen[0]?.headers['impersonate-group'], 'oidc:admins')
    assert.equal(seen[0]?.headers.authorization, 'Bearer the-gateways-own-token')
    assert.match(String(seen[0]?.headers['impersonate-extra-sallyport-tape']), /^[0-9A-Z]{26}$/)
  })

  test('a body over the API server’s limit: 413, and the cluster hears nothing', async () => {
    const answer = await fixture.call({
      token,
      method: 'POST',
      path: '/api/v1/namespaces/a/configmaps',
      body: 'x'.repeat(3_145_729),
    })
    assert.equal(answer.status, 413)
    assert.equal(seen.length, 0)
  })

  test('an unknown upgrade: 403, and the cluster hears nothing', async () => {
    const headers = { Connection: 'Upgrade', Upgrade: 'tcp' }
    const answer = await fixture.call({ token, path: '/api/v1/namespaces/a/pods/p/exec?command=sh', headers })
    assert.equal(answer.status, 403)
    assert.equal(ruleOf(answer), 'kube.upgrade.unknown')
    assert.equal(seen.length, 0)
  })

  test('a non-101 answer to an upgrade is an answer: relayed, the connection closed, and nothing behind it passed', async () => {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol': 'v5.channel.k8s.io',
    }
    const answer = await fixture.call({ token, path: '/api/v1/namespaces/a/pods/p/exec?command=sh', headers })
    assert.equal(answer.status, 403)
    assert.equal(answer.body, 'no!')
    assert.equal(answer.headers.connection, 'close')
    assert.equal(seen.length, 1)
  })

  test('a client that goes away in mid-stream takes its request at the cluster along', async () => {
    serve = (_request, response) => response.write('first')
    const outgoing = fixture.open({ token, path: '/api/v1/pods?watch=true' })
    outgoing.on('error', () => undefined)
    outgoing.end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    response.on('error', () => undefined)
    await once(response, 'data')
    const closed = new Promise<void>((resolve) => {
      const look = (): void => void (ended.length > 0 ? resolve() : setImmediate(look))
      look()
    })
    outgoing.destroy()
    await closed
  })

  test('a cluster that goes away in mid-stream: the answer never looks complete', async () => {
    serve = (_request, response) => {
      response.write('first', () => response.socket?.destroy())
    }
    const outgoing = fixture.open({ token, path: '/api/v1/pods?watch=true' })
    outgoing.end()
    const failed = once(outgoing, 'error').catch((error: unknown) => [error])
    const answered = once(outgoing, 'response')
    const first = await Promise.race([failed, answered])
    if (first[0] instanceof Error) return
    const [response] = first as [IncomingMessage]
    await assert.rejects(async () => {
      for await (const _chunk of response) {
        // read to the end, which must not come
      }
    }, /aborted|hang up|reset/i)
  })

  test('a second gateway on the same tapes: an error that names the directory', async () => {
    const again = startGateway(readConfig(fixture.config), pino({ level: 'silent' }))
    await assert.rejects(
      again,
      (error: Error) => error.message.includes('tapes') && /another process|held/.test(error.message),
    )
  })
})

test('a cluster whose certificate is somebody else’s: 502 that says what is wrong', async () => {
  const other = await peerIdentity()
  const fixture = await GatewayFixture.open(
    (_request, response) => response.end('{}'),
    undefined,
    (_config, { folder }) => {
      const kubeconfig = `${folder}/kubeconfig`
      const server = (JSON.parse(readFileSync(kubeconfig, 'utf8')) as { clusters: { cluster: { server: string } }[] })
        .clusters[0]
      writeFileSync(`${folder}/other-ca.crt`, other.ca)
      writeKubeconfig(kubeconfig, server?.cluster.server ?? '', `${folder}/other-ca.crt`)
    },
  )
  try {
    const answer = await fixture.call({ token: await fixture.token() })
    assert.equal(answer.status, 502)
    assert.equal(ruleOf(answer), 'upstream.certificate')
  } finally {
    await fixture.close()
    fixture.remove()
  }
})

test('what was refused and what was answered is on tape, without a token, and every tape is sealed', async () => {
  const fixture = await GatewayFixture.open((_request, response) => response.end('{"kind":"PodList"}'))
  const token = await fixture.token({ actor: 'agent-7' })
  const strict = await fixture.token({ subject: 'bob', groups: ['strict'] })
  await fixture.call({ token })
  await fixture.call({ token: strict, path: '/api/v1/pods?strict=1' })
  await fixture.call({ method: 'DELETE', path: '/api/v1/namespaces/a/pods/p' })
  await fixture.close()
  const tapes = new StoredTapes(await openAtRest(fixture.data))
  const entries: Entry[] = []
  let sealed = 0
  let count = 0
  for await (const { id } of tapes.list({ limit: 10 })) {
    count += 1
    for await (const { entry } of tapes.entries(id)) entries.push(entry)
    if (entries.at(-1)?.kind === 'seal') sealed += 1
  }
  await tapes.close()
  fixture.remove()
  // The fourth is the control tape.
  assert.equal(count, 4)
  assert.equal(sealed, 4)
  const bodies = entries
    .filter((entry) => entry.kind === 'responseBody')
    .map((entry) => Buffer.from(entry.body.bytes).toString())
  assert.equal(bodies.filter((body) => body === '{"kind":"PodList"}').length, 2)
  const requests = entries.filter((entry) => entry.kind === 'request').map((entry) => entry.body)
  assert.deepEqual(requests.map((request) => request.principal?.actor).sort(), ['', 'agent-7', undefined])
  const text = JSON.stringify(entries)
  for (const secret of [token, strict, 'the-gateways-own-token']) assert.ok(!text.includes(secret))
  assert.ok(entries.some((entry) => entry.kind === 'decision' && entry.body.rule === 'authn.missing'))
})
