// Both machines against node:http's strict parser, over generated and mutated messages. Each input is followed by a
// request or answer of our own, which shows where a reader believes that the input ended.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { message, request } from './messages.ts'
import { compareRequests, compareResponse, SENTINEL } from './node-comparison.ts'
import { refusedRequests, refusedResponses } from './refusals.ts'

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
