// Frames of a client.

import { joinPieces, server } from '../../protocols/websocket/frames.ts'
import { checkMachine } from '../machine.ts'
import type { Target } from '../target.ts'
import { MASKED_FRAMES } from '../words.ts'

const target: Target = {
  words: MASKED_FRAMES,
  run: (input) => checkMachine(server, input, { join: joinPieces, end: true }),
}

export default target
