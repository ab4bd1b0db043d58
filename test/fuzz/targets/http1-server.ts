// Requests of a client, answered one after the other in every way that answers are framed.

import type { Http1ServerEvent } from '../../../protocols/http1/events.ts'
import type { Http1Server } from '../../../protocols/http1/server.ts'
import { bytes, joinData, server } from '../../protocols/http1/messages.ts'
import { checkMachine, type MachineOptions } from '../machine.ts'
import type { Target } from '../target.ts'
import { HTTP1_WORDS } from '../words.ts'

type Request = Extract<Http1ServerEvent, { readonly type: 'request' }>

/** What each machine has still to answer. */
const asked = new WeakMap<Http1Server, Request>()

const OPTIONS: MachineOptions<Http1Server> = {
  join: joinData,
  act: (event, machine) => {
    if (event.type === 'request') {
      asked.set(machine, event)
      if (event.expectContinue) machine.send({ type: 'continue' })
    } else if (event.type === 'failed') {
      answer(machine, 400, 2, true)
    } else if (event.type === 'end') {
      const request = asked.get(machine)
      if (request !== undefined) answerTo(request, machine)
    }
  },
  // The shortest request is about as long as the shortest answer; what is answered is more.
  outputRatio: 4,
}

const target: Target = {
  words: HTTP1_WORDS,
  run: (input) => checkMachine(server, input, OPTIONS),
}

export default target

function answerTo({ head, upgrade }: Request, machine: Http1Server): void {
  const close = head.target.endsWith('close')
  if (upgrade !== undefined && head.method === 'GET') machine.send({ type: 'switch', fields: ['Upgrade', upgrade] })
  else if (head.method === 'POST') answer(machine, 200, 'chunked', close)
  else if (head.method === 'GET') answer(machine, 200, 2, close)
  else answer(machine, 204, 'none', close)
}

function answer(machine: Http1Server, status: number, framing: number | 'chunked' | 'none', close: boolean): void {
  machine.send({ type: 'response', status, reason: '', fields: [], framing, close })
  if (framing !== 'none') machine.send({ type: 'data', bytes: bytes('no') })
  machine.send({ type: 'end' })
}
