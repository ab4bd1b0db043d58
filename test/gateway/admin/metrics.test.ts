import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../../../gateway/admin/metrics.ts'

test('requests are counted by verb and class of status, and nothing a caller chose becomes a label', async () => {
  const metrics = createMetrics()
  metrics.answered('get', 200)
  metrics.answered('get', 204)
  metrics.answered('exec', 101)
  metrics.answered('propfind"}\n', 999)
  const { values } = await metrics.registry.getSingleMetric('sallyport_requests_total')!.get()
  assert.deepEqual(
    values.map(({ labels, value }) => [labels.verb, labels.status, value]),
    [
      ['get', '2xx', 2],
      ['exec', '1xx', 1],
      ['other', 'other', 1],
    ],
  )
})

test('rules are labels up to a bound, and "other" past it', async () => {
  const metrics = createMetrics()
  for (let at = 0; at < 600; at++) metrics.refused(`rule-${at}`)
  metrics.refused('rule-0')
  metrics.upstreamFailed('upstream.dial')
  const { values } = await metrics.registry.getSingleMetric('sallyport_refusals_total')!.get()
  assert.equal(values.length, 501)
  assert.equal(values.find(({ labels }) => labels.rule === 'rule-0')?.value, 2)
  assert.equal(values.find(({ labels }) => labels.rule === 'other')?.value, 100)
  assert.match(await metrics.registry.metrics(), /sallyport_upstream_failures_total\{rule="upstream\.dial"\} 1/)
})

test('each process of metrics is its own', async () => {
  createMetrics().connections.inc()
  assert.match(await createMetrics().registry.metrics(), /sallyport_connections 0/)
})
