// One flood, from a process of its own: keeps its connections full, opens a new one at once for each that is cut off, and
// says at the end what it sent and how it was stopped. Usage: attacker.js NAME PORT CA TOKEN SECONDS

import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { FRAME, HEADER_OCTETS, uint32 } from '../../protocols/http2/frames.ts'
import { ATTACKS, type Attack } from './attacks.ts'

const [name, port, caFile, token, seconds] = process.argv.slice(2) as [string, string, string, string, string]
const attack = ATTACKS[name] as Attack
const ca = readFileSync(caFile)
const until = Date.now() + Number(seconds) * 1000
const tally = { connections: 0, megabytes: 0, goaways: {} as Record<string, number>, closed: 0, failed: 0 }

/** A connection that could not be made is tried again after this: the machine has only so many ports. */
const RETRY_MILLIS = 20

function attackOnce(): void {
  if (Date.now() >= until) return
  const socket = connect({
    ...{ host: '127.0.0.1', port: Number(port), servername: 'localhost', ca },
    ...(attack.protocol === 'h2' ? { ALPNProtocols: ['h2'] } : {}),
  })
  let isOpen = false
  socket.on('error', () => undefined)
  socket.once('close', () => {
    if (isOpen) tally.closed += 1
    else tally.failed += 1
    setTimeout(attackOnce, isOpen ? 0 : RETRY_MILLIS)
  })
  socket.once('secureConnect', () => {
    isOpen = true
    tally.connections += 1
    const { first, next } = attack.open(token)
    const flood = (): void => {
      if (socket.destroyed || !socket.writable) return
      if (Date.now() >= until) {
        socket.destroy()
        return
      }
      const message = next()
      tally.megabytes += message.length / 1e6
      if (!socket.write(message)) socket.once('drain', flood)
      else if (attack.paceMillis === undefined) setImmediate(flood)
      else setTimeout(flood, attack.paceMillis)
    }
    const begin = (): void => {
      if (first.length > 0) socket.write(first)
      flood()
    }
    if (attack.upgrade === undefined) begin()
    else upgrade(attack.upgrade, begin)
    if (attack.isDeaf === true) socket.pause()
    else if (attack.protocol === 'h2') socket.on('data', countGoaways)
    else socket.resume()
  })

  function upgrade([line, ...fields]: readonly string[], then: () => void): void {
    const head = [line, 'Host: localhost', `Authorization: Bearer ${token}`, ...fields, '', ''].join('\r\n')
    socket.write(head)
    socket.once('data', (chunk: Buffer) => {
      if (chunk.toString('latin1').startsWith('HTTP/1.1 101')) then()
      else socket.destroy()
    })
  }
}

/** GOAWAY comes alone at the end of what is written. */
function countGoaways(chunk: Buffer): void {
  for (let at = 0; at + HEADER_OCTETS <= chunk.length; at += HEADER_OCTETS + uint32(chunk, at) / 256) {
    at = Math.floor(at)
    if (chunk[at + 3] !== FRAME.GOAWAY || at + HEADER_OCTETS + 8 > chunk.length) continue
    const code = uint32(chunk, at + HEADER_OCTETS + 4)
    tally.goaways[code] = (tally.goaways[code] ?? 0) + 1
  }
}

for (let count = 0; count < attack.connections; count++) attackOnce()
setTimeout(
  () => {
    process.stdout.write(`${JSON.stringify(tally)}\n`)
    process.exit(0)
  },
  until - Date.now() + 500,
)
