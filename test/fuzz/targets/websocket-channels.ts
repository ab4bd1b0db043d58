// Channels in WebSocket messages, in each form: of a client or a cluster, base64 or not, with or without v5's close.

import { type ChannelMachine, joinBytes, remoteCommand } from '../../protocols/kube/channel-machine.ts'
import { checkMachine, choice } from '../machine.ts'
import type { Target } from '../target.ts'
import { MASKED_FRAMES, PLAIN_FRAMES } from '../words.ts'

const FROM_CLUSTER = 1
const BASE64 = 2
const CLOSES = 4

const target: Target = {
  words: [...MASKED_FRAMES, ...PLAIN_FRAMES, 'aGVsbG8=', '\x81\x850000', '\x82\x820000', '\xff\x00', '{"Width":80}'],
  run: (input) => {
    const [form, rest] = choice(input)
    const fromClient = (form & FROM_CLUSTER) === 0
    const make = (): ChannelMachine =>
      remoteCommand({ fromClient, base64: (form & BASE64) !== 0, closes: (form & CLOSES) !== 0 })
    return checkMachine(make, rest, { join: joinBytes })
  },
}

export default target
