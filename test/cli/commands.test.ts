import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { main } from '../../cli/main.ts'
import { isPrintable } from '../../replay/printable.ts'
import { CapturedIo } from '../support/captured-io.ts'
import { RecordedTapes } from '../support/recorded-tapes.ts'
import { attributes, execRecording, OPENED_AT, Recording } from '../support/recording.ts'

const API = '01KAQ9V2Y8J4M6T3S5R7W9X0ZB'
const EXEC = '01KAQ9V2Y8J4M6T3S5R7W9X0ZC'

function tapes(): RecordedTapes {
  const denied = attributes('delete', 'pods', { namespace: 'prod', name: 'web' })
  const api = new Recording({ tape: API })
    .request(10, {})
    .answer(22, 1, 200, 'NAME\n')
    .add(30, 'request', { ...requestTo('/api/v1/namespaces/prod/pods/web', 'DELETE'), exchange: 2, attributes: denied })
    .add(30, 'decision', { exchange: 2, effect: 'deny', rule: 'no-deletes', reason: 'nobody deletes in prod' })
    .add(31, 'response', { exchange: 2, status: 403, fields: [], by: 'gateway' })
    .seal(40)
  return new RecordedTapes(api, execRecording({ tape: EXEC, openedAt: OPENED_AT + 60_000_000 }))
}

function requestTo(target: string, method: string) {
  const [, request] = new Recording().request(0, { target, method }).entries
  assert.ok(request?.kind === 'request')
  return request.body
}

async function run(line: string, io = new CapturedIo(), source = tapes()) {
  const code = await main(line.split(' '), io, async () => source)
  return { code, stdout: io.stdout, stderr: io.stderr, source }
}

function json(lines: string): Record<string, unknown>[] {
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('ls prints a table, newest first, and closes what it opened', async () => {
  const { code, stdout, source } = await run('tapes ls')
  assert.equal(code, 0)
  assert.equal(
    stdout,
    [
      'TAPE                        OPENED               LENGTH  KIND  CLUSTER  USER                  STATE   COMMAND',
      `${EXEC}  2026-11-23 12:01:00   5.0 s  exec  prod     oidc:alice (agent-7)  closed  exec -it shell -c main -- sh`,
      `${API}  2026-11-23 12:00:00   40 ms  api   prod     oidc:alice            closed  get pods -n prod`,
      '',
    ].join('\n'),
  )
  assert.equal(source.closed, true)
})

test('ls fits the table to the terminal', async () => {
  const { stdout } = await run('tapes ls', new CapturedIo({ columns: 116, rows: 40 }))
  assert.match(stdout, /exec -it shel…\n/)
  for (const line of stdout.split('\n')) assert.ok(line.length <= 116)
})

test('ls --json prints one object a tape', async () => {
  const { stdout } = await run('tapes ls --json --kind exec')
  assert.deepEqual(json(stdout), [
    {
      id: EXEC,
      kind: 'exec',
      cluster: 'prod',
      client: '127.0.0.1:51234',
      openedAt: '2026-11-23T12:01:00.000000Z',
      duration: 5_010_000,
      entries: 8,
      sealed: 'closed',
      user: 'oidc:alice',
      actor: 'agent-7',
      line: 'exec -it shell -c main -- sh',
    },
  ])
})

const filters: readonly (readonly [options: string, ids: readonly string[]])[] = [
  ['--verb delete', [API]],
  ['--actor agent-7', [EXEC]],
  ['-n prod', [API]],
  ['--text DELETE', [API]],
  ['--since 59m', [EXEC]],
  ['--until 2026-11-23T12:01:00Z', [API]],
  [`--cursor ${EXEC}`, [API]],
  ['--limit 1', [EXEC]],
  ['--user oidc:bob', []],
]

for (const [options, ids] of filters) {
  test(`ls ${options}`, async () => {
    const { code, stdout } = await run(`tapes ls --json ${options}`)
    assert.equal(code, 0)
    assert.deepEqual(stdout === '' ? [] : json(stdout).map(({ id }) => id), ids)
  })
}

test('show prints a timeline', async () => {
  const { code, stdout } = await run(`tapes show ${API.toLowerCase()}`)
  assert.equal(code, 0)
  assert.equal(
    stdout,
    [
      `${API}  api on prod from 127.0.0.1:51234, opened 2026-11-23T12:00:00.000000Z`,
      '12:00:00.010  200     12 ms  get pods -n prod  oidc:alice; 5 B received, allowed by readers',
      '12:00:00.030  403     10 ms  delete pod web -n prod  oidc:alice; denied by no-deletes',
      `${' '.repeat(19)}nobody deletes in prod`,
      '12:00:00.040       sealed: closed, 9 entries',
      '',
    ].join('\n'),
  )
})

test('show says what people did in a line, and --json has all the facts', async () => {
  const facts = { approval: '4be0643f1d98573b97dc', state: 'denied', user: 'oidc:bob', reason: 'not now', ticket: '' }
  const tapes = new RecordedTapes(
    new Recording({ tape: API, kind: 'control' })
      .add(1, 'note', { code: 'approvals.deny', text: 'oidc:bob says no', facts })
      .add(2, 'seal', { reason: 'closed', entries: 3 }),
  )
  const { stdout } = await run(`tapes show ${API}`, new CapturedIo(), tapes)
  assert.match(stdout, /note approvals\.deny: oidc:bob says no \(approval=4be0643f1d98573b97dc, reason=not now\)\n/)
  const [row] = json((await run(`tapes show ${API} --json`, new CapturedIo(), tapes)).stdout)
  assert.deepEqual(row?.facts, facts)
})

test('show --json prints one object a row, "last" is the newest tape', async () => {
  const rows = json((await run('tapes show last --json')).stdout)
  assert.deepEqual(
    rows.map(({ row }) => row),
    ['call', 'seal'],
  )
  assert.equal(rows[0]?.line, 'exec -it shell -c main -- sh')
  assert.equal(rows[0]?.exitCode, 3)
})

test('colours come only where they are wanted', async () => {
  assert.ok(
    (await run(`tapes show ${API}`, new CapturedIo({ columns: 80, rows: 24 }, true))).stdout.includes('\x1b[31m'),
  )
  assert.ok(!(await run(`tapes show ${API}`, new CapturedIo({ columns: 80, rows: 24 }))).stdout.includes('\x1b'))
})

test('nothing that a caller wrote reaches the terminal as it is', async () => {
  const evil = '\x1b]0;x\x07\u202e\r\n'
  const tape = new Recording({ tape: API, cluster: evil, client: evil, previous: evil })
    .add(0, 'request', {
      ...requestTo(`/${evil}`, evil),
      principal: { user: evil, groups: [evil], actor: evil },
      attributes: null,
      command: [evil],
    })
    .add(0, 'decision', { exchange: 1, effect: 'deny', rule: evil, reason: evil })
    .add(1, 'note', { code: evil, text: evil, facts: { [evil]: evil } })
    .add(2, 'seal', { reason: evil, entries: 5 })
  for (const line of [
    'tapes ls',
    'tapes ls --json',
    'tapes show last',
    'tapes show last --json',
    'tapes export last',
  ]) {
    const { code, stdout } = await run(line, new CapturedIo({ columns: 200, rows: 24 }), new RecordedTapes(tape))
    assert.equal(code, 0)
    for (const shown of stdout.split('\n')) assert.ok(isPrintable(shown), line)
  }
})

test('play writes the session to stdout and how it ended to stderr', async () => {
  const io = new CapturedIo({ columns: 80, rows: 24 })
  const { code, stdout, stderr } = await run('tapes play last --speed 2 --max-idle 1', io)
  assert.equal(code, 0)
  assert.equal(stdout, '$ ls\r\n\x1b[1;34mbin\x1b[0m\r\n\x1b[0m')
  assert.equal(stderr, '[recorded at 100x30, this terminal is 80x24]\n\n[5.0 s, exit code 3, ended: closed]\n')
  assert.deepEqual(io.clock.slept, [500, 500])
})

test('play --json prints the pieces and does not wait', async () => {
  const io = new CapturedIo()
  const pieces = json((await run('tapes play last --json', io)).stdout)
  assert.deepEqual(pieces[1], { micros: 1_022_000, text: 'ls\r\n' })
  assert.deepEqual(io.clock.slept, [])
})

test('play ends with 130 when it is interrupted', async () => {
  const io = new CapturedIo()
  io.interrupt.abort()
  assert.equal((await run('tapes play last', io)).code, 130)
})

test('what cannot be played or exported as a cast names the command that works', async () => {
  const played = await run(`tapes play ${API}`)
  assert.equal(played.code, 1)
  assert.match(played.stderr, /not a terminal session; see it with: sallyport tapes show 01K/)
  const exported = await run(`tapes export ${API} -f asciicast-v3`)
  assert.equal(exported.code, 1)
  assert.match(exported.stderr, /--format jsonl/)
})

test('export writes casts and every entry', async () => {
  const v3 = json((await run('tapes export last -f asciicast-v3')).stdout)
  assert.equal(v3[0]?.version, 3)
  const v2 = json((await run('tapes export last -f asciicast-v2')).stdout)
  assert.equal(v2[0]?.version, 2)
  const lines = json((await run(`tapes export ${API}`)).stdout)
  assert.deepEqual(
    lines.map(({ kind }) => kind),
    ['open', 'request', 'decision', 'response', 'responseBody', 'request', 'decision', 'response', 'seal'],
  )
  const body = lines[4]?.body as Record<string, unknown>
  assert.deepEqual(body.bytes, { base64: 'TkFNRQo=', text: 'NAME\n' })
  assert.match((body.end as Record<string, string>).sha256!, /^[0-9a-f]{64}$/)
})

test('export -o makes a file that only its owner reads, and does not write over one', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-export-'))
  context.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'session.cast')
  assert.equal((await run(`tapes export last -f asciicast-v2 -o ${file}`)).code, 0)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(json(readFileSync(file, 'utf8')).length, 5)
  const again = await run(`tapes export last -o ${file}`)
  assert.equal(again.code, 1)
  assert.match(again.stderr, /is there already; choose another file, or add --force/)
  const forced = await run(`tapes export last -o ${file} --force --json`)
  assert.deepEqual(json(forced.stdout), [{ tape: EXEC, format: 'jsonl', file, lines: 8 }])
})

test('a tape that is not there is a failure, not a stack trace', async () => {
  const { code, stderr } = await run('tapes show 01KAQ9V2Y8J4M6T3S5R7W9X0ZZ')
  assert.equal(code, 1)
  assert.equal(stderr, 'sallyport: there is no tape 01KAQ9V2Y8J4M6T3S5R7W9X0ZZ\n')
})

const misuses: readonly string[] = [
  ...['', 'nope', 'tapes', 'tapes nope', 'tapes show', 'tapes show ../../etc/passwd', 'tapes ls --kind shell'],
  ...['tapes ls --limit 0', 'tapes ls --since yesterday', 'tapes ls --nope', 'tapes play last --speed 0'],
  ...['tapes play last --speed fast', 'tapes export last -f gif', 'serve', 'demo --port 99999', 'tapes ls --cursor x'],
]

for (const line of misuses) {
  test(`wrong usage ends with 2 and a line on stderr: sallyport ${line}`, async () => {
    const io = new CapturedIo()
    const code = await main(line === '' ? [] : line.split(' '), io, async () => tapes())
    assert.equal(code, 2)
    assert.match(io.stderr, /^sallyport: [^\n]+ \(see --help\)\n$/)
    assert.equal(io.stdout, '')
  })
}

const COMMANDS = [
  ...['serve', 'demo', 'whoami', 'access', 'request', 'lock', 'unlock', 'locks', 'mask test'],
  ...['ls', 'show', 'approve', 'deny', 'revoke', 'watch'].map((name) => `approvals ${name}`),
  ...['ls', 'revoke'].map((name) => `grants ${name}`),
  ...['check', 'explain', 'test', 'replay', 'schema'].map((name) => `policy ${name}`),
  ...['ls', 'show', 'play', 'verify', 'export'].map((name) => `tapes ${name}`),
]

test('help has examples and the exit codes; the version is the package’s', async () => {
  const top = await run('--help')
  assert.equal(top.code, 0)
  assert.match(top.stdout, /serve.*demo.*tapes.*Exit codes: 0 done, 1 failed, 2 wrong usage, 3 verification/s)
  for (const command of ['ls', 'show', 'play', 'verify', 'export']) {
    const { code, stdout } = await run(`tapes ${command} --help`)
    assert.equal(code, 0)
    assert.match(stdout, /--json.*Examples:.*Exit codes: 0 done/s)
  }
  for (const command of COMMANDS) {
    const { code, stdout } = await run(`${command} --help`)
    assert.equal(code, 0, command)
    assert.match(stdout, /\nExamples:\n/, command)
    assert.equal(stdout.split('Exit codes: ').length, 2, command)
  }
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  assert.equal((await run('--version')).stdout, `${version}\n`)
})
