// What our server accepts, node:http's strict server reads with the same meaning and end; what Node refuses is refused.

import { compareRequests, SENTINEL } from '../../protocols/http1/node-comparison.ts'
import type { Target } from '../target.ts'
import { HTTP1_WORDS } from '../words.ts'

const target: Target = {
  words: HTTP1_WORDS,
  run: async (input) => {
    const reading = await compareRequests(Buffer.from(input).toString('latin1') + SENTINEL)
    const { messages, isRefused, isOver, trailing } = reading
    return [`${messages.length} ${isRefused} ${isOver} ${trailing !== undefined}`]
  },
}

export default target
