// A call -> what people see of it before they say yes: who asks is beside it; here is what, as kubectl would say it.

import { commandLine } from '../protocols/kube/command-line.ts'
import type { Summary } from './approvals/approvals.ts'
import type { Exchange } from './exchange.ts'
import type { MaskedWords } from './mask/text.ts'
import type { Question } from './policy/asked.ts'
import { requestBody } from './recording.ts'

/** Without what the cluster knows of it: `diff` is "", and `objects` what the request says. `words`: masks what is found in it. */
export function plainSummaryOf(words: MaskedWords, exchange: Exchange, question: Question): Summary {
  const { cluster, principal, claims, attributes } = question
  const { verb, apiGroup, resource, subresource, namespace, name } = attributes
  return {
    cluster,
    run: words.text(claims.run),
    command: `kubectl ${commandLine(requestBody(words, 0, '', exchange, principal, attributes))}`,
    verb,
    resource: [apiGroup, resource, subresource].filter((part) => part !== '').join('/'),
    namespace,
    name: words.text(name),
    diff: '',
    objects: MANY.has(verb) && name === '' ? null : 1,
  }
}

const MANY = new Set(['list', 'watch', 'deletecollection'])
