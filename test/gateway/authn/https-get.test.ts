import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { httpsGet } from '../../../gateway/authn/https-get.ts'
import { limits } from '../../../protocols/limits.ts'
import { type PeerIdentity, peerIdentity } from '../../support/peer-pki.ts'

let peer: PeerIdentity
let server: Server
let address: string
let answer: (request: IncomingMessage, response: ServerResponse) => void

before(async () => {
  peer = await peerIdentity()
  server = createServer({ key: peer.key, cert: peer.cert }, (request, response) => answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `https://127.0.0.1:${(server.address() as AddressInfo).port}/x`
})
after(() => {
  server.closeAllConnections()
  server.close()
})

test('a document comes whole, by a plain GET', async () => {
  answer = (request, response) => response.end(`${request.method} ${request.url}`)
  assert.equal(Buffer.from(await httpsGet(address, peer.ca)).toString(), 'GET /x')
})

test('a server that no given authority vouches for is not asked', async () => {
  answer = (_request, response) => response.end('x')
  await assert.rejects(httpsGet(address, undefined), /certificate|issuer/)
  await assert.rejects(httpsGet(address, (await peerIdentity()).ca), /certificate|signature/)
})

test('redirects are not followed, and errors are no documents', async () => {
  for (const status of [301, 302, 307, 204, 404, 500]) {
    answer = (_request, response) => response.writeHead(status, { location: address }).end('{}')
    await assert.rejects(httpsGet(address, peer.ca), new RegExp(`answered ${status}`))
  }
})

test('a document that is too long is given up', async () => {
  answer = (_request, response) => response.end('x'.repeat(limits.authn.documentBytes))
  assert.equal((await httpsGet(address, peer.ca)).length, limits.authn.documentBytes)
  answer = (_request, response) => response.end('x'.repeat(limits.authn.documentBytes + 1))
  await assert.rejects(httpsGet(address, peer.ca), /over 262144 bytes/)
})

test('a document that is cut off is not taken for a whole one', async () => {
  answer = (_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{"keys":[')
    setImmediate(() => response.destroy())
  }
  await assert.rejects(httpsGet(address, peer.ca), /aborted|hang up|ECONNRESET/)
})
