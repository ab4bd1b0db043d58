import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LedgerFailed } from '../../gateway/approvals/ledger.ts'
import { ControlTape } from '../../gateway/control-tape.ts'
import { limits } from '../../protocols/limits.ts'
import { splitStored } from '../../protocols/tape/chain.ts'
import { decodeEntry } from '../../protocols/tape/codec.ts'
import type { Entry, OpenBody } from '../../protocols/tape/entry.ts'
import { SimulatedDisk } from '../support/simulated-disk.ts'
import { judge, type Opened, openStore, reopened } from './tape/support/store.ts'

function note(code: string) {
  return { code, text: 'said', facts: { approval: 'a' } }
}

/** Control tapes on the disk, oldest first: what each continues, its codes and why it ended. */
function tapesOn({ disk }: Opened): { previous: boolean; codes: string[]; sealed: string }[] {
  const tapes = new Map<string, Entry[]>()
  for (const [key, value] of [...disk.stored].sort(([one], [other]) => (one < other ? -1 : 1))) {
    if (!key.startsWith('e/')) continue
    const id = key.split('/')[1] as string
    tapes.set(id, [...(tapes.get(id) ?? []), decodeEntry(splitStored(value).bytes)])
  }
  return [...tapes.values()].map((entries) => {
    const open = entries[0]?.body as OpenBody
    assert.deepEqual([open.kind, open.cluster, open.client], ['control', '', ''])
    return {
      previous: open.previous !== undefined,
      codes: entries.flatMap((entry) => (entry.kind === 'note' ? [entry.body.code] : [])),
      sealed: entries.flatMap((entry) => (entry.kind === 'seal' ? [entry.body.reason] : [])).join(),
    }
  })
}

async function on(opened: Opened, durable: Promise<void>): Promise<void> {
  await opened.time.advance(20)
  await durable
}

test('notes are on one tape, on disk when it says so, and it is sealed at the end', async (context) => {
  const opened = await openStore(context)
  const control = new ControlTape(opened.store, () => opened.time.now())
  control.append(note('one'))
  await on(opened, control.durable())
  control.append(note('two'))
  await on(opened, control.durable())
  assert.deepEqual(tapesOn(opened), [{ previous: false, codes: ['one', 'two'], sealed: '' }])
  control.seal('drained')
  await opened.time.advance(20)
  assert.deepEqual(tapesOn(opened), [{ previous: false, codes: ['one', 'two'], sealed: 'drained' }])
})

test('a tape that is an hour old is followed by one that continues it', async (context) => {
  const opened = await openStore(context)
  const control = new ControlTape(opened.store, () => opened.time.now())
  control.append(note('one'))
  await opened.time.advance(limits.tape.rotateMillis)
  control.append(note('two'))
  control.append(note('three'))
  await on(opened, control.durable())
  assert.deepEqual(tapesOn(opened), [
    { previous: false, codes: ['one', 'two'], sealed: 'rotated' },
    { previous: true, codes: ['three'], sealed: '' },
  ])
})

test('a note that a failing store may have lost is on the next tape, before all others', async (context) => {
  for (let write = 1; write <= 6; write++) {
    const promised: string[] = []
    const disk = new SimulatedDisk({ write, code: 'ENOSPC', landed: write % 2 === 0, opens: write % 3 })
    const opened = await openStore(context, disk)
    const control = new ControlTape(opened.store, () => opened.time.now())
    for (let number = 1; number <= 8; number++) {
      const code = `note-${number}`
      try {
        control.append(note(code))
      } catch (error) {
        assert.ok(error instanceof LedgerFailed)
        continue
      }
      control.durable().then(
        () => promised.push(code),
        (error) => assert.ok(error instanceof LedgerFailed),
      )
      await opened.time.advance(20)
    }
    await reopened(opened)
    control.append(note('last'))
    await on(opened, control.durable())
    const codes = tapesOn(opened).flatMap((tape) => tape.codes)
    for (const code of promised) assert.ok(codes.includes(code), `${code} was promised (write ${write})`)
    assert.equal(codes.at(-1), 'last')
    control.seal('drained')
    await opened.time.advance(2_000)
    const { log, tapes } = await judge(opened)
    assert.deepEqual(log.problems, [])
    for (const { problems } of tapes.values()) assert.deepEqual(problems, [])
  }
})
