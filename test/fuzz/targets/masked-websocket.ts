// Masked channels in WebSocket messages, from a client or a cluster, in each form: however the bytes are cut the same passes
// and is taped, what passes is whole messages that a peer can read, and no whole secret is among what is shown or taped.

import assert from 'node:assert/strict'
import { WebSocketStream } from '../../../gateway/stream/websocket-stream.ts'
import { PeerError } from '../../../protocols/errors.ts'
import { CHANNEL } from '../../../protocols/kube/channels.ts'
import { read } from '../../gateway/stream/messages.ts'
import { MemoryRecorder, SECRET, Session, wordChannels } from '../../gateway/stream/session.ts'
import { checkMachine, choice } from '../machine.ts'
import type { Target } from '../target.ts'
import { MASKED_FRAMES, PLAIN_FRAMES } from '../words.ts'

const FROM_CLUSTER = 1
const BASE64 = 2
const CLOSES = 4
const EXEMPT = 8

const target: Target = {
  words: [
    ...MASKED_FRAMES,
    ...PLAIN_FRAMES,
    SECRET,
    SECRET.slice(0, 7),
    SECRET.slice(7),
    '\x82\x0f\x01',
    '\x82\x01\x01',
  ],
  run: (input) => {
    const [choices, rest] = choice(input)
    const fromClient = (choices & FROM_CLUSTER) === 0
    const base64 = (choices & BASE64) !== 0
    // v5 has no base64 form.
    const closes = (choices & CLOSES) !== 0 && !base64
    const isExempt = (choices & EXEMPT) !== 0
    const form = { version: closes ? 5 : 4, base64 }
    const make = (): Session => {
      const recorder = new MemoryRecorder()
      const stream = new WebSocketStream({ ...form, closes }, recorder, wordChannels(recorder, { isExempt }))
      return new Session(stream, recorder, fromClient) as unknown as Session
    }
    let names: string[] = []
    checkMachine(make, rest, {
      observe: ({ toClient, toCluster, recorder, ended }) => {
        const heard = fromClient ? read(toCluster, form, false) : read(toClient, form)
        const shown = heard.flatMap(([channel, text]) => (channel === CHANNEL.STDOUT ? [text] : [])).join('')
        assert.ok(isExempt || !shown.includes(SECRET), 'a secret is shown')
        for (const channel of [CHANNEL.STDIN, CHANNEL.STDOUT, CHANNEL.STDERR, CHANNEL.ERROR]) {
          assert.ok(!recorder.text(channel).includes(SECRET), 'a secret is taped')
        }
        const end = ended instanceof PeerError ? ended.rule : ended?.reason
        names = [...heard.map(([channel]) => `heard ${channel}`), `ended ${end}`]
        return { heard, entries: recorder.entries, notes: recorder.notes, end }
      },
    })
    return names
  },
}

export default target
