// Which streams an exec or attach may open for its query and version, and which way each of them runs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHANNEL } from '../../../protocols/kube/channels.ts'
import { SpdyRemoteCommand } from '../../../protocols/kube/spdy-remote-command.ts'
import { data, FIN, ruleOf, synStream } from './spdy-events.ts'

const { STDIN, STDOUT, STDERR, ERROR, RESIZE } = CHANNEL
const ALL = { stdin: true, stdout: true, stderr: true, tty: false, version: 4 }
const NONE = { stdin: false, stdout: false, stderr: false, tty: false, version: 4 }

const LABELS = ['error', 'stdin', 'stdout', 'stderr', 'resize']
const EXPECTED: readonly [what: string, options: typeof ALL, labels: readonly string[]][] = [
  ['nothing asked for', NONE, ['error']],
  ['all three', ALL, ['error', 'stdin', 'stdout', 'stderr']],
  ['a terminal drops stderr', { ...ALL, tty: true }, ['error', 'stdin', 'stdout', 'resize']],
  ['version 3 resizes', { ...ALL, tty: true, version: 3 }, ['error', 'stdin', 'stdout', 'resize']],
  ['version 2 does not', { ...ALL, tty: true, version: 2 }, ['error', 'stdin', 'stdout']],
  ['version 1 does not', { ...ALL, tty: true, version: 1 }, ['error', 'stdin', 'stdout']],
  ['output only', { ...NONE, stdout: true }, ['error', 'stdout']],
]

for (const [what, options, expected] of EXPECTED) {
  test(`streams that may be opened: ${what}`, () => {
    const command = new SpdyRemoteCommand(options)
    const opened = LABELS.filter((label, n) => {
      const result = command.open(synStream(2 * n + 1, ['streamtype', label]), true)
      return !(result instanceof Error)
    })
    assert.deepEqual(opened, expected)
  })
}

/** Streams 1 error, 3 stdin, 5 stdout, 7 stderr; or with a terminal 7 resize. */
function session(tty = false): SpdyRemoteCommand {
  const command = new SpdyRemoteCommand({ ...ALL, tty })
  const labels = ['error', 'stdin', 'stdout', tty ? 'resize' : 'stderr']
  for (const [n, label] of labels.entries()) command.open(synStream(2 * n + 1, ['streamtype', label]), true)
  return command
}

test('streams may be opened in any order, and tell their channel', () => {
  const command = new SpdyRemoteCommand(ALL)
  assert.equal(command.open(synStream(1, ['streamtype', 'stderr']), true), STDERR)
  assert.equal(command.open(synStream(3, ['streamtype', 'error']), true), ERROR)
  assert.equal(command.streamOf(ERROR), 3)
  assert.equal(command.streamOf(STDOUT), undefined)
})

const REFUSED: readonly [what: string, rule: string, event: ReturnType<typeof synStream>, fromClient?: boolean][] = [
  ['a second stream of a label', 'kube.exec.label', synStream(9, ['streamtype', 'stdin'])],
  ['an unknown label', 'kube.exec.label', synStream(9, ['streamtype', 'stdlog'])],
  ['a label in upper case', 'kube.exec.label', synStream(9, ['streamtype', 'STDERR'])],
  ['the name of an inherited property', 'kube.exec.label', synStream(9, ['streamtype', '__proto__'])],
  ['no label', 'kube.exec.label_count', synStream(9, ['port', '80'])],
  ['two labels (Go takes the first)', 'kube.exec.label_count', synStream(9, ['streamtype', 'a', 'streamtype', 'b'])],
  ['a stream of the cluster', 'kube.exec.stream_of_cluster', synStream(2, ['streamtype', 'stdin']), false],
  ['a unidirectional stream', 'kube.exec.stream_kind', synStream(9, ['streamtype', 'x'], { unidirectional: true })],
  ['a stream of another stream', 'kube.exec.stream_kind', synStream(9, ['streamtype', 'x'], { associatedId: 1 })],
]

for (const [what, rule, event, fromClient = true] of REFUSED) {
  test(`refused: ${what}`, () => assert.equal(ruleOf(session().open(event, fromClient)), rule))
}

test('stdin and resize run to the cluster, the others from it', () => {
  for (const [tty, streamId, channel, toCluster] of [
    [false, 1, ERROR, false],
    [false, 3, STDIN, true],
    [false, 5, STDOUT, false],
    [false, 7, STDERR, false],
    [true, 7, RESIZE, true],
  ] as const) {
    assert.equal(session(tty).data(data(streamId, 'x'), toCluster), channel)
    assert.equal(ruleOf(session(tty).data(data(streamId, 'x'), !toCluster)), 'kube.exec.direction')
  }
})

test('either side may end any stream with an empty frame', () => {
  for (const streamId of [1, 3, 5, 7]) {
    for (const fromClient of [true, false]) {
      assert.equal(typeof session().data(data(streamId, '', FIN), fromClient), 'number')
    }
  }
})

test('a frame the wrong way is refused at its header, before its first byte', () => {
  const begun = data(5, '', { end: false })
  assert.equal(ruleOf(session().data(begun, true)), 'kube.exec.direction')
})

test('pieces belong to the frame that they continue, each side for itself', () => {
  const command = session()
  assert.equal(command.data(data(3, 'a', { end: false }), true), STDIN)
  assert.equal(command.data(data(5, 'b', { end: false }), false), STDOUT)
  assert.equal(command.data(data(3, 'a', { start: false, end: false }), true), STDIN)
  assert.equal(command.data(data(5, 'b', { start: false }), false), STDOUT)
  assert.equal(command.data(data(7, 'c', { end: false }), false), STDERR)
  assert.equal(command.data(data(3, 'a', { start: false }), true), STDIN)
})

test('data on a stream that was not labelled is refused', () => {
  assert.equal(ruleOf(session().data(data(9, 'x'), true)), 'kube.exec.unknown_stream')
})
