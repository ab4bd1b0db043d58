// Budgets of execs and of their output, through a whole gateway over WebSocket: the stream ends before the piece too many, and
// says why where kubectl shows it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { openAtRest } from '../../../replay/store-at-rest.ts'
import { StoredTapes } from '../../../replay/stored-tapes.ts'
import { GatewayFixture } from '../../support/running-gateway.ts'

const POLICY = {
  apiVersion: 'sallyport/v1',
  kind: 'AccessPolicy',
  rules: [{ name: 'all', subjects: [{ user: '*' }], verbs: ['*'], effect: 'allow' }],
  budgets: [
    { name: 'volume', subjects: [{ group: 'oidc:volume' }], bytesOut: '2Ki' },
    { name: 'shells', subjects: [{ group: 'oidc:shells' }], execs: 1 },
  ],
}

const EXEC = '/api/v1/namespaces/web/pods/p/exec?command=sh&stdin=true&stdout=true'

describe('budgets of streams', () => {
  let fixture: GatewayFixture
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] as string })

  before(async () => {
    fixture = await GatewayFixture.open(
      (_, response) => response.end(),
      (request, socket, head) => {
        sockets.handleUpgrade(request, socket, head, (peer) => {
          // For each line on stdin, in whatever pieces it comes, 1,500 bytes on stdout.
          peer.on('message', (message: Buffer) => {
            if (message.subarray(1).includes(0x0a)) peer.send(Buffer.from(`\u0001${'o'.repeat(1_499)}\n`, 'latin1'))
          })
        })
      },
      (config, { folder }) => {
        writeFileSync(`${folder}/budgets.yaml`, JSON.stringify(POLICY))
        config.policyFile = `${folder}/budgets.yaml`
      },
    )
  })
  after(async () => {
    await fixture.close()
    fixture.remove()
  })

  function exec(token: string): WebSocket {
    const { address, ca } = fixture.gateway
    return new WebSocket(`${address.replace('https', 'wss')}${EXEC}`, ['v5.channel.k8s.io'], {
      ca: readFileSync(ca),
      headers: { Authorization: `Bearer ${token}` },
    })
  }

  test('output over the budget does not pass, and the error channel says why', async () => {
    const socket = exec(await fixture.token({ subject: 'v', groups: ['volume'] }))
    await once(socket, 'open')
    const messages: Buffer[] = []
    const output = (): number =>
      messages.filter(([channel]) => channel === 1).reduce((sum, { length }) => sum + length - 1, 0)
    socket.on('message', (message: Buffer) => messages.push(message))
    socket.send(Buffer.from('\u0000more\n', 'latin1'))
    while (output() < 1_500) await once(socket, 'message')
    socket.send(Buffer.from('\u0000more\n', 'latin1'))
    await once(socket, 'close')
    assert.equal(output(), 1_500)
    const status = JSON.parse((messages.at(-1) as Buffer).subarray(1).toString()) as { message: string }
    assert.equal(messages.at(-1)?.[0], 3)
    assert.match(status.message, /^sallyport: stream cut: budget volume allows 2048 bytes out in 1 h per principal/)
  })

  test('the exec too many is refused before the cluster hears of it', async () => {
    const token = await fixture.token({ subject: 's', groups: ['shells'] })
    const first = exec(token)
    await once(first, 'open')
    first.terminate()
    const second = exec(token)
    const [, response] = (await once(second, 'unexpected-response')) as [unknown, { statusCode: number }]
    assert.equal(response.statusCode, 403)
    second.on('error', () => undefined)
    second.terminate()
  })

  test('the cut is on the stream’s own tape, and all that passed before it', async () => {
    await fixture.gateway.close()
    const tapes = new StoredTapes(await openAtRest(fixture.data))
    const notes: string[] = []
    const seals: string[] = []
    let bytes = 0
    for await (const { id, kind } of tapes.list({ limit: 100 })) {
      if (kind !== 'exec') continue
      for await (const { entry } of tapes.entries(id)) {
        if (entry.kind === 'note') notes.push(entry.body.code)
        if (entry.kind === 'seal') seals.push(entry.body.reason)
        if (entry.kind === 'stream') bytes += entry.body.bytes.length
      }
    }
    assert.ok(notes.includes('budgets.volume'), notes.join())
    assert.ok(seals.includes('over budget'), seals.join())
    assert.ok(bytes >= 1_500 && bytes < 3_000, String(bytes))
  })
})
