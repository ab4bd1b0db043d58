// An approval as the admin API gives it -> what a person reads before they answer. Whatever comes from a caller is made
// printable here: nothing can hide or rewrite a line of it.

import { printable } from '../replay/printable.ts'
import type { Json } from './admin-api.ts'
import type { Io } from './io.ts'
import { coloured } from './table.ts'

/** The fields that commands read; all of it is untrusted text. */
export interface ApprovalJson {
  readonly id: string
  readonly state: string
  readonly kind: string
  readonly requester: { readonly user: string; readonly groups: readonly string[]; readonly actor: string }
  readonly cluster: string
  readonly run: string
  readonly command: string
  readonly namespace: string
  readonly objects: number | null
  readonly diff?: string
  /** Why there is no diff, or what is not in it; or "". */
  readonly note: string
  readonly reason: string
  readonly ticket: string
  readonly requestedAt: string
  readonly answerBy: string
  readonly validUntil?: string
  readonly approvers: string
  readonly terms: {
    readonly validForSeconds: number
    readonly uses: number
    readonly ticketRequired: boolean
  }
  readonly yeses: readonly AnswerJson[]
  readonly no?: AnswerJson
  readonly used: number
  readonly waiting: number
  readonly mayAnswer: boolean
  readonly digest?: string
}

export interface AnswerJson {
  readonly by: string
  readonly at: string
  readonly reason: string
  readonly ticket: string
  readonly via: string
}

/** The gateway's own JSON, believed to have its form. */
export function approvalOf(json: Json): ApprovalJson {
  return json as unknown as ApprovalJson
}

const STATES: Readonly<Record<string, string>> = {
  requested: 'waits for an answer',
  cancelled: 'waits for an answer; its caller has gone, and may come back',
  approved: 'approved',
  denied: 'denied',
  expired: 'expired',
  used: 'used up',
  revoked: 'taken back',
}

/** Everything an approver must see: who, by which agent and run, why, what exactly, and what a yes allows. */
export function approvalText(approval: ApprovalJson, now: number, io: Io): string {
  const { requester, terms } = approval
  const lines: (readonly [title: string, text: string])[] = [
    ['Approval', `${approval.id}, ${STATES[approval.state] ?? approval.state}`],
    ['Who', `${requester.user}${requester.groups.length === 0 ? '' : ` (${requester.groups.join(', ')})`}`],
    ['Agent', requester.actor === '' ? 'none: in person' : requester.actor],
    ['Run', approval.run === '' ? '-' : `${approval.run} (by its own word)`],
    ['Why', approval.reason === '' ? 'not said' : `${approval.reason} (by their own word)`],
    ['Ticket', approval.ticket === '' ? (terms.ticketRequired ? 'none yet; one must be named' : '-') : approval.ticket],
    ['Cluster', approval.cluster],
    [approval.kind === 'grant' ? 'Access' : 'Command', commandOf(approval)],
    ['Objects', objectsOf(approval)],
    ['A yes', whatYesAllows(approval)],
    ['Asked', `${timeText(approval.requestedAt, now)}; can be answered until ${timeText(approval.answerBy, now)}`],
    ['From', approval.approvers],
  ]
  for (const yes of approval.yeses) lines.push(['Yes', answerText(yes, now)])
  if (approval.no !== undefined)
    lines.push([approval.state === 'revoked' ? 'Back' : 'No', answerText(approval.no, now)])
  if (approval.validUntil !== undefined) lines.push(['Until', timeText(approval.validUntil, now)])
  if (approval.waiting > 0)
    lines.push(['Waiting', `${approval.waiting} ${approval.waiting === 1 ? 'call' : 'calls'} now`])
  if (approval.digest !== undefined) lines.push(['Digest', approval.digest])
  const text = lines.map(([title, value]) => `${coloured(title.padEnd(9), 'bold', io.colours)}${printable(value)}\n`)
  const note = approval.note === '' ? '' : `${printable(`Note: ${approval.note}`)}\n`
  return text.join('') + diffText(approval.diff ?? '', timeText(approval.requestedAt, now), io) + note
}

/** As it would be typed. */
export function commandOf({ kind, command }: ApprovalJson): string {
  return kind === 'grant' ? command : `kubectl ${command.replace(/^kubectl /, '')}`
}

function objectsOf({ kind, objects }: ApprovalJson): string {
  if (kind === 'grant') return 'all that the access reaches'
  if (objects === null) return 'nobody knows how many'
  return `${objects}`
}

function whatYesAllows({ kind, terms, used }: ApprovalJson): string {
  const time = spanText(terms.validForSeconds)
  if (kind === 'grant') return `opens this for ${time}, whatever the calls; denials of the policy stay`
  const uses = terms.uses === 1 ? 'this call once' : `this call ${terms.uses} times`
  return `lets exactly ${uses}, within ${time}${used > 0 ? `; used ${used} times` : ''}`
}

function answerText({ by, at, reason, ticket, via }: AnswerJson, now: number): string {
  const facts = [`by ${by}`, timeText(at, now), `via ${via}`]
  if (ticket !== '') facts.push(`ticket ${ticket}`)
  return `${facts.join(', ')}${reason === '' ? '' : `: ${reason}`}`
}

function diffText(diff: string, asked: string, io: Io): string {
  if (diff === '') return ''
  const lines = diff.replace(/\n$/, '').split('\n')
  const shown = lines.map((line) => {
    // Tabs are indentation here, and printable would spell them out.
    const text = `  ${printable(line.replaceAll('\t', '    '))}`
    if (line.startsWith('+')) return coloured(text, 'green', io.colours)
    return line.startsWith('-') ? coloured(text, 'red', io.colours) : text
  })
  const title = coloured('Changes', 'bold', io.colours)
  return `${title}, as the server said when it was asked, at ${asked}:\n${shown.join('\n')}\n`
}

/** "2026-11-28 21:30:00 UTC (4 m ago)". */
export function timeText(time: string, now: number): string {
  const millis = Date.parse(time)
  if (Number.isNaN(millis)) return time
  const span = spanText(Math.round(Math.abs(now - millis) / 1000))
  const at = new Date(millis).toISOString().slice(0, 19).replace('T', ' ')
  return `${at} UTC (${millis <= now ? `${span} ago` : `in ${span}`})`
}

/** "45 s", "10 m", "1 h 30 m"; of seconds. */
export function spanText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} m`
  const rest = minutes % 60
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h${rest === 0 ? '' : ` ${rest} m`}` : `${Math.floor(hours / 24)} d`
}
