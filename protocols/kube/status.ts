// metav1.Status, the form in which every Kubernetes client understands an error (apimachinery meta/v1/types.go): as an
// HTTP answer, and as the last message of a remote command, which is also read here.

import type { Limits } from '../limits.ts'

export interface StatusOptions {
  /** The HTTP status. */
  readonly code: number
  /** A metav1.StatusReason. */
  readonly reason: string
  readonly message: string
  /** Details.uid: what a person quotes to find the request again. */
  readonly uid?: string
  /** Details.causes: the type is serialised as `reason`; the field is where in the request it is. */
  readonly causes?: readonly (readonly [type: string, message: string, field?: string])[]
}

const UTF8 = new TextEncoder()
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true })

/** The JSON of a Status with status Failure, as UTF-8. */
export function statusBytes(options: StatusOptions): Uint8Array {
  const { code, reason, message, uid, causes } = options
  const details = {
    ...(uid === undefined ? {} : { uid }),
    ...(causes === undefined ? {} : { causes: causes.map(([reason, message, field]) => ({ reason, message, field })) }),
  }
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code }
  return UTF8.encode(`${JSON.stringify(status)}\n`)
}

/** What goes on the error stream of a remote command (v4 and later) that the gateway ends. */
export function failureStatus(message: string): Uint8Array {
  const status = { metadata: {}, status: 'Failure', message, reason: 'InternalError', code: 500 }
  return UTF8.encode(JSON.stringify(status))
}

/** What goes on the error stream (v4 and later) of a command that has ended with that exit code (cri-streaming status.go). */
export function exitStatus(exitCode: number): Uint8Array {
  if (exitCode === 0) return UTF8.encode('{"metadata":{},"status":"Success"}')
  const message = `command terminated with non-zero exit code: exit status ${exitCode}`
  const details = { causes: [{ reason: EXIT_CODE, message: String(exitCode) }] }
  return UTF8.encode(JSON.stringify({ metadata: {}, status: 'Failure', message, reason: NON_ZERO, details }))
}

/** How a remote command ended. */
export interface CommandResult {
  readonly success: boolean
  /** 0 to 255; undefined if it failed otherwise than by ending with a code. */
  readonly exitCode: number | undefined
  /** The server's words, "" on success. Text of the peer: not for logs. */
  readonly message: string
}

/** apimachinery pkg/util/remotecommand/constants.go */
const NON_ZERO = 'NonZeroExitCode'
const EXIT_CODE = 'ExitCode'
/** With this version the error stream became a Status; before it is plain text. */
export const STATUS_VERSION = 4
/** ParseUint(message, 10, 8) of client-go. */
const EXIT_CODES = /^(?:\d{1,2}|1\d\d|2[0-4]\d|25[0-5])$/

const SUCCESS: CommandResult = { success: true, exitCode: 0, message: '' }

/**
 * Reads all that came on the error stream as client-go does (tools/remotecommand/{v2,v4,errorstream}.go). `version` is
 * that of the channels, 1 to 5. Undefined: it is too long, not UTF-8, or not a Status of a command.
 */
export function readCommandStatus(
  bytes: Uint8Array,
  version: number,
  limits: Limits['kubernetes'],
): CommandResult | undefined {
  if (bytes.length === 0) return SUCCESS
  if (bytes.length > limits.status) return undefined
  let text: string
  try {
    text = STRICT_UTF8.decode(bytes)
  } catch {
    return undefined
  }
  return version < STATUS_VERSION ? { success: false, exitCode: undefined, message: text } : readStatus(text)
}

function readStatus(text: string): CommandResult | undefined {
  let status: unknown
  try {
    status = JSON.parse(text)
  } catch {
    return undefined
  }
  const message = stringAt(status, 'message')
  const outcome = stringAt(status, 'status')
  if (outcome === 'Success') return SUCCESS
  if (outcome !== 'Failure') return undefined
  if (stringAt(status, 'reason') !== NON_ZERO) return { success: false, exitCode: undefined, message }
  const causes = property(property(status, 'details'), 'causes')
  if (!Array.isArray(causes)) return undefined
  const cause = causes.find((one) => stringAt(one, 'reason') === EXIT_CODE)
  const code = stringAt(cause, 'message')
  return EXIT_CODES.test(code) ? { success: false, exitCode: Number(code), message } : undefined
}

function stringAt(value: unknown, name: string): string {
  const text = property(value, name)
  return typeof text === 'string' ? text : ''
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}
