// A policy that changes while the gateway runs: what is noted of it, and what is in force.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfig } from '../../gateway/config.ts'
import { WatchedFiles } from '../../gateway/watched-files.ts'
import { ConsentingGateway, POD, POLICY } from '../support/consenting-gateway.ts'

test('a reload notes what it changes before it decides anything; one that does not load leaves the old one, and is noted', async () => {
  const gateway = await ConsentingGateway.open()
  const { fixture } = gateway
  const write = (policy: string): void => writeFileSync(`${fixture.folder}/people.yaml`, policy)
  const put = { method: 'PUT', path: '/api/v1/namespaces/prod/configmaps/c', body: '{}', token: await fixture.token() }
  assert.equal((await gateway.call(put)).status, 200)

  const closed = { name: 'closed', subjects: [{ user: '*' }], verbs: ['update'], effect: 'deny' }
  const rules = [...POLICY.rules.filter(({ name }) => name !== 'deletes'), closed]
  write(JSON.stringify({ ...POLICY, rules }))
  fixture.gateway.reload(readConfig(fixture.config))
  assert.equal((await gateway.call(put)).status, 403)

  write('rules: [{name: x, effect: perhaps}]')
  assert.throws(() => fixture.gateway.reload(readConfig(fixture.config)))
  try {
    fixture.gateway.reload(readConfig(fixture.config))
  } catch (error) {
    fixture.gateway.refused(error)
  }
  assert.equal((await gateway.call(put)).status, 403, 'the old one is in force')
  assert.equal((await gateway.call({ path: POD })).status, 200)

  const notes = (await gateway.close()).flat().flatMap((entry) => (entry.kind === 'note' ? [entry.body] : []))
  const said = notes.filter(({ code }) => !code.startsWith('approvals.')).map(({ code, text }) => `${code}: ${text}`)
  assert.deepEqual(said, [
    'policy.loaded: 5 rules are in force',
    'policy.reloaded: 1 added, 1 removed, 0 changed',
    'policy.changed: rule closed added',
    'policy.changed: rule deletes removed',
    'config.refused: not taken over: what was in force stays in force',
  ])
  const [loaded, reloaded] = notes
  assert.match(String(loaded?.facts?.sum), /^[0-9a-f]{64}$/)
  assert.notEqual(reloaded?.facts?.sum, loaded?.facts?.sum)
  assert.match(String(notes.at(-1)?.facts?.problems), /people\.yaml:1:/)
})

/** Resolves with the next call, or rejects after a while. */
class Calls {
  #count = 0
  #told: (() => void) | undefined

  readonly changed = (): void => {
    this.#count++
    this.#told?.()
  }

  async next(what: string): Promise<void> {
    const seen = this.#count
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${what} was not seen`)), 10_000)
      this.#told = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#count > seen) this.#told()
    })
  }
}

test('files that are replaced, directories that change and mounted ConfigMaps are seen', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-watch-'))
  mkdirSync(join(folder, 'policies'))
  mkdirSync(join(folder, 'mount', '..one'), { recursive: true })
  const [config, policies] = [join(folder, 'gateway.yaml'), join(folder, 'policies')]
  writeFileSync(config, '1')
  writeFileSync(join(folder, 'mount', '..one', 'policy.yaml'), '1')
  symlinkSync('..one', join(folder, 'mount', '..data'))
  symlinkSync('..data/policy.yaml', join(folder, 'mount', 'policy.yaml'))
  const calls = new Calls()
  const watched = new WatchedFiles(calls.changed, (error) => assert.fail(error))
  watched.watch([config, policies, join(folder, 'mount', 'policy.yaml')])
  try {
    const replaced = calls.next('a file that is replaced')
    writeFileSync(join(folder, 'new'), '2')
    renameSync(join(folder, 'new'), config)
    await replaced
    const added = calls.next('a file in a directory')
    writeFileSync(join(policies, 'more.yaml'), '1')
    await added
    const turned = calls.next('a ConfigMap')
    mkdirSync(join(folder, 'mount', '..two'))
    symlinkSync('..two', join(folder, 'mount', '..data_tmp'))
    renameSync(join(folder, 'mount', '..data_tmp'), join(folder, 'mount', '..data'))
    await turned
  } finally {
    watched.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
