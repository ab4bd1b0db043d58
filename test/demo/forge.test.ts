import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { forge } from '../../demo/forge.ts'
import { entryKey } from '../../protocols/tape/keys.ts'

const TAPE = '01KAQ9V2Y8J4M6T3S5R7W9X0ZC'
const OTHER = '01KAQ9V2Y8J4M6T3S5R7W9X0ZD'

test('one entry of a copy is changed, while the store is open and stays as it was', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-forge-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data')
  mkdirSync(join(data, 'tapes'), { recursive: true })
  writeFileSync(join(data, 'admin.json'), '{}')
  const options = { keyEncoding: 'utf8', valueEncoding: 'view' } as const
  const store = new ClassicLevel<string, Uint8Array>(join(data, 'tapes'), options)
  t.after(() => store.close())
  const text = (value: string): Uint8Array => Buffer.from(value)
  await store.put(entryKey(TAPE, 0), text('opened'))
  await store.put(entryKey(TAPE, 1), text('….refund 900 EUR…'))
  await store.put(entryKey(OTHER, 1), text('refund 900 EUR'), { sync: true })

  const copy = join(folder, 'copy')
  const forgery = { tape: TAPE, find: '900', replace: '100' }
  assert.equal(await forge(data, copy, forgery), 1)

  const forged = new ClassicLevel<string, Uint8Array>(join(copy, 'tapes'), options)
  const read = async (level: typeof store, tape: string): Promise<string> =>
    Buffer.from((await level.get(entryKey(tape, 1))) ?? []).toString()
  assert.equal(await read(forged, TAPE), '….refund 100 EUR…')
  assert.equal(await read(forged, OTHER), 'refund 900 EUR')
  assert.equal(await read(store, TAPE), '….refund 900 EUR…')
  await forged.close()
  await assert.rejects(forge(data, copy, { ...forgery, find: 'no such text' }), /no entry/)
})
