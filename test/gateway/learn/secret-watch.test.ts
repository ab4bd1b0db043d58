import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SecretWatch, type SecretWatchOptions } from '../../../gateway/learn/secret-watch.ts'
import {
  type Upstream,
  UpstreamFailed,
  type UpstreamHandler,
  type UpstreamRequest,
} from '../../../gateway/upstream/upstream.ts'
import { limits } from '../../../protocols/limits.ts'
import { cut } from '../../support/cut.ts'
import { ManualTime } from '../../support/manual-time.ts'

interface Asked {
  readonly request: UpstreamRequest
  readonly handler: UpstreamHandler
  isAborted: boolean
}

const JSON_TYPE = ['Content-Type', 'application/json']

/** A watch over a cluster that answers as the test says, in a time of its own. */
class Scene {
  readonly time = new ManualTime()
  readonly asked: Asked[] = []
  readonly learned: string[] = []
  readonly told: string[] = []
  unrecorded: Error | undefined
  readonly watch: SecretWatch

  constructor(identity: readonly string[] = []) {
    const upstream = {
      credentials: async () => ['Authorization', 'Bearer own'],
      send: (request: UpstreamRequest, handler: UpstreamHandler) => {
        const asked = { request, handler, isAborted: false }
        this.asked.push(asked)
        return {
          pause: () => undefined,
          resume: () => undefined,
          abort: () => {
            asked.isAborted = true
          },
        }
      },
    } as Partial<Upstream> as Upstream
    const options: SecretWatchOptions = {
      upstream,
      identity,
      learn: ({ namespace, name }, path, value) =>
        this.learned.push(`${namespace}/${name} ${path} ${Buffer.from(value)}`),
      after: (millis, callback) => this.time.after(millis, callback),
      random: () => 0.5,
      told: {
        asking: async () => {
          if (this.unrecorded !== undefined) throw this.unrecorded
          this.told.push('asking')
        },
        listed: ({ secrets, values }) => this.told.push(`listed ${secrets} ${values}`),
        watching: () => this.told.push('watching'),
        failed: (rule, text, millis) =>
          this.told.push(`${rule} ${millis} ${text.includes('hunter') ? text : ''}`.trimEnd()),
      },
    }
    this.watch = new SecretWatch(options)
    void this.watch.run()
  }

  /** The next request; the answers to it in one piece unless cut. */
  async next(): Promise<Asked> {
    await this.time.advance(0)
    const asked = this.asked.shift()
    assert.ok(asked !== undefined, 'nothing was asked')
    return asked
  }

  get path(): string | undefined {
    return this.asked[0]?.request.target
  }
}

function answer({ handler }: Asked, body: string, status = 200, fields: readonly string[] = JSON_TYPE): void {
  handler.onResponse({ status, reason: '', fields, version: '1.1' } as unknown as Parameters<
    UpstreamHandler['onResponse']
  >[0])
  handler.onData(Buffer.from(body))
}

function page(secrets: readonly object[], metadata: object): string {
  return JSON.stringify({ kind: 'SecretList', apiVersion: 'v1', metadata, items: secrets })
}

function secret(name: string, data: Readonly<Record<string, string>>, version = '1'): object {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  return { metadata: { name, namespace: 'ns', resourceVersion: version }, data: Object.fromEntries(encoded) }
}

function event(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`
}

/** In two pieces at every boundary, and byte by byte. */
function cuts(bytes: Uint8Array): Uint8Array[][] {
  const twos = [...bytes.keys()].map((at) => cut(bytes, [at, bytes.length - at]))
  return [...twos, cut(bytes, Array<number>(bytes.length).fill(1))]
}

/** Listed and watched: where most tests begin. */
async function watching(): Promise<{ scene: Scene; asked: Asked }> {
  const scene = new Scene()
  const list = await scene.next()
  answer(list, page([], { resourceVersion: '10' }))
  list.handler.onEnd([])
  const asked = await scene.next()
  scene.told.length = 0
  return { scene, asked }
}

test('all pages are read, told of before and behind, and watched on from where the last stands', async () => {
  const scene = new Scene(['Impersonate-User', 'reader'])
  const first = await scene.next()
  const url = new URL(first.request.target, 'https://cluster')
  assert.equal(url.pathname, '/api/v1/secrets')
  assert.deepEqual([...url.searchParams], [['limit', String(limits.learn.pageSize)], ['fieldSelector', 'type!=helm.sh/release.v1']]) // biome-ignore format: pairs
  assert.deepEqual(first.request.fields, [
    ...['Accept', 'application/json', 'User-Agent', 'sallyport'],
    ...['Authorization', 'Bearer own', 'Impersonate-User', 'reader'],
  ])
  assert.equal(first.request.user, '')
  assert.deepEqual(scene.told, ['asking'])
  answer(first, page([secret('a', { x: 'hunter-one', y: 'hunter-two' })], { continue: 'c/2', resourceVersion: '7' }))
  first.handler.onEnd([])
  const second = await scene.next()
  assert.match(second.request.target, /&continue=c%2F2$/)
  answer(second, page([secret('b', { x: 'hunter-three' })], { resourceVersion: '7' }))
  second.handler.onEnd([])
  assert.deepEqual(scene.learned, ['ns/a data.x hunter-one', 'ns/a data.y hunter-two', 'ns/b data.x hunter-three'])
  const watch = await scene.next()
  assert.deepEqual(scene.told, ['asking', 'listed 2 3'])
  assert.equal(watch.request.longRunning, true)
  const query = new URL(watch.request.target, 'https://cluster').searchParams
  assert.deepEqual(
    ['watch', 'resourceVersion', 'allowWatchBookmarks', 'timeoutSeconds'].map((name) => query.get(name)),
    ['true', '7', 'true', String(1.5 * limits.learn.watchSeconds)],
  )
})

test('a page and events mean the same in any cut', async () => {
  const list = page([secret('a', { x: 'hunter "}]{[' }), secret('b', { 'k,': 'ü' })], { resourceVersion: '7' })
  const events = event('ADDED', secret('c', { x: 'three' })) + event('BOOKMARK', { metadata: { resourceVersion: '9' } })
  for (const [body, isWatch] of [
    [list, false],
    [events, true],
  ] as const) {
    // biome-ignore format: pairs
    for (const pieces of cuts(Buffer.from(body))) {
      const { scene, asked } = isWatch ? await watching() : { scene: new Scene(), asked: undefined }
      const one = asked ?? (await scene.next())
      answer(one, '')
      for (const piece of pieces) one.handler.onData(piece)
      one.handler.onEnd([])
      await scene.time.advance(2 * limits.learn.resumeMillis)
      assert.match((await scene.next()).request.target, isWatch ? /resourceVersion=9&/ : /resourceVersion=7&/)
      assert.deepEqual(
        scene.learned,
        isWatch ? ['ns/c data.x three'] : ['ns/a data.x hunter "}]{[', 'ns/b data.k, ü'],
      )
      scene.watch.close()
    }
  }
})

test('what is added, changed and deleted is learned, and the watch goes on behind it', async () => {
  const { scene, asked } = await watching()
  answer(asked, event('ADDED', secret('a', { x: 'one' }, '11')) + event('MODIFIED', secret('a', { x: 'two' }, '12')))
  asked.handler.onData(Buffer.from(event('DELETED', secret('a', { x: 'three' }, '13'))))
  assert.deepEqual(scene.learned, ['ns/a data.x one', 'ns/a data.x two', 'ns/a data.x three'])
  asked.handler.onEnd([])
  await scene.time.advance(1.5 * limits.learn.resumeMillis - 1)
  assert.equal(scene.asked.length, 0)
  await scene.time.advance(1)
  assert.match((await scene.next()).request.target, /resourceVersion=13&/)
  assert.deepEqual(scene.told, ['watching'])
})

test('a version that the cluster has forgotten is listed anew, in whatever way it says so', async () => {
  const gone = event('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })
  for (const say of [(asked: Asked) => answer(asked, gone), (asked: Asked) => answer(asked, '{}', 410)]) {
    const { scene, asked } = await watching()
    say(asked)
    assert.equal(asked.isAborted, true)
    await scene.time.advance(1.5 * limits.learn.retryMillis)
    assert.match((await scene.next()).request.target, /^\/api\/v1\/secrets\?limit=/)
    assert.equal(scene.told.at(-1), 'asking')
  }
})

test('failures are told with their wait, which grows to a bound; none of their words is', async () => {
  const fails: readonly [rule: string, (asked: Asked) => void][] = [
    ['learn.forbidden', (asked) => answer(asked, '{}', 403)],
    ['learn.status', (asked) => answer(asked, 'hunter', 500)],
    ['learn.unreadable', (asked) => answer(asked, '', 200, ['Content-Type', 'application/yaml'])],
    ['learn.unreadable', (asked) => answer(asked, '', 200, [...JSON_TYPE, 'Content-Encoding', 'gzip'])],
    ['learn.unreadable', (asked) => answer(asked, '{"items":[{"hunter":}]}')],
    ['upstream.refused', (asked) => asked.handler.onFailed(new UpstreamFailed(502, 'upstream.refused', 'no'))],
    [
      'learn.list',
      (asked) => {
        answer(asked, page([], {}))
        asked.handler.onEnd([])
      },
    ],
  ]
  const scene = new Scene()
  for (const [at, [rule, fail]] of fails.entries()) {
    const asked = await scene.next()
    scene.told.length = 0
    fail(asked)
    await scene.time.advance(0)
    const wait = 1.5 * Math.min(limits.learn.retryMillis * 2 ** at, limits.learn.retryLongestMillis)
    assert.deepEqual(scene.told, [`${rule} ${wait}`])
    await scene.time.advance(wait - 1)
    assert.equal(scene.asked.length, 0)
    await scene.time.advance(1)
  }
})

test('an object that is longer than is held ends the list, and memory stays bounded', async () => {
  const scene = new Scene()
  const asked = await scene.next()
  answer(asked, '{"items":[{"a":"')
  const piece = Buffer.alloc(1_048_576, 'x')
  for (let sent = 0; sent <= limits.mask.item; sent += piece.length) asked.handler.onData(piece)
  assert.equal(asked.isAborted, true)
  await scene.time.advance(0)
  assert.match(scene.told.at(-1) as string, /^learn\.length /)
})

test('an answer that does not end in its time is given up', async () => {
  const { scene, asked } = await watching()
  answer(asked, '')
  await scene.time.advance(1_500 * limits.learn.watchSeconds + limits.learn.pageMillis)
  assert.equal(asked.isAborted, true)
  assert.match(scene.told.at(-1) as string, /^learn\.silent /)
})

test('the cluster is not asked while nothing can be recorded', async () => {
  const scene = new Scene()
  scene.unrecorded = new Error('disk')
  await scene.next().then(({ handler }) => handler.onFailed(new UpstreamFailed(502, 'upstream.closed', '')))
  await scene.time.advance(1.5 * limits.learn.retryMillis)
  assert.equal(scene.asked.length, 0)
  assert.match(scene.told.at(-1) as string, /^learn\.unrecorded /)
  scene.unrecorded = undefined
  await scene.time.advance(3 * limits.learn.retryMillis)
  assert.equal(scene.asked.length, 1)
})

test('closed in the middle of an answer or of a wait, nothing more is asked', async () => {
  const { scene, asked } = await watching()
  scene.watch.close()
  assert.equal(asked.isAborted, true)
  await scene.time.advance(1_000_000)
  assert.deepEqual([scene.asked.length, scene.told], [0, []])
  const waiting = await watching()
  waiting.asked.handler.onEnd([])
  await waiting.scene.time.advance(0)
  waiting.scene.watch.close()
  await waiting.scene.time.advance(1_000_000)
  assert.equal(waiting.scene.asked.length, 0)
})
