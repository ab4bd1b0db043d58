// Budgets with unmodified kubectl in front of a real kube-apiserver: what passes, what is refused, and what kubectl says of it.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Gateway, startGateway } from './support/gateway.ts'
import { kubectls, type Lab, startLab } from './support/lab.ts'
import { run } from './support/run.ts'

let lab: Lab
let gateway: Gateway

before(async () => {
  lab = await startLab()
  gateway = await startGateway(lab)
})
after(async () => {
  await gateway?.stop()
  gateway?.remove()
  await lab?.stop()
})

for (const [at, kubectl] of kubectls().entries()) {
  test(`three deletes pass, the fourth is refused in one clear sentence: ${kubectl.split('/').at(-1)}`, async () => {
    // A user of its own for each kubectl: the budget is per principal.
    const env = { KUBECONFIG: await gateway.kubeconfig(`frank-${at}`, ['admins'], { act: 'frugal' }) }
    const names = ['a', 'b', 'c', 'd'].map((name) => `budget-${at}-${name}`)
    for (const name of names) {
      const made = await run(kubectl, ['create', 'serviceaccount', name], env)
      assert.equal(made.code, 0, made.err.toString())
    }
    for (const name of names.slice(0, 3)) {
      const gone = await run(kubectl, ['delete', 'serviceaccount', name], env)
      assert.equal(gone.code, 0, gone.err.toString())
    }
    const fourth = await run(kubectl, ['delete', 'serviceaccount', names[3] as string], env)
    assert.equal(fourth.code, 1)
    const sentence =
      /^Error from server \(Forbidden\): budget frugal-deletes allows 3 deletions in 1 h per principal, and 0 are left; there is room again at \S+\n$/
    assert.match(fourth.err.toString(), sentence)
    const still = await run(kubectl, ['get', 'serviceaccount', names[3] as string, '-o', 'name'], env)
    assert.equal(still.code, 0, still.err.toString())
    const dry = await run(kubectl, ['delete', 'serviceaccount', names[3] as string, '--dry-run=server'], env)
    assert.equal(dry.code, 0, dry.err.toString())
  })

  test(`lists are counted in the Tables that kubectl asks for: ${kubectl.split('/').at(-1)}`, async () => {
    const env = { KUBECONFIG: await gateway.kubeconfig(`reader-${at}`, ['admins'], { act: 'reader' }) }
    const list = ['get', 'pods', '-A', '--no-headers']
    const first = await run(kubectl, list, env)
    assert.equal(first.code, 0, first.err.toString())
    const lines = first.out.toString().trim().split('\n').length
    assert.ok(lines > 0 && lines < 20)
    let last = first
    for (let turn = 0; turn < Math.ceil(20 / lines); turn++) last = await run(kubectl, list, env)
    assert.equal(last.code, 1)
    assert.doesNotMatch(last.out.toString(), /\w/)
  })
}
