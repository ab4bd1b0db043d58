import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeDeaf, closeSoon } from '../../gateway/closing.ts'
import { Deadlines } from '../../gateway/deadlines.ts'
import { limits } from '../../protocols/limits.ts'
import { duplexPair } from '../support/duplex-pair.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

test('a peer that does not close is closed after a while, one that does at once', async () => {
  for (const [close, millis] of [
    [closeSoon, limits.gateway.closeMillis],
    [closeDeaf, limits.gateway.faultMillis],
  ] as const) {
    let now = 0
    const deadlines = new Deadlines(() => now)
    const [far, near] = duplexPair()
    far.on('error', () => undefined)
    near.resume()
    // Half open: it reads our end, and says nothing.
    far.allowHalfOpen = true
    far.resume()
    close(near, deadlines)
    await turn()
    now = millis - 1
    deadlines.look()
    assert.equal(near.destroyed, false)
    now += 1
    deadlines.look()
    assert.equal(near.destroyed, true)

    const [other, polite] = duplexPair()
    other.resume()
    polite.resume()
    closeSoon(polite, deadlines)
    await turn()
    await turn()
    assert.equal(polite.destroyed, true)
    deadlines.close()
  }
})

test('behind a fault nothing more is read', async () => {
  const deadlines = new Deadlines(() => 0)
  const [far, near] = duplexPair()
  far.on('error', () => undefined)
  let read = 0
  near.on('data', () => {
    read += 1
  })
  closeDeaf(near, deadlines)
  far.write('flood')
  await turn()
  assert.equal(read, 0)
  near.destroy()
  deadlines.close()
})
