// What becomes of the policy's files -> notes for the ledger: what is in force at the start, what a reload has changed, and
// what was not taken over.

import { limits } from '../protocols/limits.ts'
import type { NoteBody } from '../protocols/tape/entry.ts'
import { plainText } from './approvals/plain-text.ts'
import { ConfigError } from './config.ts'
import type { Policy } from './policy/policy.ts'
import { policyChanges, policySum } from './policy/policy-changes.ts'

/** policy.loaded: at the start. `file`: its path, or undefined for the default policy. */
export function loadedNote(file: string | undefined, policy: Policy): NoteBody {
  return {
    code: 'policy.loaded',
    text: `${policy.rules.length} rules are in force`,
    facts: { file: file ?? '', sum: policySum(policy), rules: policy.rules.length },
  }
}

/** policy.reloaded, and policy.changed for each thing that is not as it was; none where all of it is. */
export function reloadNotes(file: string | undefined, before: Policy, after: Policy): NoteBody[] {
  const changes = policyChanges(before, after)
  if (changes.length === 0) return []
  const count = (how: string): number => changes.filter((change) => change.how === how).length
  const facts = { added: count('added'), removed: count('removed'), changed: count('changed') }
  const notes: NoteBody[] = [
    {
      code: 'policy.reloaded',
      text: `${facts.added} added, ${facts.removed} removed, ${facts.changed} changed`,
      facts: { file: file ?? '', sum: policySum(after), rules: after.rules.length, ...facts },
    },
  ]
  for (const { what, how, before: was, after: is } of changes) {
    notes.push({ code: 'policy.changed', text: `${what} ${how}`, facts: { what, how, before: was, after: is } })
  }
  return notes
}

/** config.refused: the configuration or the policy that were in force still are. */
export function refusedNote(error: unknown): NoteBody {
  const problems =
    error instanceof ConfigError
      ? error.problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`)
      : [error instanceof Error ? error.message : 'an error that is none']
  return {
    code: 'config.refused',
    text: 'not taken over: what was in force stays in force',
    facts: { problems: plainText(problems.join('\n'), limits.approvals.text, true), count: problems.length },
  }
}
