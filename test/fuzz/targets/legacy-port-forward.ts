// The ports of a query, and what a server announces on their channels: the first line of the input is the query's value,
// each octet behind it a channel's next.

import assert from 'node:assert/strict'
import { announcedPort, LegacyPortForward, parsePorts } from '../../../protocols/kube/legacy-port-forward.ts'
import { choice } from '../machine.ts'
import type { Target } from '../target.ts'

const LARGEST_PORT = 65_535

const target: Target = {
  words: ['80', '443,8080', '65535', '65536', '0', '080', ',', '\n', '+1', ' ', '%', '1e3', 'P\0P\0'],
  run: (input) => {
    const [channel, rest] = choice(input)
    const line = rest.indexOf(0x0a)
    const text = Buffer.from(rest.subarray(0, line === -1 ? rest.length : line)).toString('latin1')
    const ports = parsePorts([text])
    if (ports === undefined) return ['no ports']
    assert.equal(ports.join(','), text, 'ports are read as something else than is written')
    assert.ok(ports.every((port) => port > 0 && port <= LARGEST_PORT))
    const forward = new LegacyPortForward(ports)
    const chosen = channel % (2 * ports.length)
    return ['ports', announced(forward, chosen, line === -1 ? new Uint8Array(0) : rest.subarray(line + 1))]
  },
}

export default target

/** However the announcement is cut, it is the port's two octets or a fault. */
function announced(forward: LegacyPortForward, channel: number, bytes: Uint8Array): string {
  const expected = announcedPort(forward.ports[channel >> 1]!).subarray(0, bytes.length)
  const isRight = Buffer.from(bytes.subarray(0, expected.length)).equals(expected)
  const whole = new LegacyPortForward(forward.ports).announcement(channel, bytes)
  assert.equal(typeof whole === 'number' ? whole : whole.rule, isRight ? expected.length : 'kube.forward.announcement')
  let taken = 0
  for (const octet of bytes) {
    const one = forward.announcement(channel, Uint8Array.of(octet))
    if (typeof one !== 'number') {
      assert.equal(isRight, false)
      return 'fault'
    }
    taken += one
  }
  assert.equal(taken, whole)
  return `announced ${taken}`
}
