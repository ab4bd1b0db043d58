// Webhooks, a decision hook and a ticket tracker through a whole gateway: three servers of the operator's own, in one, each as
// good or as bad as a test wants it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Approval } from '../../../gateway/approvals/approvals.ts'
import { isSigned, readSecret } from '../../../gateway/webhooks/signature.ts'
import { until } from '../../support/manual-time.ts'
import { peerIdentity } from '../../support/peer-pki.ts'
import { type Answer, GatewayFixture } from '../../support/running-gateway.ts'

const SECRET = 'a signing secret of some length'

const POLICY = {
  apiVersion: 'sallyport/v1',
  kind: 'AccessPolicy',
  rules: [
    { name: 'all', subjects: [{ user: '*' }], verbs: ['*'], effect: 'allow' },
    {
      ...{ name: 'deletes', subjects: [{ user: '*' }], verbs: ['delete'], resources: ['pods'] },
      effect: 'requireApproval',
      approval: { approvers: [{ group: 'oidc:sre' }], wait: '0s', ticketRequired: true, uses: 2 },
    },
  ],
}

interface Sent {
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

describe('the world outside', () => {
  let fixture: GatewayFixture
  let world: Server
  let token: string
  const sunk: Sent[] = []
  const hooked: Sent[] = []
  const seen: string[] = []
  let decide: (response: ServerResponse) => void
  let ticket: (response: ServerResponse, url: string) => void

  const json = (value: unknown) => (response: ServerResponse) => response.end(JSON.stringify(value))

  before(async () => {
    const peer = await peerIdentity()
    world = createServer({ key: peer.key, cert: peer.cert }, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const sent = { headers: request.headers, body: Buffer.concat(chunks).toString() }
        if (request.url === '/sink') {
          sunk.push(sent)
          response.end()
        } else if (request.url === '/hook') {
          hooked.push(sent)
          decide(response)
        } else ticket(response, request.url ?? '')
      })
    })
    world.listen(0, '127.0.0.1')
    await once(world, 'listening')
    const at = `https://127.0.0.1:${(world.address() as AddressInfo).port}`
    fixture = await GatewayFixture.open(
      (request, response) => {
        seen.push(`${request.method} ${request.url}`)
        request.resume()
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      },
      undefined,
      (config, { folder }) => {
        for (const [name, text] of [
          ['policy2.yaml', JSON.stringify(POLICY)],
          ['secret', SECRET],
          ['ca', peer.ca],
          ['url', `${at}/sink`],
          ['basic', 'Basic dXNlcg=='],
        ] as const) {
          writeFileSync(`${folder}/${name}`, text)
        }
        config.policyFile = `${folder}/policy2.yaml`
        const ca = { certificateAuthorityFile: `${folder}/ca` }
        config.approvals = {
          address: 'https://gate.example/',
          webhooks: [{ name: 'sink', urlFile: `${folder}/url`, secretFile: `${folder}/secret`, ...ca }],
          hooks: [{ name: 'opa', url: `${at}/hook`, secretFile: `${folder}/secret`, timeoutMillis: 200, ...ca }],
          tickets: {
            ...{ url: `${at}/issue/{ticket}`, field: 'fields.status', open: ['Open'], timeoutMillis: 200, ...ca },
            headers: [{ name: 'Authorization', valueFile: `${folder}/basic` }],
          },
        }
      },
    )
    token = await fixture.token()
  })
  beforeEach(() => {
    decide = json({ decision: 'allow' })
    ticket = json({ fields: { status: 'Open' } })
    seen.length = 0
    hooked.length = 0
  })
  after(async () => {
    await fixture.close()
    fixture.remove()
    world.closeAllConnections()
    world.close()
  })

  function causeOf(answer: Answer): string {
    const { details } = JSON.parse(answer.body) as { details: { causes: { message: string }[] } }
    assert.equal(answer.headers['retry-after'], undefined)
    return details.causes[0]?.message ?? ''
  }

  const patch = (name: string) =>
    fixture.call({
      ...{ method: 'PATCH', path: `/api/v1/namespaces/web/pods/${name}`, token, body: '{"metadata":{"labels":{}}}' },
      headers: { 'Content-Type': 'application/merge-patch+json' },
    })

  test('the hook is asked about writes, signed, and not about reads', async () => {
    assert.equal((await patch('a')).status, 200)
    assert.equal((await fixture.call({ token })).status, 200)
    assert.equal(hooked.length, 1)
    const { headers, body } = hooked[0] as Sent
    const signed = {
      id: String(headers['webhook-id']),
      timestamp: String(headers['webhook-timestamp']),
      body: Buffer.from(body),
    }
    assert.ok(isSigned(readSecret(SECRET) as Uint8Array, signed, String(headers['webhook-signature'])))
    assert.equal(JSON.parse(body).request.name, 'a')
    assert.ok(!body.includes('labels'))
  })

  test('a hook that denies, hangs, redirects, lies or floods stops the call before the cluster', async () => {
    const bad: readonly [string, (response: ServerResponse) => void, RegExp][] = [
      ['denies', json({ decision: 'deny', reason: 'change freeze' }), /change freeze/],
      ['hangs', () => undefined, /no answer within 200 ms/],
      ['redirects', (response) => response.writeHead(302, { location: '/hook2' }).end(), /redirects/],
      ['errs', (response) => response.writeHead(500).end(), /answered 500/],
      ['lies', (response) => response.end('{"decision":"allow!"}'), /no decision/],
      ['floods', (response) => response.end(' '.repeat(100_000)), /over 16384 bytes/],
      ['drops', (response) => response.destroy(), /could not be asked/],
      ['wants a yes of nobody', json({ decision: 'requireApproval' }), /no decision/],
    ]
    for (const [what, how, words] of bad) {
      decide = how
      const answer = await patch(what.replaceAll(' ', '-'))
      assert.deepEqual([answer.status, causeOf(answer)], [403, 'hooks.opa'], what)
      assert.match(answer.body, words, what)
    }
    assert.deepEqual(seen, [])
  })

  const remove = (name: string, named = 'OPS-1') =>
    fixture.call({
      ...{ method: 'DELETE', path: `/api/v1/namespaces/web/pods/${name}`, token },
      headers: named === '' ? {} : { 'Sallyport-Ticket': named },
    })

  /** Says yes, with a ticket or without. */
  async function approve(name: string, named = ''): Promise<void> {
    const { people } = fixture.gateway
    const approval = people.approvals.list().find(({ summary }) => summary.name === name) as Approval
    const bob = { user: 'oidc:bob', groups: ['oidc:sre'], actor: '', issuer: '', expiresAt: Number.POSITIVE_INFINITY }
    const answer = { id: approval.id, approver: bob, answer: 'yes', reason: '', ticket: named, via: 'cli' } as const
    assert.ok(!('status' in (await people.approvals.answer(answer))))
  }

  test('a ticket must be open when a yes is asked for, and again when it is used', async () => {
    ticket = json({ fields: { status: 'Done' } })
    assert.equal(causeOf(await remove('t1')), 'tickets.closed')
    assert.equal(fixture.gateway.people.approvals.list().length, 0, 'nobody is asked')
    ticket = json({ fields: { status: 'Open' } })
    assert.equal(causeOf(await remove('t1')), 'approvals.waiting')
    await approve('t1')
    ticket = json({ fields: { status: 'Done' } })
    assert.equal(causeOf(await remove('t1')), 'tickets.closed')
    ticket = () => undefined
    assert.equal(causeOf(await remove('t1')), 'tickets.unknown')
    assert.ok(!seen.some((line) => line.startsWith('DELETE')))
    ticket = json({ fields: { status: 'Open' } })
    assert.equal((await remove('t1')).status, 200)
    assert.equal(fixture.gateway.people.approvals.list()[0]?.used, 1, 'what was refused has spent no use')
  })

  test('a ticket that people have not seen opens nothing: the one that they said yes for has been closed', async () => {
    assert.equal(causeOf(await remove('t3', 'OPS-3')), 'approvals.waiting')
    await approve('t3')
    ticket = (response, url) => json({ fields: { status: url.includes('OPS-3') ? 'Done' : 'Open' } })(response)
    assert.equal(causeOf(await remove('t3', 'OPS-9')), 'tickets.closed')
    assert.ok(!seen.some((line) => line.startsWith('DELETE')))
  })

  test('the ticket may be the approver’s', async () => {
    assert.equal(causeOf(await remove('t2', '')), 'approvals.waiting')
    await approve('t2', 'OPS-2')
    assert.equal((await remove('t2', '')).status, 200)
  })

  test('a webhook hears of all of it, signed, each message once it is on disk', async () => {
    const said = (type: string, name: string): boolean =>
      sunk.some(({ body }) => {
        const { type: what, data } = JSON.parse(body)
        return what === type && data.approval?.name === name
      })
    await until(() => said('approval.used', 't2'), 'the webhook hears of the use')
    for (const type of ['approval.requested', 'approval.approved', 'approval.used']) assert.ok(said(type, 't2'), type)
    for (const { headers, body } of sunk) {
      const signed = {
        id: String(headers['webhook-id']),
        timestamp: String(headers['webhook-timestamp']),
        body: Buffer.from(body),
      }
      assert.ok(isSigned(readSecret(SECRET) as Uint8Array, signed, String(headers['webhook-signature'])))
    }
    const first = JSON.parse((sunk[0] as Sent).body)
    assert.match(first.data.address, /^https:\/\/gate\.example\/v1\/approvals\//)
    await until(() => fixture.gateway.people.outbox.size === 0, 'the outbox is empty')
  })
})
