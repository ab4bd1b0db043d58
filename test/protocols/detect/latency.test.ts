// What a person waits for: lines, answers and prompts come out with the call that brought them, though many values are
// learned and most characters begin one of them.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { Detection } from '../../../protocols/detect/detection.ts'
import { DETECTORS } from '../../../protocols/detect/detectors.ts'
import { LearnedValues } from '../../../protocols/detect/learned-values.ts'
import { ordinaryText } from '../../support/ordinary-text.ts'

const BOUNDS = { values: 10_000, bytes: 33_554_432, piece: 1_536, depth: 4, shortest: 6 }
const VALUES = 500

const learned = new LearnedValues(Buffer.alloc(32, 4), BOUNDS)
for (let at = 0; at < VALUES; at++) {
  const digest = createHash('sha256').update(`value ${at}`).digest()
  learned.learn(Buffer.from(digest.toString(at % 3 === 0 ? 'hex' : 'base64').slice(0, 12 + (at % 32))))
}
const maskers = new Detection({ detectors: new Set(DETECTORS.keys()), patterns: [], learned })

const SHORT = [
  'id\n', 'uid=0(root) gid=0(root) groups=0(root)\n', 'root\n', 'd\n', 'ok\n', '0\n', '1\n', '12\n', 'yes\n', 'true\n', 'PONG\n', 'Linux\n', 'README.md\n', 'web-5d9f7c8b6-x2x9z\n', 'bin\n', 'etc\n', 'usr\n', '/\n', '/root\n',
  'total 0\n', 'bash: foo: command not found\n', 'exit\n', '\n', '\r\n', '^C\n', '}\n', ']\n', '{}\n', 'EOF\n', 'Mem: 123 456\n', 'abc\n', 'postgres\n', 'a\n', 'Z\n', '+\n', '=\n', 'x86_64\n', 'v1.31.2\n',
] // biome-ignore format: a list to look over, not to read
const PROMPTS = [
  '$ ', '# ', '> ', '/ # ', '~ $ ', 'bash-5.1# ', 'root@web-5d9f7c8b6-x2x9z:/# ', 'sh-5.2$ ', 'mysql> ', 'postgres=# ', '127.0.0.1:6379> ', '>>> ', 'In [1]: ', 'Password: ', '\u001b[?2004h', '\u001b[?2004l\r',
  '\u001b]0;root@web: /\u0007root@web:/# ', '\u001b[01;32mroot@web\u001b[00m:\u001b[01;34m/app\u001b[00m# ', '\u001b[32m$\u001b[0m ', '\u001b[1m> \u001b[0m', '\u001b[K', '\u001b[H\u001b[2J', '\u001b[6n', '\u001b]0;t\u001b\\$ ',
] // biome-ignore format: a list to look over, not to read

/** Those of the texts, each brought by a call of its own, that were not given out by it. */
function late(texts: readonly string[], terminal: boolean): string[] {
  const masker = maskers.masker({ terminal })
  return texts.filter((text) => {
    masker.receive(Buffer.from(text))
    const isLate = masker.held > 0
    if (isLate) masker.flush()
    return isLate
  })
}

/** Lines of certificates are held by rights: wrapped base64 goes on behind its line ends. */
const WRAPPED = /^\s*[A-Za-z0-9+/=]{40,}\n$/

test('99 of 100 ordinary lines come out at once, in logs and in terminals', () => {
  const lines = [...ordinaryText(1_000_000).values()]
    .flatMap((text) => text.split(/(?<=\n)/))
    .filter((line) => !WRAPPED.test(line))
  assert.ok(lines.length > 10_000)
  const logs = late(lines, false)
  assert.ok(logs.length * 100 <= lines.length, `${logs.length} of ${lines.length}: ${logs.slice(0, 20).join('')}`)
  const terminal = late(
    lines.map((line) => line.replace('\n', '\r\n')),
    true,
  )
  assert.ok(terminal.length * 100 <= lines.length, `${terminal.length} of ${lines.length}: ${terminal.slice(0, 20)}`)
})

test('short answers and prompts come out at once', () => {
  const ticks = Array.from({ length: 1_000 }, (_, at) => `tick ${at}\n`)
  assert.deepEqual(late([...SHORT, ...ticks], false), [])
  assert.deepEqual(
    late(
      [...SHORT, ...ticks].map((text) => text.replace(/\r?\n/, '\r\n')),
      true,
    ),
    [],
  )
  assert.deepEqual(late(PROMPTS, true), [])
  assert.deepEqual(
    late(
      SHORT.flatMap((text) => [`\u001b[32m${text}`, '\u001b[0m\r\n', '$ ']),
      true,
    ),
    [],
  )
})
