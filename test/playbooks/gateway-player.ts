// Plays a playbook against the running gateway: does the client's steps, lets the cluster do its own, and hands back all
// that was seen, for a test to judge once the tapes are closed.

import assert from 'node:assert/strict'
import { until } from '../support/manual-time.ts'
import { request as http2Request } from './http2-scenes.ts'
import { PlayClient } from './play-client.ts'
import type { Bytes, ClientStep, GatewayPlay, Sight, TokenSpec } from './playbook.ts'
import { bufferOf, CANARY } from './recording-cluster.ts'
import type { Stage } from './stage.ts'

/** What a play has shown so far; its tapes come later. */
export interface Performance {
  readonly play: GatewayPlay
  /** The first thing that was not as the playbook says. */
  readonly fault: unknown
  /** What the cluster got, with marks for what differs each time. */
  readonly received: readonly string[]
  /** The client's connections. */
  readonly addresses: readonly string[]
  readonly issuer: readonly string[]
  /** Wall time, milliseconds since 1970. */
  readonly began: number
  readonly ended: number
}

const TOKENS: Readonly<Record<string, TokenSpec>> = {
  alice: {},
  bob: { claims: { sub: 'bob' } },
  reader: { claims: { sub: 'reader', groups: ['readers'] } },
  guarded: { claims: { sub: 'guarded', groups: ['guarded'] } },
}

export class GatewayPlayer {
  readonly #stage: Stage
  /** Tokens of `TOKENS`, one each: a gateway remembers those that it knows. */
  readonly #tokens: Readonly<Record<string, string>>
  #canary: PlayClient | undefined
  #canaries = 0

  constructor(stage: Stage) {
    this.#stage = stage
    this.#tokens = this.#make(TOKENS)
  }

  async play(play: GatewayPlay): Promise<Performance> {
    const { cluster, mint } = this.#stage
    const asked = mint.asked.length
    const began = this.#stage.wall()
    cluster.begin(play.cluster ?? [])
    const client = new Client(this.#stage, { ...this.#tokens, ...this.#make(play.tokens ?? {}) })
    let fault: unknown
    try {
      for (const step of play.client) await client.step(step)
      for (const sight of play.expect.client) await client.sees(sight)
      await until(() => cluster.pending === undefined, `the cluster could do ${JSON.stringify(cluster.pending)}`)
    } catch (error) {
      fault = error
    }
    await client.end()
    try {
      await this.#fence()
    } catch (error) {
      fault ??= error
    }
    return {
      play,
      fault,
      received: cluster.received.map((bytes) => this.#marked(bytes)),
      addresses: client.addresses,
      issuer: mint.asked.slice(asked),
      began,
      ended: this.#stage.wall(),
    }
  }

  async close(): Promise<void> {
    await this.#canary?.end()
  }

  /** What was sent before has reached the cluster once a later request has; and the gateway still serves. */
  async #fence(): Promise<void> {
    if (this.#canary === undefined || this.#canary.isClosed) {
      this.#canary = await PlayClient.connect(this.#stage.where, {})
    }
    const target = `${CANARY}${this.#canaries++}`
    const token = this.#tokens.alice
    const request = `GET ${target} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${token}\r\n\r\n`
    await this.#canary.send(bufferOf(request))
    const { status, body } = await this.#canary.answer()
    assert.equal(status, 200, `the gateway serves others no more: ${body}`)
    assert.equal(body.toString(), target, 'another one’s answer')
  }

  #make(specs: Readonly<Record<string, TokenSpec>>): Record<string, string> {
    const { mint } = this.#stage
    return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, mint.token(spec, this.#stage.now())]))
  }

  #marked(bytes: Buffer): string {
    return bytes
      .toString('latin1')
      .replaceAll(this.#stage.cluster.authority, '{{cluster}}')
      .replaceAll(this.#stage.mint.url, '{{issuer}}')
      .replace(/(?<=\r\nAudit-ID: )[0-9a-f-]{36}(?=\r\n)/g, '{{audit}}')
      .replace(/(?<=\r\nImpersonate-Extra-sallyport-tape: )[0-9A-Z]{26}(?=\r\n)/g, '{{tape}}')
  }
}

type AnswerSight = Extract<Sight, { readonly answer: number }>

/** The client of one play: its connections, the last one the present one. */
class Client {
  readonly #stage: Stage
  readonly #tokens: Readonly<Record<string, string>>
  readonly #connections: PlayClient[] = []

  constructor(stage: Stage, tokens: Readonly<Record<string, string>>) {
    this.#stage = stage
    this.#tokens = tokens
  }

  get addresses(): string[] {
    return this.#connections.map(({ address }) => address)
  }

  async step(step: ClientStep): Promise<void> {
    if (typeof step === 'string' || step instanceof Uint8Array) await (await this.#present()).send(this.#bytes(step))
    else if ('connect' in step) await this.#connect(step.connect)
    else if ('advance' in step) await this.#stage.advance(step.advance)
    else if ('end' in step) (await this.#present()).socket.end()
    else if ('http2' in step) await this.#http2Request(step.stream, step.http2)
    else if ('after' in step) await until(() => this.#stage.cluster.done >= step.after, `${step.after} cluster steps`)
    else if ('crowd' in step) await this.#crowd(step.crowd, step.from)
    else if ('flood' in step) await this.#flood(this.#bytes(step.flood), step.times)
    else if ('race' in step) await this.#race(step.race, step.requests, step.lanes)
    else await this.sees(step)
  }

  async sees(sight: Sight): Promise<void> {
    const connection = await this.#present()
    if ('answer' in sight) await this.#answer(connection, sight)
    else if ('head' in sight) assert.equal((await connection.answer(true)).status, sight.head)
    else if ('receive' in sight) {
      const expected = this.#bytes(sight.receive)
      assert.deepEqual(await connection.bytes(expected.length), Buffer.from(expected))
    } else if ('webSocketClose' in sight) assert.equal(await webSocketClose(connection), sight.webSocketClose)
    else if ('goAway' in sight) await goAway(connection)
    else if ('http2Goaway' in sight) {
      const { payload } = await http2Frame(connection, (it) => it.type === 7)
      assert.equal(payload.readUInt32BE(4), sight.http2Goaway)
    } else if ('http2Reset' in sight) {
      const { payload } = await http2Frame(connection, (it) => it.type === 3 && it.stream === sight.http2Reset)
      assert.equal(payload.readUInt32BE(), sight.code)
    } else if ('http2Body' in sight) await this.#http2Body(connection, sight)
    else if ('refused' in sight) assert.ok(connection.isClosed, 'the connection came about')
    else if ('alpn' in sight) assert.equal(connection.alpn, sight.alpn)
    else if ('brokenOff' in sight) {
      const rest = (await connection.rest(sight.within)).toString('latin1')
      assert.doesNotMatch(rest, /(^|\r\n)0\r\n\r\n$/, 'the answer looks complete')
    } else assert.equal((await connection.rest(sight.within)).toString('latin1'), '')
  }

  /** Ends all connections in order, so that their tapes are sealed as a well-behaved client's. */
  async end(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.end()))
  }

  async #present(): Promise<PlayClient> {
    return this.#connections.at(-1) ?? this.#connect({})
  }

  async #connect(how: Parameters<typeof PlayClient.connect>[1]): Promise<PlayClient> {
    const where = how.admin === true ? this.#stage.admin : this.#stage.where
    const connection = await PlayClient.connect(where, how)
    this.#connections.push(connection)
    if (how.renegotiate === true && 'renegotiate' in connection.socket) {
      const { socket } = connection
      const error = await new Promise((resolve) => {
        socket.once('error', resolve)
        socket.renegotiate({}, resolve)
      })
      assert.ok(error instanceof Error, 'the gateway renegotiated')
    }
    return connection
  }

  async #crowd(size: number, from: string): Promise<void> {
    for (let count = 0; count < size; count++) await this.#connect({ plain: true, from })
  }

  async #flood(bytes: Uint8Array, times: number): Promise<void> {
    const connection = await this.#present()
    for (let count = 0; count < times && !connection.isClosed; count++) await connection.send(bytes)
  }

  async #race(users: readonly string[], requests: number, lanes: number): Promise<void> {
    const runs: Promise<void>[] = []
    for (const user of users) {
      for (let lane = 0; lane < lanes; lane++) runs.push(this.#lane(user, lane, requests / lanes))
    }
    await Promise.all(runs)
  }

  async #lane(user: string, lane: number, requests: number): Promise<void> {
    const connection = await this.#connect({})
    let text = ''
    for (let at = 0; at < requests; at++) text += raceRequest(user, lane * requests + at)
    await connection.send(this.#bytes(text))
    for (let at = 0; at < requests; at++) {
      const { status, body } = await connection.answer()
      assert.equal(status, 200)
      assert.equal(body.toString(), `oidc:${user}`, "another one's answer")
    }
  }

  async #answer(connection: PlayClient, sight: AnswerSight): Promise<void> {
    const { status, fields, body } = await connection.answer()
    const text = body.toString()
    assert.equal(status, sight.answer, text)
    if (sight.rule !== undefined) assert.equal(ruleOf(text), sight.rule)
    if (sight.body !== undefined) assert.equal(text, sight.body)
    const names = fields.map((line) => line.slice(0, line.indexOf(':')).toLowerCase())
    for (const name of sight.lacks ?? []) assert.ok(!names.includes(name), `the answer has ${name}`)
    assert.ok(!names.includes('retry-after') || sight.rule === undefined, 'kubectl would repeat it')
  }

  async #http2Request(stream: number, lines: readonly (readonly [string, string])[]): Promise<void> {
    const filled = lines.map(([name, value]) => [name, Buffer.from(this.#bytes(value)).toString('latin1')] as const)
    await (await this.#present()).send(http2Request(stream, filled))
  }

  async #http2Body(connection: PlayClient, sight: Extract<Sight, { readonly http2Body: number }>): Promise<void> {
    const pieces: Buffer[] = []
    for (let isEnd = false; !isEnd; ) {
      const frame = await http2Frame(connection, (it) => it.type === 0 && it.stream === sight.http2Body)
      pieces.push(frame.payload)
      isEnd = (frame.flags & 1) === 1
    }
    const text = Buffer.concat(pieces).toString()
    if (sight.rule !== undefined) assert.equal(ruleOf(text), sight.rule)
    if (sight.body !== undefined) assert.equal(text, sight.body)
  }

  #bytes(bytes: Bytes): Uint8Array {
    if (typeof bytes !== 'string') return bytes
    return bufferOf(bytes.replace(/\{\{(\w+)\}\}/g, (mark, name: string) => this.#tokens[name] ?? mark))
  }
}

/** One request of a race; its path says whose it is. */
export function raceRequest(user: string, number: number): string {
  const head = `GET /api/v1/namespaces/${user}/pods/p${number} HTTP/1.1\r\nHost: gateway\r\n`
  return `${head}Authorization: Bearer {{${user}}}\r\n\r\n`
}

function ruleOf(body: string): string | undefined {
  const status = JSON.parse(body) as { kind: string; details: { causes: { message: string }[] } }
  assert.equal(status.kind, 'Status')
  return status.details.causes[0]?.message
}

/** Reads a server's frames until its Close. */
async function webSocketClose(connection: PlayClient): Promise<number> {
  for (;;) {
    const header = await connection.bytes(2)
    const short = header.readUInt8(1)
    const length = short < 126 ? short : (await connection.bytes(2)).readUInt16BE()
    const payload = await connection.bytes(length)
    if (header.readUInt8(0) === 0x88) return payload.readUInt16BE()
  }
}

/** Reads frames until GOAWAY, type 7 of SPDY/3.1. */
async function goAway(connection: PlayClient): Promise<void> {
  for (;;) {
    const header = await connection.bytes(8)
    await connection.bytes(header.readUIntBE(5, 3))
    if (header.readUInt32BE() === 0x8003_0007) return
  }
}

interface Http2Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** Reads HTTP/2 frames up to the one that is meant. */
async function http2Frame(connection: PlayClient, isIt: (frame: Http2Frame) => boolean): Promise<Http2Frame> {
  for (;;) {
    const header = await connection.bytes(9)
    const payload = await connection.bytes(header.readUIntBE(0, 3))
    const frame = { type: header.readUInt8(3), flags: header.readUInt8(4), stream: header.readUInt32BE(5), payload }
    if (isIt(frame)) return frame
  }
}
