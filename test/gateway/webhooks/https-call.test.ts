import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { CallFailed, httpsCall } from '../../../gateway/https-call.ts'
import { type PeerIdentity, peerIdentity } from '../../support/peer-pki.ts'

let peer: PeerIdentity
let server: Server
let url: string
let asked = 0
let answer: (request: IncomingMessage, response: ServerResponse) => void

before(async () => {
  peer = await peerIdentity()
  server = createServer({ key: peer.key, cert: peer.cert }, (request, response) => {
    asked++
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/x?y=1`
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const call = (more: object = {}) =>
  httpsCall({ method: 'GET', url, headers: {}, ca: peer.ca, millis: 5_000, bytes: 100, ...more })

/** Rejects with a CallFailed whose words these are. */
async function fails(promise: Promise<unknown>, words: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof CallFailed && words.test(error.message))
}

test('what is sent arrives, and any answer that is none of a redirect comes back whole', async () => {
  answer = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      response.writeHead(418).end(`${request.method} ${request.url} ${request.headers['x-a']} ${Buffer.concat(chunks)}`)
    })
  }
  const { status, body } = await call({ method: 'POST', headers: { 'x-a': 'b' }, body: Buffer.from('body') })
  assert.deepEqual([status, Buffer.from(body).toString()], [418, 'POST /x?y=1 b body'])
})

test('redirects are not followed', async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    answer = (_, response) => response.writeHead(status, { location: url }).end()
    const before = asked
    await fails(call(), /redirects/)
    assert.equal(asked, before + 1)
  }
})

test('an answer that is too long is given up', async () => {
  answer = (_, response) => response.end('x'.repeat(100))
  assert.equal((await call()).body.length, 100)
  answer = (_, response) => response.end('x'.repeat(101))
  await fails(call(), /over 100 bytes/)
})

test('a server that hangs is given up: before its answer, and in the middle of it', async () => {
  answer = () => undefined
  await fails(call({ millis: 40 }), /no answer within 40 ms/)
  answer = (_, response) => response.writeHead(200).write('x')
  await fails(call({ millis: 40 }), /no answer within 40 ms/)
})

test('an answer that is cut off is none', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{', () => response.destroy())
  }
  await fails(call(), /cut off|could not be asked/)
})

test('a server that no given authority vouches for is not asked', async () => {
  const before = asked
  await fails(call({ ca: undefined }), /could not be asked/)
  await fails(call({ ca: (await peerIdentity()).ca }), /could not be asked/)
  assert.equal(asked, before)
})

test('nobody is there: that is said without a byte of anybody', async () => {
  await fails(call({ url: 'https://127.0.0.1:1/secret-path' }), /^the server could not be asked \(ECONNREFUSED\)$/)
})

test('whoever gives up ends it', async () => {
  answer = () => undefined
  const giving = new AbortController()
  const under = call({ signal: giving.signal })
  giving.abort()
  await fails(under, /could not be asked/)
})
