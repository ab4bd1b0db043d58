// An answer that our client accepts, node:http's strict client reads with the same meaning and end.

import { compareResponse } from '../../protocols/http1/node-comparison.ts'
import type { Target } from '../target.ts'
import { HTTP1_WORDS } from '../words.ts'

const target: Target = {
  words: HTTP1_WORDS,
  run: async (input) => {
    const { messages, isRefused } = await compareResponse(Buffer.from(input).toString('latin1'))
    return [`${messages[0]?.start[0]} ${isRefused}`]
  },
}

export default target
