import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { rootCertificates } from 'node:tls'
import { ClassicLevel } from 'classic-level'
import { CommandFailed } from '../../cli/exit-codes.ts'
import type { SourceOptions } from '../../cli/program.ts'
import { openTapes } from '../../cli/source.ts'
import { RemoteTapes } from '../../replay/remote.ts'
import { StoredTapes } from '../../replay/stored-tapes.ts'
import { collect, execRecording, TAPE_ID } from '../support/recording.ts'
import { stored } from '../support/stored-recordings.ts'

const NOTHING: SourceOptions = { data: undefined, admin: undefined, tokenFile: undefined, ca: undefined }

function directory(context: { after(work: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-source-'))
  context.after(() => rmSync(path, { recursive: true }))
  return path
}

/** A store on disk with one tape, left open as by a gateway that runs. */
async function running(data: string): Promise<ClassicLevel<string, Uint8Array>> {
  mkdirSync(data, { recursive: true })
  const level = new ClassicLevel<string, Uint8Array>(join(data, 'tapes'), { valueEncoding: 'view' })
  const batch = [...stored(execRecording()).values].map(([key, value]) => ({ type: 'put' as const, key, value }))
  await level.batch(batch, { sync: true })
  return level
}

/** What a gateway of that process id would have announced, with a certificate that can be read. */
function announce(data: string, pid: number): void {
  const ca = join(data, 'ca.crt')
  const tokenFile = join(data, 'admin.token')
  writeFileSync(tokenFile, 'x\n')
  writeFileSync(ca, rootCertificates[0] as string)
  writeFileSync(join(data, 'admin.json'), JSON.stringify({ address: 'https://127.0.0.1:1', ca, tokenFile, pid }))
}

test('a store at rest is read as it lies there, and may be opened again afterwards', async (context) => {
  const data = directory(context)
  await (await running(data)).close()
  for (let turn = 0; turn < 2; turn++) {
    const tapes = await openTapes({ ...NOTHING, data })
    assert.ok(tapes instanceof StoredTapes)
    assert.equal((await collect(tapes.entries(TAPE_ID))).length, 8)
    assert.deepEqual(
      (await collect(tapes.list({ limit: 1 }))).map(({ id }) => id),
      [TAPE_ID],
    )
    await tapes.close()
  }
})

test('a store that another process holds is said in words', async (context) => {
  const data = directory(context)
  const level = await running(data)
  await assert.rejects(openTapes({ ...NOTHING, data }), (error: Error) => {
    assert.ok(error instanceof CommandFailed)
    assert.match(error.message, /another process holds the tapes in .*; stop it, or read through it with --admin/)
    return true
  })
  await level.close()
})

test('a directory without tapes is said, and nothing is made in it', async (context) => {
  const data = join(directory(context), 'none')
  const refused = /there are no tapes in .*; name the data directory of the gateway with --data/
  await assert.rejects(openTapes({ ...NOTHING, data }), refused)
  await assert.rejects(openTapes({ ...NOTHING, data }), refused)
})

test('where a gateway runs it is read through, and what a dead one left behind does not count', async (context) => {
  const data = directory(context)
  await (await running(data)).close()
  announce(data, process.pid)
  const through = await openTapes({ ...NOTHING, data })
  assert.ok(through instanceof RemoteTapes)
  await through.close()
  const ended = spawnSync(process.execPath, ['-e', ''])
  announce(data, ended.pid)
  const atRest = await openTapes({ ...NOTHING, data })
  assert.ok(atRest instanceof StoredTapes)
  await atRest.close()
})

const misuses: readonly (readonly [options: Partial<SourceOptions>, message: RegExp, code: number])[] = [
  [{ admin: 'https://127.0.0.1:1', data: '.' }, /either --admin or --data/, 2],
  [{ admin: 'https://127.0.0.1:1' }, /needs --token-file/, 2],
  [{ admin: 'http://127.0.0.1:1', tokenFile: 'x' }, /must be an https:/, 2],
  [{ admin: 'nonsense', tokenFile: 'x' }, /must be an https:/, 2],
  [{ admin: 'https://127.0.0.1:1', tokenFile: '/nonexistent/token' }, /the token cannot be read from .*ENOENT/, 1],
  [{ admin: 'https://127.0.0.1:1', tokenFile: 'package.json', ca: 'package.json' }, /holds no certificate/, 1],
]

for (const [options, message, code] of misuses) {
  test(`refuses ${JSON.stringify(options)}`, async () => {
    await assert.rejects(openTapes({ ...NOTHING, ...options }), (error: Error) => {
      assert.match(error.message, message)
      assert.equal(error instanceof CommandFailed ? error.code : 1, code)
      return true
    })
  })
}
