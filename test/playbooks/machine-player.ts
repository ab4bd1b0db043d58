// Plays bytes against a pure machine, cut in every way: it must tell what the playbook says and then the fault, nothing
// behind it, and never answer by itself.

import assert from 'node:assert/strict'
import type { Http2ServerEvent } from '../../protocols/http2/events.ts'
import { Http2Server } from '../../protocols/http2/server.ts'
import { limits } from '../../protocols/limits.ts'
import * as http1 from '../protocols/http1/messages.ts'
import { joinBytes, remoteCommand } from '../protocols/kube/channel-machine.ts'
import { joinData as joinSpdy, word } from '../protocols/spdy/frames.ts'
import { facingClient, facingCluster } from '../protocols/spdy/sessions.ts'
import * as webSocket from '../protocols/websocket/frames.ts'
import { assertAnyCut, type CutOptions, cut, type Heard, hear, type Machine } from '../support/cut.ts'
import type { Bytes, MachineName, MachinePlay } from './playbook.ts'

interface Told {
  readonly type: string
}

interface Role {
  make(): Machine<Told>
  /** Joins two events that only a cut has parted. */
  join(earlier: never, later: never): unknown
  /** The last of its output, as hex, where the protocol itself says what was wrong. */
  says?(code: number, stream: number | undefined): string
}

/** Whether bytes behind an answer came in its own chunk is the one thing that a cut may show: `reusable`. */
function joinAnswer(earlier: never, later: never): unknown {
  const [end, fault] = [earlier as Told, later as Told & { error: unknown }]
  if (end.type === 'end' && fault.type === 'failed') return { type: 'failed', error: fault.error }
  return http1.joinData(earlier, later)
}

const ROLES: Record<MachineName, Role> = {
  'http1 facing a client': { make: http1.server, join: http1.joinData },
  'http1 facing a cluster': { make: http1.client, join: joinAnswer },
  'http1 facing a cluster asked to upgrade': { make: http1.upgrading, join: http1.joinData },
  'websocket facing a client': { make: webSocket.server, join: webSocket.joinPieces },
  'websocket facing a cluster': { make: webSocket.client, join: webSocket.joinPieces },
  'channels facing a client': { make: () => remoteCommand({ fromClient: true, closes: true }), join: joinBytes },
  'channels facing a cluster': { make: () => remoteCommand({ fromClient: false, closes: true }), join: joinBytes },
  'spdy facing a client': { make: () => facingClient().machine, join: joinSpdy },
  'spdy facing a cluster': { make: () => facingCluster().machine, join: joinSpdy },
  'http2 facing a client': { make: () => new Http2Server(limits), join: joinStreamData, says: resetOrGoaway },
}

function joinStreamData(earlier: Http2ServerEvent, later: Http2ServerEvent): Http2ServerEvent | undefined {
  if (earlier.type !== 'data' || later.type !== 'data' || earlier.stream !== later.stream) return undefined
  return { ...earlier, bytes: new Uint8Array(Buffer.concat([earlier.bytes, later.bytes])) }
}

/** RST_STREAM, or the second half of GOAWAY: which streams were served is not a playbook's matter. */
function resetOrGoaway(code: number, stream: number | undefined): string {
  if (stream === undefined) return word(code).toString('hex')
  return Buffer.concat([Buffer.from('0000040300', 'hex'), word(stream), word(code)]).toString('hex')
}

/** What is longer is played whole and byte by byte. */
const LONG = 1_024
/** What is longer than this is cut into pieces of a few hundred bytes only. */
const VERY_LONG = 32_768

export function playMachine(play: MachinePlay): void {
  const role = ROLES[play.machine]
  const heard = playCuts(role, octets(play.bytes), play.ends === true)
  const events = heard.events as readonly Told[]
  const { rule, code, stream, told = [] } = play.expect
  const error = { rule, code }
  assert.deepEqual(
    events.at(-1),
    stream === undefined ? { type: 'failed', error } : { type: 'reset', stream, code, error },
  )
  assert.deepEqual(runs(events.slice(0, -1)), told)
  if (role.says === undefined) assert.equal(heard.output, '', 'the machine answered by itself')
  else assert.ok(heard.output.endsWith(role.says(code, stream)), 'the last frame does not say why')
}

function playCuts(role: Role, bytes: Uint8Array, end: boolean): Heard<unknown> {
  const options = { join: role.join, end } as CutOptions<Machine<Told>>
  if (bytes.length <= LONG) return assertAnyCut(role.make, bytes, options)
  const whole = hear(role.make(), [bytes], options)
  const lengths = bytes.length <= VERY_LONG ? [1] : [1, 700, 13]
  assert.deepEqual(hear(role.make(), cut(bytes, lengths), options), whole)
  return whole
}

/** Types of events, those in a row once. */
function runs(events: readonly Told[]): string[] {
  return events.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1])
}

export function octets(bytes: Bytes): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
}
