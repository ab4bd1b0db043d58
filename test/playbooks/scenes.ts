// What most playbooks share: requests as text, what the cluster must get for one, what a refusal leaves on the tape.

import type { Bytes, GatewayPlay, MachineName, MachinePlay, Sight, TapeSight } from './playbook.ts'

/** Lines with their CRLF, the empty line, the body. */
export function message(lines: readonly string[], body = ''): string {
  return `${lines.map((line) => `${line}\r\n`).join('')}\r\n${body}`
}

/** A request of alice's, or of whoever `as` names, with these further lines. */
export function request(start: string, lines: readonly string[] = [], body = '', as = 'alice'): string {
  return message([start, 'Host: gateway', `Authorization: Bearer {{${as}}}`, ...lines], body)
}

/** The same request as the cluster must get it, to the byte: the caller's lines that may pass, then the gateway's own. */
export function forwarded(start: string, lines: readonly string[] = [], body = '', as = 'alice'): string {
  return message(
    [
      start,
      'Host: {{cluster}}',
      ...lines,
      'Authorization: Bearer the-gateways-own-token',
      `Impersonate-User: oidc:${as}`,
      `Impersonate-Group: oidc:${as === 'reader' ? 'readers' : 'admins'}`,
      'Impersonate-Extra-sallyport-tape: {{tape}}',
      'Impersonate-Extra-sallyport-issuer: {{issuer}}',
      'Audit-ID: {{audit}}',
      ...(body === '' ? [] : [`Content-Length: ${body.length}`]),
    ],
    body,
  )
}

/** An answer of the cluster's. */
export function answer(status: string, lines: readonly string[] = [], body = ''): string {
  return message([`HTTP/1.1 ${status}`, ...lines, `Content-Length: ${body.length}`], body)
}

export const LIST = 'GET /api/v1/namespaces/prod/pods HTTP/1.1'
export const CREATE = 'POST /api/v1/namespaces/prod/configmaps HTTP/1.1'

/** The client broke HTTP: a note and the end. */
export function malformed(rule: string): TapeSight {
  return { kinds: ['open', 'note', 'seal'], notes: [rule], seal: 'fault' }
}

/** Requests that were answered by the gateway, or by the cluster: one decision each. */
export function answered(...decisions: readonly string[]): TapeSight {
  const each = decisions.flatMap(() => ['request', 'decision', 'response', 'responseBody'] as const)
  return { kinds: ['open', ...each, 'seal'], decisions, seal: 'closed' }
}

/** Bytes that are refused by the HTTP/1.1 machine and, with a Status and a close, by the gateway. */
export function refusedByBoth(
  name: string,
  bytes: string,
  rule: string,
  { code = 400, told = [] }: { readonly code?: number; readonly told?: readonly string[] } = {},
): readonly [MachinePlay, GatewayPlay] {
  return [
    machine(`${name}: machine`, 'http1 facing a client', bytes, rule, code, told),
    refusedByGateway(`${name}: gateway`, bytes, [{ answer: code, rule }, { closed: true }], malformed(rule)),
  ]
}

export function machine(
  name: string,
  which: MachineName,
  bytes: Bytes,
  rule: string,
  code: number,
  told: readonly string[] = [],
): MachinePlay {
  return { against: 'machine', name, machine: which, bytes, expect: { rule, code, told } }
}

/** Bytes that come to nothing: the cluster hears none of it. */
export function refusedByGateway(
  name: string,
  bytes: Bytes,
  client: readonly Sight[],
  tape: TapeSight,
  tokens: GatewayPlay['tokens'] = {},
): GatewayPlay {
  return { against: 'gateway', name, tokens, client: [bytes], expect: { client, cluster: 'nothing', tape: [tape] } }
}
