// metav1.Status, the form in which every Kubernetes client understands an error (apimachinery meta/v1/types.go): as an
// HTTP answer, and as the last message of a remote command.

export interface StatusOptions {
  /** The HTTP status. */
  readonly code: number
  /** A metav1.StatusReason. */
  readonly reason: string
  readonly message: string
  /** Details.uid: what a person quotes to find the request again. */
  readonly uid?: string
  /** Details.causes: [type, message]; the type is serialised as `reason`. */
  readonly causes?: readonly (readonly [type: string, message: string])[]
}

const UTF8 = new TextEncoder()

/** The JSON of a Status with status Failure, as UTF-8. */
export function statusBytes(options: StatusOptions): Uint8Array {
  const { code, reason, message, uid, causes } = options
  const details = {
    ...(uid === undefined ? {} : { uid }),
    ...(causes === undefined ? {} : { causes: causes.map(([type, text]) => ({ reason: type, message: text })) }),
  }
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code }
  return UTF8.encode(`${JSON.stringify(status)}\n`)
}

/** What goes on the error stream of a remote command (v4 and later) that the gateway ends. */
export function failureStatus(message: string): Uint8Array {
  const status = { metadata: {}, status: 'Failure', message, reason: 'InternalError', code: 500 }
  return UTF8.encode(JSON.stringify(status))
}
