// The resize channel: sizes under any cut, however the objects are spaced; a bound on what is held; refusals.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChannelError } from '../../../protocols/kube/channel-error.ts'
import { ResizeReader, type TerminalSize } from '../../../protocols/kube/resize.ts'
import { limits } from '../../../protocols/limits.ts'
import { assertAnyCut, type Machine } from '../../support/cut.ts'

type ResizeEvent = TerminalSize | { readonly error: ChannelError }

function machine(): Machine<ResizeEvent> {
  const reader = new ResizeReader(limits.kubernetes)
  let isOver = false
  return {
    receive(bytes) {
      const sizes: ResizeEvent[] = []
      const error = isOver ? undefined : reader.read(bytes, sizes as TerminalSize[])
      if (error !== undefined) sizes.push({ error })
      isOver ||= error !== undefined
      return sizes
    },
  }
}

function sizes(text: string): unknown[] {
  return [...assertAnyCut(machine, Buffer.from(text)).events]
}

test('reads sizes as kubectl sends them, split and joined at will', () => {
  assert.deepEqual(sizes('{"Width":120,"Height":40}\n{"Width":80,"Height":24}\n'), [
    { columns: 120, rows: 40 },
    { columns: 80, rows: 24 },
  ])
  assert.deepEqual(sizes(' { "Height" : 0 ,\r\n"Width":\t65535 }{"Width":1,"Height":2}'), [
    { columns: 65_535, rows: 0 },
    { columns: 1, rows: 2 },
  ])
})

test('a field that nobody knows is passed over, braces in its strings included', () => {
  assert.deepEqual(sizes('{"Width":1,"x":{"y":"}\\"{\\\\"},"Height":2} {"Width":3,"Height":4}'), [
    { columns: 1, rows: 2 },
    { columns: 3, rows: 4 },
  ])
})

for (const [text, rule] of [
  ['[1,2]', 'kube.resize.not_object'],
  ['120x40', 'kube.resize.not_object'],
  ['null', 'kube.resize.not_object'],
  [',{"Width":1,"Height":2}', 'kube.resize.not_object'],
  ['{}', 'kube.resize.size'],
  ['{"Width":1}', 'kube.resize.size'],
  ['{"width":1,"height":2}', 'kube.resize.size'],
  ['{"Width":65536,"Height":2}', 'kube.resize.size'],
  ['{"Width":-1,"Height":2}', 'kube.resize.size'],
  ['{"Width":1.5,"Height":2}', 'kube.resize.size'],
  ['{"Width":"1","Height":2}', 'kube.resize.size'],
  ['{"Width":1,"Height":1e999}', 'kube.resize.size'],
  ['{"Width":1,"Height":2,}', 'kube.resize.size'],
  ['{"__proto__":{"Width":1,"Height":2}}', 'kube.resize.size'],
  [`{"x":"${'x'.repeat(1_100)}`, 'kube.resize.too_long'],
  ['{'.repeat(1_100), 'kube.resize.too_long'],
] as const) {
  test(`refuses ${text.slice(0, 40)}`, () => {
    assert.deepEqual(sizes(`{"Width":7,"Height":8} ${text}{"Width":1,"Height":2}`), [
      { columns: 7, rows: 8 },
      { error: { rule, code: 1002 } },
    ])
  })
}

test('a size of the limit is read, one byte more is refused', () => {
  const empty = '{"Width":1,"Height":2,"x":""}'
  const fill = 'x'.repeat(limits.kubernetes.resize - empty.length)
  assert.deepEqual(sizes(empty.replace('""', `"${fill}"`)), [{ columns: 1, rows: 2 }])
  assert.deepEqual(sizes(empty.replace('""', `"${fill}x"`)), [{ error: { rule: 'kube.resize.too_long', code: 1002 } }])
})

test('bytes that are not UTF-8 are refused', () => {
  const { events } = assertAnyCut(machine, Buffer.from('{"Width":1,"Height":2,"x":"\xff"}', 'latin1'))
  assert.deepEqual(events, [{ error: { rule: 'kube.resize.size', code: 1002 } }])
})
