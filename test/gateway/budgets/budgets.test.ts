import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Journal } from '../../../gateway/approvals/journal.ts'
import type { Budget, BudgetLimit, Cost, Counted, Spender } from '../../../gateway/budget.ts'
import { type BudgetExceeded, Budgets } from '../../../gateway/budgets/budgets.ts'
import type { Spending } from '../../../gateway/budgets/spending.ts'
import type { Refusal } from '../../../gateway/decision.ts'
import { limits } from '../../../protocols/limits.ts'
import { ManualTime, settle } from '../../support/manual-time.ts'
import { MemoryJournal } from '../../support/memory-journal.ts'

const HOUR = 3_600_000

interface Opened {
  readonly time: ManualTime
  readonly disk: MemoryJournal
  readonly journal: Journal
  readonly budgets: Budgets
  readonly exceeded: BudgetExceeded[]
}

async function open(time = new ManualTime(), disk = new MemoryJournal()): Promise<Opened> {
  const journal = new Journal({ directory: 'x', timers: time, database: disk.open, onFault: () => undefined })
  const budgets = new Budgets({ journal, timers: time, now: () => time.now() })
  const exceeded: BudgetExceeded[] = []
  budgets.onExceeded((event) => exceeded.push(event))
  await journal.start()
  return { time, disk, journal, budgets, exceeded }
}

function budget(figures: Partial<Record<Counted, number>>, rest: Partial<Budget> = {}): Budget {
  const list = Object.entries(figures).map(
    ([counted, limit]): BudgetLimit => ({
      counted: counted as Counted,
      limit,
      windowMillis: counted === 'callsPerSecond' ? 1_000 : HOUR,
    }),
  )
  return { name: 'b', per: 'principal', limits: list, ...rest }
}

const NOTHING: Cost = {
  mutations: 0,
  deletions: 0,
  execs: 0,
  namespace: '',
  objects: 0,
  isSecret: false,
  answer: 'none',
}
const DELETE: Cost = { ...NOTHING, mutations: 1, deletions: 1, objects: 1, namespace: 'web' }
const ANN: Spender = { user: 'ann', actor: '', run: '' }

function isRefused(result: Spending | Refusal | undefined): result is Refusal {
  return result !== undefined && 'status' in result
}

function left({ budgets }: Opened, of: Budget, spender = ANN): number | undefined {
  return budgets.left([of], spender)[0]?.limits[0]?.left
}

test('a budget of three deletions stops the fourth, says when there is room, and has room then', async () => {
  const opened = await open()
  const { budgets, time, exceeded } = opened
  const three = budget({ deletions: 3 })
  for (let at = 0; at < 3; at++) assert.ok(!isRefused(budgets.spend([three], ANN, DELETE)))
  const refusal = budgets.spend([three], ANN, DELETE)
  assert.ok(isRefused(refusal))
  assert.equal(refusal.status, 403)
  assert.equal(refusal.rule, 'budgets.b')
  assert.match(
    refusal.message,
    /budget b allows 3 deletions in 1 h per principal, and 0 are left; there is room again at /,
  )
  const causes = new Map(refusal.causes)
  assert.equal(causes.get('SallyportBudgetLeft'), '0 of 3 deletions in 1 h')
  const at = Date.parse(causes.get('SallyportBudgetRenews') ?? '')
  await time.advance(at - time.now() - 1)
  assert.ok(isRefused(budgets.spend([three], ANN, DELETE)))
  await time.advance(1)
  assert.ok(!isRefused(budgets.spend([three], ANN, DELETE)))
  assert.deepEqual(
    exceeded.map(({ budget: name, counted, spender }) => [name, counted, spender.user]),
    [
      ['b', 'deletions', 'ann'],
      ['b', 'deletions', 'ann'],
    ],
  )
})

test('what does not fit into one budget spends nothing of the others', async () => {
  const opened = await open()
  const wide = budget({ mutations: 10 })
  const narrow = budget({ deletions: 0 }, { name: 'none' })
  assert.ok(isRefused(opened.budgets.spend([wide, narrow], ANN, DELETE)))
  assert.equal(left(opened, wide), 10)
})

test('a deletion of nobody knows how much never fits, and says what to do', async () => {
  const { budgets } = await open()
  const refusal = budgets.spend([budget({ deletions: 1_000 })], ANN, { ...DELETE, deletions: Number.POSITIVE_INFINITY })
  assert.ok(isRefused(refusal))
  assert.match(refusal.message, /delete them one by one, by their names/)
})

test('a rate is refused with 429, and for a second only', async () => {
  const { budgets, time } = await open()
  const rate = budget({ callsPerSecond: 2 })
  assert.ok(!isRefused(budgets.spend([rate], ANN, NOTHING)))
  assert.ok(!isRefused(budgets.spend([rate], ANN, NOTHING)))
  const refusal = budgets.spend([rate], ANN, NOTHING)
  assert.ok(isRefused(refusal))
  assert.deepEqual([refusal.status, refusal.reason], [429, 'TooManyRequests'])
  await time.advance(1_100)
  assert.ok(!isRefused(budgets.spend([rate], ANN, NOTHING)))
})

test('namespaces count once each; a call that reaches all of them does not fit', async () => {
  const { budgets } = await open()
  const two = budget({ namespacesTouched: 2 })
  const touch = (namespace: Cost['namespace']) => isRefused(budgets.spend([two], ANN, { ...NOTHING, namespace }))
  assert.deepEqual([touch('a'), touch('b'), touch('a'), touch('c'), touch('')], [false, false, false, true, false])
  const all = budgets.spend([budget({ namespacesTouched: 1_000 })], ANN, { ...NOTHING, namespace: { all: true } })
  assert.ok(isRefused(all))
  assert.match(all.message, /name one \(-n\)/)
})

test('whose calls count together: principals, actors whoever they act for, runs within their principal', async () => {
  const cases: readonly [Budget['per'], Spender, Spender, boolean][] = [
    ['principal', ANN, { ...ANN, run: 'r' }, true],
    ['principal', ANN, { ...ANN, actor: 'bot' }, false],
    ['principal', ANN, { ...ANN, user: 'bob' }, false],
    ['actor', { ...ANN, actor: 'bot' }, { user: 'bob', actor: 'bot', run: '' }, true],
    ['actor', ANN, { ...ANN, user: 'bob' }, false],
    ['run', { ...ANN, run: 'r' }, { ...ANN, run: 'r' }, true],
    ['run', { ...ANN, run: 'r' }, { ...ANN, run: 's' }, false],
    ['run', { ...ANN, run: 'r' }, { user: 'bob', actor: '', run: 'r' }, false],
    ['run', { ...ANN, run: 'r'.repeat(5_000) }, { ...ANN, run: 'r'.repeat(5_000) }, true],
  ]
  for (const [per, one, other, isShared] of cases) {
    const { budgets } = await open()
    const single = budget({ mutations: 1 }, { per })
    assert.ok(!isRefused(budgets.spend([single], one, DELETE)))
    const result = budgets.spend([single], other, DELETE)
    assert.equal(isRefused(result), isShared, `${per} ${JSON.stringify([one, other]).slice(0, 100)}`)
  }
})

test('one user has only so many counters, however many runs it names, and gets them back with the window', async () => {
  const { budgets, time } = await open()
  const perRun = budget({ mutations: 1 }, { per: 'run' })
  const spend = (run: string, user = 'ann') => budgets.spend([perRun], { user, actor: '', run }, DELETE)
  for (let at = 0; at < limits.approvals.userBudgetKeys; at++) assert.ok(!isRefused(spend(`run-${at}`)))
  const refusal = spend('one more')
  assert.ok(isRefused(refusal))
  assert.deepEqual([refusal.status, refusal.rule], [429, 'budgets.many'])
  assert.ok(!isRefused(spend('run', 'bob')))
  await time.advance(2 * HOUR)
  assert.ok(!isRefused(spend('one more')))
})

test('objects are counted as they pass, and the piece that does not fit does not', async () => {
  const opened = await open()
  const three = budget({ objectsReturned: 3 })
  const list = { ...NOTHING, answer: 'list' } as const
  const spending = opened.budgets.spend([three], ANN, list)
  assert.ok(!isRefused(spending))
  assert.ok(spending.readsAnswer)
  assert.equal(spending.answered(200, 'application/json', undefined), undefined)
  assert.equal(spending.passes(Buffer.from('{"items":[{"a":1},{"b":')), undefined)
  assert.equal(left(opened, three), 1)
  assert.equal(spending.passes(Buffer.from('2}')), undefined)
  const refusal = spending.passes(Buffer.from(',{},{}]}'))
  assert.ok(isRefused(refusal))
  assert.equal(left(opened, three), 1)
  assert.ok(!isRefused(opened.budgets.spend([three], ANN, { ...NOTHING, objects: 1 })))
  assert.ok(isRefused(opened.budgets.spend([three], ANN, list)), 'nothing is left, so none is asked for')
})

test('an answer whose objects cannot be counted does not pass; an error of the cluster costs no object', async () => {
  const opened = await open()
  const secrets = budget({ secretsRead: 5 })
  const list = opened.budgets.spend([secrets], ANN, { ...NOTHING, answer: 'list', isSecret: true })
  assert.ok(!isRefused(list))
  assert.equal(list.answered(200, 'application/vnd.kubernetes.protobuf', undefined)?.rule, 'budgets.uncountable')
  const get = opened.budgets.spend([secrets], ANN, { ...NOTHING, objects: 1, isSecret: true })
  assert.ok(!isRefused(get))
  assert.equal(left(opened, secrets), 4)
  assert.equal(get.answered(404, 'application/json', 100), undefined)
  assert.equal(left(opened, secrets), 5)
  assert.ok(!isRefused(opened.budgets.spend([secrets], ANN, { ...NOTHING, objects: 1 })), 'no Secret')
  assert.equal(left(opened, secrets), 5)
})

test('bytes: an answer that says that it is too long does not begin; a stream is stopped before the piece too many', async () => {
  const opened = await open()
  const bytes = budget({ bytesOut: 100 })
  const spending = opened.budgets.spend([bytes], ANN, NOTHING)
  assert.ok(!isRefused(spending))
  assert.ok(isRefused(spending.answered(200, 'text/plain', 101)))
  assert.equal(spending.streams(60), undefined)
  assert.ok(isRefused(spending.streams(60)))
  assert.equal(spending.streams(40), undefined)
  assert.ok(isRefused(opened.budgets.spend([bytes], ANN, NOTHING)))
  assert.equal(opened.exceeded.length, 1, 'listeners hear of it now and then, and not of each try')
})

test('a call that nobody allows after all is given back, all but its place in the rate', async () => {
  const opened = await open()
  const three = budget({ deletions: 3, namespacesTouched: 1, callsPerSecond: 9 })
  const spending = opened.budgets.spend([three], ANN, DELETE)
  assert.ok(!isRefused(spending))
  spending.giveBack()
  const figures = opened.budgets.left([three], ANN)[0]?.limits.map((limit) => limit.left)
  assert.deepEqual(figures, [3, 1, 8])
})

test('a namespace that another call has touched meanwhile is not given back', async () => {
  const { budgets } = await open()
  const one = budget({ namespacesTouched: 1 })
  const parked = budgets.spend([one], ANN, { ...NOTHING, namespace: 'web' })
  const passed = budgets.spend([one], ANN, { ...NOTHING, namespace: 'web' })
  assert.ok(!isRefused(parked) && !isRefused(passed))
  parked.giveBack()
  assert.ok(isRefused(budgets.spend([one], ANN, { ...NOTHING, namespace: 'db' })))
  assert.ok(!isRefused(budgets.spend([one], ANN, { ...NOTHING, namespace: 'web' })))
})

test('a stream goes on counting where its counter has been forgotten meanwhile', async () => {
  const opened = await open()
  const bytes = budget({ bytesOut: 10 }, { per: 'run' })
  const stream = opened.budgets.spend([bytes], { ...ANN, run: 'first' }, NOTHING)
  assert.ok(!isRefused(stream))
  const spenders = Array.from({ length: limits.approvals.userBudgetKeys }, (_, at) => ({ ...ANN, run: `run-${at}` }))
  for (const spender of spenders) opened.budgets.spend([bytes], spender, NOTHING)
  assert.equal(stream.streams(10), undefined)
  assert.equal(left(opened, bytes, { ...ANN, run: 'first' }), 0)
  assert.ok(isRefused(stream.streams(1)))
})

test('property: never overdrawn, whatever begins, passes and is given back in between', () => {
  const step = fc.record({
    user: fc.constantFrom('ann', 'bob'),
    kind: fc.constantFrom('begin', 'bytes', 'objects', 'back', 'wait'),
    amount: fc.integer({ min: 1, max: 40 }),
    at: fc.nat(20),
  })
  return fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), fc.nat(5), fc.nat(100), async (steps, most, bytes) => {
      const { budgets, time } = await open()
      const all = budget({ mutations: most, objectsReturned: most * 3, bytesOut: bytes })
      const passed: { user: string; counted: Counted; amount: number; at: number }[] = []
      const begun: { user: string; spending: Spending; counted: (typeof passed)[number] }[] = []
      const cost: Cost = { ...NOTHING, mutations: 1, answer: 'list' }
      for (const { user, kind, amount, at } of steps) {
        if (kind === 'wait') time.millis += amount * 120_000
        if (kind === 'begin') {
          const spending = budgets.spend([all], { user, actor: '', run: '' }, cost)
          if (isRefused(spending)) continue
          const counted = { user, counted: 'mutations', amount: 1, at: time.now() } as const
          begun.push({ user, spending, counted })
          passed.push(counted)
        }
        const one = begun[at % Math.max(1, begun.length)]
        if (one === undefined) continue
        if (kind === 'back') {
          begun.splice(begun.indexOf(one), 1)
          passed.splice(passed.indexOf(one.counted), 1)
          one.spending.giveBack()
        }
        if (kind === 'bytes' && one.spending.streams(amount) === undefined) {
          passed.push({ user: one.user, counted: 'bytesOut', amount, at: time.now() })
        }
        if (kind === 'objects') {
          const piece = Buffer.from('{"items":[{},{}]}')
          const fresh = budgets.spend([all], { user, actor: '', run: '' }, { ...cost, mutations: 0 })
          if (isRefused(fresh)) continue
          fresh.answered(200, 'application/json', undefined)
          if (fresh.passes(piece) !== undefined) continue
          passed.push({ user, counted: 'objectsReturned', amount: 2, at: time.now() })
          passed.push({ user, counted: 'bytesOut', amount: piece.length, at: time.now() })
        }
        for (const { counted, limit } of all.limits) {
          for (const who of ['ann', 'bob']) {
            const within = passed.filter((p) => p.user === who && p.counted === counted && p.at > time.now() - HOUR)
            const sum = within.reduce((total, p) => total + p.amount, 0)
            assert.ok(sum <= limit, `${counted}: ${sum} of ${limit}`)
          }
        }
      }
      time.millis += 2 * HOUR
      for (const { left: rest, limit } of budgets.left([all], ANN)[0]?.limits ?? []) assert.equal(rest, limit)
    }),
    { numRuns: 60 },
  )
})

test('what is spent survives a restart, written within budgetMillis and without anybody waiting', async () => {
  const first = await open()
  const three = budget({ deletions: 3, namespacesTouched: 2, callsPerSecond: 5 })
  first.budgets.spend([three], ANN, DELETE)
  first.budgets.spend([three], ANN, DELETE)
  assert.equal(first.disk.writes.length, 0)
  await first.time.advance(limits.approvals.budgetMillis)
  assert.equal(first.disk.writes.length, 1)
  await first.journal.close()

  const second = await open(first.time, first.disk)
  const figures = second.budgets.left([three], ANN)[0]?.limits.map((limit) => limit.left)
  assert.deepEqual(figures, [1, 1, 5], 'all but the rate, whose second is over before anybody comes')
  assert.ok(!isRefused(second.budgets.spend([three], ANN, DELETE)))
  assert.ok(isRefused(second.budgets.spend([three], ANN, DELETE)))
  await second.time.advance(2 * HOUR)
  await second.journal.close()

  const third = await open(second.time, second.disk)
  assert.equal(left(third, three), 3)
  await settle()
  assert.equal(third.disk.pairs.size, 0, 'what is over leaves nothing on disk')
})

test('one record is kept of each counter, whatever is spent', async () => {
  const { budgets, time, disk } = await open()
  for (let at = 0; at < 20; at++) {
    budgets.spend([budget({ mutations: 100 })], ANN, DELETE)
    await time.advance(limits.approvals.budgetMillis)
  }
  assert.equal(disk.pairs.size, 1)
})

test('the end of the process writes what is not yet on disk', async () => {
  const first = await open()
  first.budgets.spend([budget({ deletions: 3 })], ANN, DELETE)
  first.budgets.close()
  await first.journal.close()
  assert.equal(left(await open(first.time, first.disk), budget({ deletions: 3 })), 2)
})

test('a budget keeps what was spent by its name: another figure or window counts from there', async () => {
  const first = await open()
  first.budgets.spend([budget({ deletions: 3 })], ANN, DELETE)
  first.budgets.close()
  await first.journal.close()
  const second = await open(first.time, first.disk)
  assert.equal(left(second, budget({ deletions: 10 })), 9)
  assert.equal(left(second, budget({ deletions: 10 }, { name: 'another' })), 10)
  const longer: Budget = { ...budget({}), limits: [{ counted: 'deletions', limit: 2, windowMillis: 24 * HOUR }] }
  assert.ok(!isRefused(second.budgets.spend([longer], ANN, DELETE)))
  await second.time.advance(2 * HOUR)
  assert.ok(isRefused(second.budgets.spend([longer], ANN, DELETE)))
})

test('while the journal is away budgets go on in memory, and are written when it is back', async () => {
  const opened = await open()
  const { budgets, time, disk, journal } = opened
  const three = budget({ deletions: 3 })
  disk.failAt = 1
  budgets.spend([three], ANN, DELETE)
  await time.advance(limits.approvals.budgetMillis)
  assert.ok(journal.failed !== undefined)
  budgets.spend([three], ANN, DELETE)
  disk.failAt = Number.POSITIVE_INFINITY
  await time.advance(limits.approvals.reopenMillis)
  assert.equal(journal.failed, undefined)
  assert.equal(left(opened, three), 1)
  await settle()
  await journal.close()
  assert.equal(left(await open(time, disk), three), 1)
})
