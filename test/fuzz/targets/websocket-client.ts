// Frames of a server.

import { client, joinPieces } from '../../protocols/websocket/frames.ts'
import { checkMachine } from '../machine.ts'
import type { Target } from '../target.ts'
import { PLAIN_FRAMES } from '../words.ts'

const target: Target = {
  words: PLAIN_FRAMES,
  run: (input) => checkMachine(client, input, { join: joinPieces, end: true }),
}

export default target
