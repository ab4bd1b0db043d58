// The gateway's reading of request lines against the API server's own code: the same answer, or refused; and what the
// gateway would send is read there as what came.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { requestInfo } from '../../gateway/request-info.ts'
import { type RequestLine, requestLine } from '../support/request-targets.ts'
import { build } from './support/lab.ts'

const LINES = 100_000
const SEED = 20_261_123

interface Reading {
  readonly error?: string
  readonly isResource: boolean
  readonly kubeVerb: string
  readonly apiPrefix: string
  readonly apiGroup: string
  readonly apiVersion: string
  readonly namespace: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
  readonly parts: readonly string[] | null
  readonly path: string
  readonly longRunning: boolean
  readonly session?: Session
}

interface Session {
  readonly command: readonly string[] | null
  readonly container: string
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

test(`${LINES} request lines mean to the gateway what they mean to the API server, or are refused`, () => {
  const lines = fc.sample(requestLine, { numRuns: LINES, seed: SEED })
  const accepted: { asked: RequestLine; ours: Reading; target: string }[] = []
  const refusals = new Map<string, number>()
  for (const asked of lines) {
    const info = requestInfo(asked.method, asked.target, undefined)
    if ('status' in info) {
      refusals.set(info.rule, (refusals.get(info.rule) ?? 0) + 1)
      continue
    }
    const { command, container, stdin, stdout, stderr, tty, target } = info
    const ours: Reading = {
      isResource: info.isResource,
      kubeVerb: info.kubeVerb,
      apiPrefix: info.apiPrefix,
      apiGroup: info.apiGroup,
      apiVersion: info.apiVersion,
      namespace: info.namespace,
      resource: info.resource,
      subresource: info.subresource,
      name: info.name,
      parts: info.isResource ? [info.resource, ...info.parts] : null,
      path: info.path,
      longRunning: info.longRunning,
      ...(info.subresource === 'exec' || info.subresource === 'attach'
        ? { session: { command: command.length === 0 ? null : command, container, stdin, stdout, stderr, tty } }
        : {}),
    }
    accepted.push({ asked, ours, target })
  }
  const readings = oracle(accepted.flatMap(({ asked, target }) => [asked, { method: asked.method, target }]))
  for (const [at, { asked, ours, target }] of accepted.entries()) {
    const line = `${asked.method} ${asked.target}`
    assert.deepEqual(ours, readings[2 * at], line)
    assert.deepEqual(ours, readings[2 * at + 1], `${line} sent as ${target}`)
  }
  // The comparison is worth something only if much is accepted and every kind of trick came up.
  assert.ok(accepted.length > LINES / 3, `only ${accepted.length} of ${LINES} were accepted`)
  for (const rule of RULES) assert.ok((refusals.get(rule) ?? 0) > 0, `no line was refused by ${rule}`)
  console.log(`# ${accepted.length} the same, ${LINES - accepted.length} refused by ${refusals.size} rules`)
})

const RULES = [
  'method.options',
  'method.watch',
  'path.backslash',
  'path.character',
  'path.control',
  'path.dot_segment',
  'path.empty_segment',
  'path.encoded_percent',
  'path.encoded_slash',
  'path.form',
  'path.fragment',
  'path.incomplete',
  'path.nul',
  'path.percent',
  'path.semicolon',
  'path.utf8',
  'query.boolean',
  'query.field_selector',
  'query.label_selector',
  'query.nul',
  'query.number',
  'query.percent',
  'query.repeated',
  'query.semicolon',
  'query.utf8',
]

function oracle(lines: readonly RequestLine[]): Reading[] {
  const { stdout, status } = spawnSync(build('requestinfo'), {
    input: lines.map((line) => JSON.stringify({ method: line.method, target: line.target })).join('\n'),
    stdio: ['pipe', 'pipe', 'inherit'],
    maxBuffer: 1 << 30,
    encoding: 'utf8',
  })
  assert.equal(status, 0, 'the oracle ended badly')
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Reading)
}
