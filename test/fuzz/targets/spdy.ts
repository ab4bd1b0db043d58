// Frames of a client or of a cluster, with streams open. Half of the forms deflate what stands in place of a header block:
// changed deflate data would hardly ever be a block.

import { joinData } from '../../protocols/spdy/frames.ts'
import { facingClient, facingCluster } from '../../protocols/spdy/sessions.ts'
import { checkMachine, choice } from '../machine.ts'
import { withBlocks } from '../spdy-blocks.ts'
import type { Target } from '../target.ts'
import { SPDY_FRAMES } from '../words.ts'

const FACING_CLUSTER = 1
const DEFLATED_HERE = 2

const target: Target = {
  words: [...SPDY_FRAMES, 'streamtype', 'error', 'port', ':status', 'host', '\0\0\0\x01', '\0\0\0\0', 'a\0b'],
  run: (input) => {
    const [form, rest] = choice(input)
    const facing = (form & FACING_CLUSTER) === 0 ? facingClient : facingCluster
    const { peer } = facing()
    const bytes = (form & DEFLATED_HERE) === 0 ? rest : withBlocks(rest, (block) => peer.deflate(block))
    return checkMachine(() => facing().machine, bytes, { join: joinData, end: true })
  },
}

export default target
