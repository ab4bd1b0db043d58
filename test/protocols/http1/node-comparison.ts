// What our machines and node:http's strict parser read in the same bytes: what we accept Node reads with the same meaning
// and the same end, and so what Node refuses we refuse.

import assert from 'node:assert/strict'
import { bytes, client, request, server } from './messages.ts'
import { type ReadMessage, readRequests, readResponse } from './node-reading.ts'

export interface Reading {
  readonly messages: ReadMessage[]
  readonly isRefused: boolean
  /** The connection was to close: what followed was not looked at. */
  readonly isOver: boolean
  readonly trailing: string | undefined
}

/** A request to put behind an input: it shows where a reader believes that the input ended. */
export const SENTINEL = request('GET /sentinel HTTP/1.1')

/** Throws if our server takes what Node's reads otherwise or refuses; returns what ours read. */
export async function compareRequests(input: string): Promise<Reading> {
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

/** The same for our client, which has asked for one thing with GET. */
export async function compareResponse(input: string): Promise<Reading> {
  const ours = readAsClient(bytes(input))
  const node = await readResponse(bytes(input))
  if (ours.messages.length === 1) assert.deepEqual(node.messages, ours.messages)
  return ours
}

const NOTHING = new Uint8Array(0)

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
  const isOver = machine.isClosing
  if (machine.receiveEnd().length > 0) isRefused = true
  return { messages, isRefused, isOver, trailing }
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
