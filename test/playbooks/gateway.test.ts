// Every playbook against the running gateway. All are played first, on connections of their own, one after the other; then
// the gateway ends, and each is judged by what its client saw, what its cluster got and what is on its tapes.

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { FAMILIES } from './families.ts'
import { GatewayPlayer, type Performance } from './gateway-player.ts'
import type { Bytes, ClosingFrame, GatewayPlay, TapeSight } from './playbook.ts'
import { bufferOf } from './recording-cluster.ts'
import { Stage, type StagedTape } from './stage.ts'

const performances = new Map<GatewayPlay, Performance>()
let tapes: StagedTape[] = []

before(async () => {
  const stage = await Stage.open()
  const player = new GatewayPlayer(stage)
  for (const { playbooks } of FAMILIES) {
    for (const { plays } of playbooks) {
      for (const play of plays) if (play.against === 'gateway') performances.set(play, await player.play(play))
    }
  }
  await player.close()
  tapes = await stage.close()
})

for (const { playbooks } of FAMILIES) {
  for (const playbook of playbooks) {
    const plays = playbook.plays.filter((play) => play.against === 'gateway')
    if (plays.length === 0) continue
    describe(playbook.name, () => {
      for (const play of plays) {
        test(play.name, () => {
          const performance = performances.get(play)
          assert.ok(performance)
          judge(play, performance)
        })
      }
    })
  }
}

test('no token of anybody, and not the gateway’s own, is on any tape', () => {
  assert.ok(tapes.length > 0)
  const readable = (_: string, value: unknown): unknown =>
    value instanceof Uint8Array ? bufferOf(value).toString('latin1') : value
  const text = JSON.stringify(
    tapes.map(({ entries }) => entries),
    readable,
  )
  assert.doesNotMatch(text, /the-gateways-own-token/)
  assert.doesNotMatch(text, /eyJhbGciOi/, 'a JWT')
})

function judge(play: GatewayPlay, performance: Performance): void {
  if (performance.fault !== undefined) throw performance.fault
  const { cluster, tape, issuer } = play.expect
  const isRace = play.client.some((step) => typeof step === 'object' && 'race' in step)
  const expected = cluster === 'nothing' ? [] : cluster.map(textOf)
  const got = performance.received.map((text, at) =>
    /Close \d{4}$/.test(expected[at] ?? '') ? closingFrame(text) : text,
  )
  assert.deepEqual(isRace ? got.sort() : got, isRace ? expected.sort() : expected, 'what the cluster got')
  if (issuer !== undefined) assert.deepEqual(performance.issuer, issuer, 'what the issuer was asked for')
  const { began, ended, addresses } = performance
  const own = tapes.filter(
    // A port may be a later connection's again.
    ({ client, openedAt }) => openedAt >= began && openedAt <= ended && addresses.includes(client),
  )
  assert.deepEqual(own.map(seen), tape.map(sight))
  for (const [at, { asks, notes = [] }] of tape.entries()) {
    if (asks !== undefined) assert.deepEqual(asksOf(own[at] as StagedTape), asks)
    const codes = notesOf(own[at] as StagedTape)
    for (const note of notes) assert.ok(codes.includes(note), `no note ${note} among ${codes.join(', ')}`)
  }
}

interface Seen {
  readonly kind: string
  readonly kinds: readonly string[]
  readonly decisions: readonly string[]
  readonly seal: string
}

function seen({ entries }: StagedTape): Seen {
  const [open] = entries
  const last = entries.at(-1)
  return {
    kind: open?.kind === 'open' ? open.body.kind : '',
    kinds: entries.map(({ kind }) => kind).filter((kind, at, all) => kind !== all[at - 1]),
    decisions: entries.flatMap((entry) => (entry.kind === 'decision' ? [entry.body.rule] : [])),
    seal: last?.kind === 'seal' ? last.body.reason : '',
  }
}

function sight({ kind = 'api', kinds, decisions = [], seal }: TapeSight): Seen {
  return { kind, kinds, decisions, seal }
}

function asksOf({ entries }: StagedTape): string[] {
  return entries.flatMap((entry) => {
    if (entry.kind !== 'request') return []
    const { verb = '', resource = '', subresource = '', name = '' } = entry.body.attributes ?? {}
    return [[verb, subresource === '' ? resource : `${resource}/${subresource}`, name].join(' ').trim()]
  })
}

function notesOf({ entries }: StagedTape): string[] {
  return entries.flatMap((entry) => (entry.kind === 'note' ? [entry.body.code] : []))
}

function textOf(bytes: Bytes | ClosingFrame): string {
  if (typeof bytes === 'object' && 'close' in bytes)
    return `${bufferOf(bytes.before ?? '').toString('latin1')}Close ${bytes.close}`
  return bufferOf(bytes).toString('latin1')
}

/** The same with "Close 1001" for a masked Close frame without a reason at its end. */
function closingFrame(text: string): string {
  const bytes = bufferOf(text)
  const at = bytes.length - 8
  if (at < 0 || bytes.readUInt16BE(at) !== 0x8882) return text
  return `${text.slice(0, at)}Close ${bytes.readUInt16BE(at + 6) ^ bytes.readUInt16BE(at + 2)}`
}
