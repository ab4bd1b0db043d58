// Both machines against node:http's strict parser, over generated and mutated messages: what we accept Node reads with
// the same meaning and the same end, and so what Node refuses we refuse. Each input is followed by a request or answer
// of our own, which shows where a reader believes that the input ended.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytes, client, message, request, server } from './messages.ts'
import { type ReadMessage, readRequests, readResponse } from './node-reading.ts'
import { refusedRequests, refusedResponses } from './refusals.ts'

interface Reading {
  readonly messages: ReadMessage[]
  readonly isRefused: boolean
  /** The connection was to close: what followed was not looked at. */
  readonly isOver: boolean
  readonly trailing: string | undefined
}

const NOTHING = new Uint8Array(0)
const SENTINEL = request('GET /sentinel HTTP/1.1')
/** Longer than what Node takes in a head; the caps are tested elsewhere. */
const LONG = 8_192

test('every row of the refused requests keeps the rule: refused, or read as Node reads it', async () => {
  for (const row of refusedRequests) {
    if (row.bytes.length < LONG) await compareRequests(row.bytes + SENTINEL)
  }
})

test('every row of the refused responses keeps the rule', async () => {
  for (const row of refusedResponses) {
    if (row.bytes.length < LONG) await compareResponse(row.bytes)
  }
})

test('generated and mutated requests are refused, or read as Node reads them', async () => {
  const seen = { accepted: 0, refused: 0, upgraded: 0 }
  await fc.assert(
    fc.asyncProperty(mutated(requests()), async (input) => {
      const reading = await compareRequests(input + SENTINEL)
      if (reading.isRefused) seen.refused++
      else if (reading.trailing !== undefined) seen.upgraded++
      else seen.accepted++
    }),
    { numRuns: 2_000 },
  )
  assert.ok(seen.accepted > 300 && seen.refused > 300 && seen.upgraded > 10, JSON.stringify(seen))
})

test('generated and mutated responses are refused, or read as Node reads them', async () => {
  const seen = { accepted: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(mutated(responses()), async (input) => {
      const reading = await compareResponse(input)
      if (reading.messages.length === 1) seen.accepted++
      else seen.refused++
    }),
    { numRuns: 2_000 },
  )
  assert.ok(seen.accepted > 300 && seen.refused > 300, JSON.stringify(seen))
})

async function compareRequests(input: string): Promise<Reading> {
  const ours = readAsServer(bytes(input))
  // Behind what ended our reading Node may read on, or drop what it had not yet handed out: it gets only what we took.
  const isWhole = !ours.isRefused && !ours.isOver
  const taken = isWhole ? input : input.slice(0, acceptedLength(input, ours.messages.length))
  const node = await readRequests(bytes(taken))
  assert.deepEqual(node.messages, ours.messages)
  if (isWhole) assert.equal(node.trailing, ours.trailing)
  assert.equal(node.isRefused, false, 'Node refuses what we accept')
  return ours
}

/** The length of the shortest beginning in which our server reads that many messages. */
function acceptedLength(input: string, messages: number): number {
  let low = 0
  let high = input.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (readAsServer(bytes(input.slice(0, middle))).messages.length < messages) low = middle + 1
    else high = middle
  }
  return low
}

async function compareResponse(input: string): Promise<Reading> {
  const ours = readAsClient(bytes(input))
  const node = await readResponse(bytes(input))
  if (ours.messages.length === 1) assert.deepEqual(node.messages, ours.messages)
  return ours
}

function readAsServer(input: Uint8Array): Reading {
  const machine = server()
  const messages: ReadMessage[] = []
  let current: ReadMessage | undefined
  let isRefused = false
  let trailing: string | undefined
  let events = machine.receive(input)
  while (events.length > 0) {
    let isUpgrade = false
    for (const event of events) {
      if (event.type === 'failed') isRefused = true
      if (event.type === 'data' && current !== undefined) current = withBody(current, event.bytes)
      if (event.type === 'request') {
        const { method, target, minor, fields } = event.head
        current = { start: [method, target], minor, fields, body: '', trailers: [] }
        isUpgrade = event.upgrade !== undefined
      }
      if (event.type !== 'end' || current === undefined) continue
      messages.push({ ...current, trailers: event.trailers })
      if (isUpgrade) {
        machine.send({ type: 'switch', fields: [] })
        trailing = Buffer.from(machine.takeTrailing()).toString('latin1')
      } else {
        machine.send({ type: 'response', status: 204, reason: '', fields: [], framing: 'none' })
        machine.send({ type: 'end' })
      }
    }
    events = machine.receive(NOTHING)
  }
  return { messages, isRefused, isOver: machine.isClosing, trailing }
}

function readAsClient(input: Uint8Array): Reading {
  const machine = client()
  const messages: ReadMessage[] = []
  let current: ReadMessage | undefined
  let isRefused = false
  for (const event of [...machine.receive(input), ...machine.receiveEnd()]) {
    if (event.type === 'failed') isRefused = true
    if (event.type === 'data' && current !== undefined) current = withBody(current, event.bytes)
    if (event.type === 'response') {
      const { status, reason, minor, fields } = event.head
      current = { start: [status, reason], minor, fields, body: '', trailers: [] }
    }
    if (event.type === 'end' && current !== undefined) messages.push({ ...current, trailers: event.trailers })
  }
  return { messages, isRefused, isOver: true, trailing: undefined }
}

function withBody(read: ReadMessage, piece: Uint8Array): ReadMessage {
  return { ...read, body: read.body + Buffer.from(piece).toString('latin1') }
}

// -- generators: messages that are mostly right, and what smugglers do to them

const PARTS = [
  '\r\n', '\n', '\r', ' ', '\t', '\0', '\x0b', '\x7f', '\x80', '\xa0', ':', ',', ';', '0', '+', '-', '0x', '5', 'a', '_',
  '"', '/', '*', '#', '?', '%', ' HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'chunked', 'identity', 'close', 'upgrade', '\r\n ',
  '0\r\n\r\n', '5\r\nabcde\r\n', 'Content-Length: 5\r\n', 'Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n',
  'Host: b\r\n', 'Connection: close\r\n', 'Connection: Upgrade\r\n', 'Upgrade: websocket\r\n', 'Expect: 100-continue\r\n',
  'GET /x HTTP/1.1\r\nHost: b\r\n\r\n',
] // biome-ignore format: a list to look over, not to read

/** A text as it is, or with one to three parts put in, taken out or put over others. */
function mutated(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.integer({ min: 0, max: 3 }),
    insert: fc.constantFrom('', '', ...PARTS),
  })
  const edits = fc.oneof(fc.constant([]), fc.array(edit, { minLength: 1, maxLength: 3 }))
  return fc.tuple(texts, edits).map(([text, list]) =>
    list.reduce((now, { at, remove, insert }) => {
      const position = Math.floor(at * now.length)
      return now.slice(0, position) + insert + now.slice(position + remove)
    }, text),
  )
}

function requests(): fc.Arbitrary<string> {
  const start = fc
    .tuple(
      fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'),
      fc.constantFrom('/', '/api/v1/pods?watch=1', '/a%2fb', '/x?q={"a":[1]}|', '//', "/a;b=c!$&'()*+,@:~"),
      fc.constantFrom('1', '1', '1', '1', '0'),
    )
    .map(([method, target, minor]) => `${method} ${target} HTTP/1.${minor}`)
  const one = fc
    .tuple(start, lines(), body())
    .map(([first, more, [framing, rest]]) => request(first, [...more, ...framing], rest))
  const upgrade = fc
    .tuple(start, lines(), fc.constantFrom('websocket', 'SPDY/3.1'))
    .map(([first, more, name]) => request(first, [...more, 'Connection: Upgrade', `Upgrade: ${name}`], '\x81\x00'))
  return fc.oneof(
    { weight: 6, arbitrary: one },
    { weight: 2, arbitrary: fc.tuple(one, one).map(([a, b]) => a + b) },
    { weight: 1, arbitrary: upgrade },
  )
}

function responses(): fc.Arbitrary<string> {
  const start = fc
    .tuple(
      fc.constantFrom('1', '1', '1', '0'),
      fc.constantFrom('200 OK', '404 Not Found', '204 No Content', '304 ', '500 \xe4 b'),
    )
    .map(([minor, rest]) => `HTTP/1.${minor} ${rest}`)
  const interim = fc.constantFrom('', '', '', message(['HTTP/1.1 103 Early Hints', 'Link: a']))
  const framed = fc.oneof(body(), fc.constant<[string[], string]>([[], 'until the end']))
  return fc
    .tuple(interim, start, lines(), framed)
    .map(([before, first, more, [framing, rest]]) => before + message([first, ...more, ...framing], rest))
}

function lines(): fc.Arbitrary<string[]> {
  const value = fc.constantFrom('b', '', 'text/plain; q="1, 2"', '\x80\xff', 'a\tb', ' padded \t', 'Bearer x.y-z_0')
  const line = fc
    .tuple(fc.constantFrom('Accept', 'X-a', 'authorization', "!#$%&'*+-.^`|~0"), value)
    .map(([name, text]) => `${name}: ${text}`)
  return fc.array(
    fc.oneof(
      { weight: 8, arbitrary: line },
      { weight: 1, arbitrary: fc.constantFrom('Connection: keep-alive', 'Connection: close') },
    ),
    { maxLength: 4 },
  )
}

/** Framing lines and the body that goes with them. */
function body(): fc.Arbitrary<[string[], string]> {
  const content = fc.constantFrom('', 'a', 'hello world', 'GET /x HTTP/1.1\r\nHost: b\r\n\r\n', '\0\xff\r\n')
  const sized = content.map((text): [string[], string] => [[`Content-Length: ${text.length}`], text])
  const chunked = fc
    .tuple(fc.array(content, { maxLength: 3 }), fc.constantFrom('', 'X-Sum: 1\r\n'))
    .map(([pieces, trailers]): [string[], string] => {
      const chunks = pieces
        .filter((piece) => piece !== '')
        .map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
      return [['Transfer-Encoding: chunked'], `${chunks.join('')}0\r\n${trailers}\r\n`]
    })
  return fc.oneof(fc.constant<[string[], string]>([[], '']), sized, chunked)
}
