import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { ageFile, ageRecipient, RecipientError } from '../../../gateway/mask/age-file.ts'

async function opened(identity: string, file: Uint8Array): Promise<Buffer> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  return Buffer.from(await decrypter.decrypt(file))
}

test('typage reads what is written, at every length around a chunk, for each recipient and nobody else', async () => {
  const identities = [await generateX25519Identity(), await generateX25519Identity()]
  const recipients = await Promise.all(identities.map(async (one) => ageRecipient(await identityToRecipient(one))))
  for (const length of [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000]) {
    const bytes = Buffer.alloc(length, 'correct horse ')
    const file = ageFile(recipients, bytes)
    assert.equal(file.includes('correct horse'), false)
    for (const identity of identities) assert.ok((await opened(identity, file)).equals(bytes), String(length))
    await assert.rejects(opened(await generateX25519Identity(), file))
  }
})

test('no two files are alike', async () => {
  const recipient = ageRecipient(await identityToRecipient(await generateX25519Identity()))
  assert.notDeepEqual(ageFile([recipient], Buffer.from('x')), ageFile([recipient], Buffer.from('x')))
})

test('what is no recipient is refused', async () => {
  const identity = await generateX25519Identity()
  const recipient = await identityToRecipient(identity)
  for (const wrong of [
    ...['', 'age1', 'age1qqqq', recipient.slice(0, -1), `${recipient}q`, recipient.toUpperCase(), ` ${recipient}`],
    ...[recipient.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q')), recipient.replace('age1', 'bge1'), identity],
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ',
  ]) {
    assert.throws(() => ageRecipient(wrong), RecipientError, wrong)
  }
  assert.throws(() => ageRecipient(identity), /private key/)
  // The point of order 1: what is encrypted to it anybody can read.
  const zeros = 'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z'
  assert.throws(() => ageRecipient(zeros), /nothing can be encrypted to this key/)
})
