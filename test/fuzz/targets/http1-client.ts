// What a cluster answers to requests of each form.

import type { Http1Client } from '../../../protocols/http1/client.ts'
import { client, joinData, upgrading } from '../../protocols/http1/messages.ts'
import { checkMachine, choice, type MachineOptions } from '../machine.ts'
import type { Target } from '../target.ts'
import { HTTP1_WORDS } from '../words.ts'

const FORMS: readonly (() => Http1Client)[] = [
  () => client(),
  () => client({ method: 'HEAD' }),
  upgrading,
  () => client({ method: 'POST' }),
]

const OPTIONS: MachineOptions<Http1Client> = {
  join: (a, b) => {
    // Whether bytes behind an answer came in its own chunk is the one thing that a cut may show: `reusable`.
    if (a.type === 'end' && b.type === 'failed') return { type: 'failed', error: b.error }
    return joinData(a, b)
  },
  end: true,
}

const target: Target = {
  words: HTTP1_WORDS,
  run: (input) => {
    const [form, rest] = choice(input)
    return checkMachine(FORMS[form % FORMS.length]!, rest, OPTIONS)
  },
}

export default target
