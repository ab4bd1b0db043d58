import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Asked } from '../../../gateway/policy/asked.ts'
import { Condition, ConditionError } from '../../../gateway/policy/condition.ts'
import { RequestObject } from '../../../gateway/policy/request-object.ts'
import { Steps } from '../../../gateway/policy/steps.ts'
import { asked, caller, question } from './support.ts'

const info = asked('PATCH /api/v1/namespaces/n/pods/p?dryRun=All&x=1&x=2')

function run(source: string, body: unknown): boolean | undefined {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const object = new RequestObject(new TextEncoder().encode(text), 'application/merge-patch+json')
  assert.ok('value' in object.decoded)
  const circumstances = {
    principal: caller({ actor: 'bot' }),
    claims: { run: 'r', intent: 'why' },
    userAgent: 'kubectl/1',
  }
  const request = new Asked(question(info, { ...circumstances, object }))
  return new Condition(source).holds(request.variables, request.steps)
}

test('conditions see the request, the caller and the body', () => {
  const holding = [
    'request.verb == "patch" && request.resource == "pods" && request.apiGroup == "" && request.namespace == "n"',
    'request.name == "p" && request.subresource == "" && request.cluster == "prod" && request.container == ""',
    'request.query["x"] == ["1", "2"] && !("y" in request.query) && size(request.command) == 0',
    'request.dryRun && request.patchType == "merge" && request.userAgent.startsWith("kubectl")',
    'request.path == "/api/v1/namespaces/n/pods/p"',
    'principal.user == "oidc:ann" && "oidc:dev" in principal.groups && principal.actor == "bot"',
    'principal.run == "r" && principal.intent == "why"',
    'object.spec.replicas == 3 && object.spec.replicas + 1 == 4 && object.spec.ratio < 1.0',
    'object.spec.list.exists(x, x > 2) && object.spec.list.all(x, x > 0) && size(object.spec.list) == 3',
    'has(object.spec.list) && !has(object.spec.nothing) && object.?spec.?nothing.orValue("none") == "none"',
    'object.metadata.labels == {"a": "b"} && "a" in object.metadata.labels && object.metadata.labels.all(k, k == "a")',
    'object.spec.list.map(x, x * 2).filter(x, x > 2) == [4, 6]',
    'cel.bind(s, object.spec, s.replicas == 3 && type(s.replicas) == int)',
  ]
  const body = { metadata: { labels: { a: 'b' } }, spec: { replicas: 3, ratio: 0.5, list: [1, 2, 3] } }
  for (const source of holding) assert.equal(run(source, body), true, source)
})

test('no key of a client’s passes for a property of ours', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'get', 'size', 'hasOwnProperty', 'prototype', 'length']) {
    assert.equal(run(`has(object.${name === '__proto__' ? 'x' : name})`, {}), false, name)
    assert.equal(run(`object["${name}"] == 1`, {}), undefined, name)
    assert.equal(run(`object["${name}"] == 1`, `{"${name}": 1}`), true, name)
    // A key beside it hides nothing.
    assert.equal(
      run('object.?spec.?host.orValue(false)', `{"${name}": 1, "spec": {"${name}": {}, "host": true}}`),
      true,
    )
  }
})

test('any body and any of a few conditions come to true, false or neither', () => {
  const conditions = [
    'object.a == object.b',
    'object.a.exists(x, x == object.b)',
    'object.a.b.c > 1',
    'object.?a.?b.orValue(1) == 1',
    'object.a.matches("x+")',
    'privileged(object) || hostPath(object)',
    'object.all(k, size(object[k]) > 1)',
    '"a" in object',
  ].map((source) => new Condition(source))
  const key = fc.constantFrom('a', 'b', 'c', 'constructor', '__proto__', 'op', 'path')
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 1, -1.5, 'x', ''),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 3 }),
    ),
  }))
  fc.assert(
    fc.property(value, fc.constantFrom(...conditions), (body, condition) => {
      const object = new RequestObject(new TextEncoder().encode(JSON.stringify(body)), 'application/json')
      const request = new Asked(question(info, { object }))
      assert.ok([true, false, undefined].includes(condition.holds(request.variables, request.steps)))
    }),
    { numRuns: 2_000 },
  )
})

test('patterns take linear time, and are written out', () => {
  const evil = { a: `${'a'.repeat(100_000)}!` }
  const started = process.cpuUsage()
  assert.equal(run('object.a.matches("^(a+)+$")', evil), false)
  assert.ok(process.cpuUsage(started).user < 2_000_000)
  assert.equal(run('object.a.matches("^(a+)+!$")', evil), true)
  const refused = [
    'object.a.matches(object.b)',
    'object.a.matches("a" + "b")',
    'object.a.matches("(?=a)")',
    'object.a.linearMatches("a")',
    'duration(object.a) == duration("1s")',
    'b"{}".json() == {}',
  ]
  for (const source of refused) assert.throws(() => new Condition(source), ConditionError, source)
})

/** Steps that are counted and never end. */
class Counted extends Steps {
  taken = 0

  override take(count: number): void {
    this.taken += count
  }
}

/** Lists and texts that loops could make much of. */
const LARGE = { a: Array.from({ length: 50_000 }, (_, at) => at), s: 'z'.repeat(1_000_000) }

test('a body cannot make a condition slow', () => {
  const slow = [
    'object.a.all(x, object.a.all(y, x != -1 || y != -1))',
    'object.a.exists(x, object.a.exists(y, x == -1))',
    'object.a.exists(x, object.a.exists(y, object.a.exists(z, x + y + z == -1)))',
    'object.a.exists(x, x in object.a && false)',
    'object.a.exists(x, object.s.contains("q"))',
    'object.a.exists_one(x, object.s.contains("q"))',
    'object.a.filter(x, object.s.endsWith("q")).size() == 1',
    'object.a.map(x, object.a.map(y, x + y)).size() > 0',
    'object.s.matches("(a+)+$")',
    'object.a.exists(x, object.s.matches("(a+)+$"))',
    'cel.bind(b, object.a, b.all(x, b.all(y, x == y || y == x)))',
  ]
  for (const source of slow) {
    const started = process.cpuUsage()
    assert.equal(run(source, LARGE), undefined, source)
    assert.ok(process.cpuUsage(started).user < 1_000_000, source)
  }
  assert.equal(run('object.a.all(x, x >= 0)', { a: LARGE.a.slice(0, 10_000) }), true)
  assert.equal(run('object.s.matches("^z+$")', { s: LARGE.s.slice(0, 100_000) }), true)
})

test('the conditions of one decision share what they may cost', () => {
  const request = new Asked(
    question(info, {
      object: new RequestObject(new TextEncoder().encode(JSON.stringify({ a: LARGE.a.slice(0, 20_000) })), ''),
    }),
  )
  const condition = new Condition('object.a.all(x, x >= 0)')
  const verdicts = Array.from({ length: 20 }, () => condition.holds(request.variables, request.steps))
  assert.equal(verdicts[0], true)
  assert.equal(verdicts[19], undefined)
})

test('a condition costs the same each time that it is run', () => {
  const sources = [
    'object.a.all(x, x >= 0)',
    'object.a.all(x, object.s.contains("q") || x < 10)',
    'object.a.map(x, x).size() > 0',
  ]
  const object = new RequestObject(new TextEncoder().encode(JSON.stringify({ a: [1, 2, 3], s: 'z'.repeat(6_400) })), '')
  for (const source of sources) {
    const condition = new Condition(source)
    const costs = [1, 2, 3].map(() => {
      const { variables } = new Asked(question(info, { object }))
      const steps = new Counted()
      assert.equal(condition.holds(variables, steps), true)
      return steps.taken
    })
    assert.ok((costs[0] as number) > 0, source)
    assert.deepEqual(costs, [costs[0], costs[0], costs[0]], source)
  }
})

test('what a condition reads is known before it runs', () => {
  const reads = (source: string): boolean[] => {
    const { readsObject, readsClaims } = new Condition(source)
    return [readsObject, readsClaims]
  }
  assert.deepEqual(reads('request.name == "x" && principal.user == "y"'), [false, false])
  assert.deepEqual(reads('has(object.spec)'), [true, false])
  assert.deepEqual(reads('request.name == "x" ? privileged(object) : false'), [true, false])
  assert.deepEqual(reads('[1].exists(x, x == size(object.a))'), [true, false])
  assert.deepEqual(reads('principal.run == "x"'), [false, true])
  assert.deepEqual(reads('request.userAgent.startsWith("kubectl")'), [false, true])
  assert.deepEqual(reads('request["userAgent"] == "kubectl"'), [false, true])
  assert.deepEqual(reads('request.query["a"] == ["b"]'), [false, false])
  assert.deepEqual(reads('[request].exists(r, r.userAgent == "kubectl")'), [false, true])
  assert.deepEqual(reads('principal["intent"] == "x"'), [false, true])
  assert.deepEqual(reads('cel.bind(p, principal, p.run == "x")'), [false, true])
  assert.deepEqual(reads('[principal].exists(p, p.intent == "")'), [false, true])
})
