// A notification -> the body that a chat or a tracker takes. Anybody's words go only where the target reads them as they
// are, or are escaped for it; so a pod's name is never a link, a mention or markup.

import { plainText } from '../approvals/plain-text.ts'
import type { Notification } from './notification.ts'

export const FORMATS = ['json', 'slack', 'teams', 'jira', 'servicenow'] as const

export type Format = (typeof FORMATS)[number]

export interface TemplateOptions {
  readonly format: Format
  /** Where people answer: "https://…", without a slash at its end; undefined: not said. */
  readonly address: string | undefined
  /** For `jira`: the project's key and the name of the kind of issue. */
  readonly jira: { readonly project: string; readonly issueType: string } | undefined
}

/** UTF-8 JSON, in which no character of HTML stands for itself. */
export function bodyOf(notification: Notification, options: TemplateOptions): Uint8Array {
  return Buffer.from(
    JSON.stringify(TEMPLATES[options.format](notification, options)).replace(/[<>&\u2028\u2029]/g, unicodeEscape),
  )
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

const TEMPLATES: Readonly<Record<Format, (notification: Notification, options: TemplateOptions) => object>> = {
  json: generic,
  slack,
  teams,
  jira,
  servicenow,
}

/** As the Standard Webhooks specification has it. */
function generic({ type, at, data, title, subject }: Notification, options: TemplateOptions): object {
  const link = linkOf(subject, type, options)
  const address = link === undefined ? {} : { address: link }
  return { type, timestamp: new Date(at).toISOString(), data: { ...data, title, ...address } }
}

/** Blocks of plain text and preformatted text: in both Slack reads no markup (api.slack.com/reference/block-kit). */
function slack(notification: Notification, options: TemplateOptions): object {
  const { title, facts, diff, type, subject } = notification
  const link = linkOf(subject, type, options)
  const lines = facts.map(([name, value]) => `${name}: ${value}`).join('\n')
  const blocks: object[] = [
    { type: 'header', text: { type: 'plain_text', text: title, emoji: false } },
    preformatted(lines, SLACK_TEXT),
  ]
  if (diff !== '') blocks.push(preformatted(diff, SLACK_TEXT))
  if (link !== undefined) {
    const text = { type: 'plain_text', text: 'Open', emoji: false }
    blocks.push({ type: 'actions', elements: [{ type: 'button', text, url: link }] })
  }
  // What a notification on a screen shows: our own words, in which nothing is markup.
  return { text: title, mrkdwn: false, unfurl_links: false, unfurl_media: false, blocks }
}

function preformatted(text: string, longest: number): object {
  const cut = shortened(text, longest)
  return { type: 'rich_text', elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: cut }] }] }
}

/** What does not go in is said, so that nobody takes a part for the whole. */
function shortened(text: string, longest: number): string {
  return text.length <= longest
    ? plainText(text, longest, true)
    : plainText(text, longest - NOT_ALL.length, true) + NOT_ALL
}

const NOT_ALL = '\n(This is NOT all of it: read the rest before you answer.)'

/** A block's text, characters. */
const SLACK_TEXT = 2_900

/** An adaptive card of text runs, in which Teams reads no markdown (adaptivecards.io, TextRun); of dates in braces it might. */
function teams({ title, facts, diff, type, subject }: Notification, options: TemplateOptions): object {
  const link = linkOf(subject, type, options)
  const run = (text: string, rest: object = {}): object => ({ type: 'TextRun', text: withoutBraces(text), ...rest })
  const line = (...inlines: object[]): object => ({ type: 'RichTextBlock', inlines })
  const body = [
    line(run(title, { size: 'Large', weight: 'Bolder' })),
    ...facts.map(([name, value]) => line(run(`${name}: `, { weight: 'Bolder' }), run(value))),
    ...(diff === '' ? [] : [line(run(shortened(diff, TEAMS_DIFF), { fontType: 'Monospace' }))]),
  ]
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body,
    ...(link === undefined ? {} : { actions: [{ type: 'Action.OpenUrl', title: 'Open', url: link }] }),
  }
  const contentType = 'application/vnd.microsoft.card.adaptive'
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content }] }
}

/** Of the 28 KiB that Teams takes for a card. */
const TEAMS_DIFF = 8_000

function withoutBraces(text: string): string {
  return text.replaceAll('{{', '{\u200b{').replaceAll('${', '$\u200b{')
}

/** An issue whose description is a document of text nodes, in which Jira reads no markup (REST API v3). */
function jira({ title, facts, diff, type, subject }: Notification, options: TemplateOptions): object {
  const { project = '', issueType = '' } = options.jira ?? {}
  const link = linkOf(subject, type, options)
  const text = (value: string): object => ({ type: 'text', text: value })
  const paragraphs = facts.map(([name, value]) => ({ type: 'paragraph', content: [text(`${name}: ${value}`)] }))
  const code = diff === '' ? [] : [{ type: 'codeBlock', content: [text(shortened(diff, JIRA_DIFF))] }]
  const where = link === undefined ? [] : [{ type: 'paragraph', content: [text(link)] }]
  return {
    fields: {
      project: { key: project },
      issuetype: { name: issueType },
      summary: plainText(`${title}: ${headline(facts)}`, 250),
      description: { type: 'doc', version: 1, content: [...paragraphs, ...code, ...where] },
      labels: ['sallyport', type],
    },
  }
}

/** Of the 32,767 characters of a description. */
const JIRA_DIFF = 16_000

/** A record of a table (an incident, a change): plain text, but for "[code]", behind which journals take HTML. */
function servicenow({ title, facts, diff, type, subject }: Notification, options: TemplateOptions): object {
  const link = linkOf(subject, type, options)
  const lines = [...facts.map(([name, value]) => `${name}: ${value}`), ...(link === undefined ? [] : [link])]
  const description = [...lines, ...(diff === '' ? [] : ['', diff])].join('\n')
  return {
    short_description: withoutCode(plainText(`${title}: ${headline(facts)}`, 150)),
    description: withoutCode(shortened(description, 3_900)),
    correlation_id: subject,
    correlation_display: 'sallyport',
  }
}

function withoutCode(text: string): string {
  return text.replace(/\[(?=\/?code\])/gi, '(')
}

function headline(facts: Notification['facts']): string {
  return facts.find(([name]) => name === 'What')?.[1] ?? facts[0]?.[1] ?? ''
}

function linkOf(subject: string, type: Notification['type'], { address }: TemplateOptions): string | undefined {
  if (address === undefined || !type.startsWith('approval.')) return undefined
  return `${address}/v1/approvals/${encodeURIComponent(subject)}`
}
