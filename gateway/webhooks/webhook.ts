// A webhook of the configuration, and one try to send it a notification: rendered for its target, signed at this moment, and
// taken only if the target says so.

import { limits } from '../../protocols/limits.ts'
import type { Caller } from '../https-call.ts'
import { CallFailed } from '../https-call.ts'
import type { Notification, NotificationType } from './notification.ts'
import { sign } from './signature.ts'
import { bodyOf, type TemplateOptions } from './templates.ts'

export interface Webhook extends TemplateOptions {
  readonly name: string
  readonly url: string
  /** Signs what is sent; undefined: nothing is signed, for chats and trackers that have secrets of their own. */
  readonly secret: Uint8Array | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly ca: string | undefined
  readonly types: ReadonlySet<NotificationType>
}

/** Resolves with undefined once it has been taken, or with why it was not. `id`: the same at every try. */
export async function send(
  webhook: Webhook,
  {
    id,
    notification,
    now,
    call,
    signal,
  }: {
    readonly id: string
    readonly notification: Notification
    /** Milliseconds since 1970. */
    readonly now: number
    readonly call: Caller
    readonly signal: AbortSignal
  },
): Promise<string | undefined> {
  const body = bodyOf(notification, webhook)
  if (body.length > limits.approvals.message) return 'the message is too long to be sent'
  const timestamp = String(Math.floor(now / 1000))
  const signature =
    webhook.secret === undefined ? {} : { 'webhook-signature': sign(webhook.secret, { id, timestamp, body }) }
  const headers = {
    ...webhook.headers,
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    ...signature,
  }
  const { url, ca } = webhook
  const { sendMillis: millis, answerBytes: bytes } = limits.approvals
  try {
    const { status } = await call({ method: 'POST', url, headers, body, ca, millis, bytes, signal })
    return status >= 200 && status < 300 ? undefined : `the server answered ${status}`
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error
    return error.message
  }
}
