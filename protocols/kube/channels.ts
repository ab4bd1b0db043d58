// The channels of remote command and port-forward, one numbering for SPDY, WebSocket and the tape.

/** Remote-command channels (apimachinery pkg/util/remotecommand/constants.go); the number is the WebSocket channel byte. */
export const CHANNEL = { STDIN: 0, STDOUT: 1, STDERR: 2, ERROR: 3, RESIZE: 4 } as const

/** On the wire of v5 only: `ff n` closes channel n. Never on a tape. */
export const CLOSE_CHANNEL = 255

/**
 * Port-forward on a tape: connection n (counted from 0) has four channels from 16 + 4n: data to the pod, data from the
 * pod, the pod's errors, and errors to the pod (which stay empty).
 */
export const FORWARD_BASE = 16
export const FORWARD = { TO_POD: 0, FROM_POD: 1, ERROR_FROM_POD: 2, ERROR_TO_POD: 3 } as const

export function forwardChannel(connection: number, part: number): number {
  return FORWARD_BASE + 4 * connection + part
}

const NAMES = ['stdin', 'stdout', 'stderr', 'error', 'resize']
const FORWARD_NAMES = ['to the pod', 'from the pod', 'errors of the pod', 'errors to the pod']

/** A channel of a tape in words. */
export function channelName(channel: number): string {
  if (channel < FORWARD_BASE) return NAMES[channel] ?? String(channel)
  const part = (channel - FORWARD_BASE) % FORWARD_NAMES.length
  return `connection ${(channel - FORWARD_BASE - part) / FORWARD_NAMES.length}, ${FORWARD_NAMES[part]}`
}
