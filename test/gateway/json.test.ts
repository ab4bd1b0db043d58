import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readObject } from '../../gateway/json.ts'

const read = (text: string) => readObject(Buffer.from(text))

test('an object reads as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2), (object, indent) => {
      const text = JSON.stringify(object, null, indent)
      assert.deepEqual(read(text), JSON.parse(text))
    }),
  )
})

test('a key that is there twice, at any depth and however it is written, makes it nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), fc.integer({ min: 0, max: 3 }), (value, key, depth) => {
      const escaped = [...Array(key.length).keys()].map(
        (at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, '0')}`,
      )
      const twice = `{${JSON.stringify(key)}: ${JSON.stringify(value)}, "${escaped.join('')}": 1}`
      assert.equal(read(`${'{"a":['.repeat(depth)}${twice}${']}'.repeat(depth)}`), undefined)
    }),
  )
})

test('keys of neighbours and of parents may be alike, and so may values and keys', () => {
  const text = '{"a":{"a":{"a":"a"},"b":["a","a",{"a":1},{"a":2}]},"b":"a","c":"\\"a\\":1,\\"a\\":2","":{}}'
  assert.deepEqual(read(text), JSON.parse(text))
})

test('what is not one object in UTF-8 is nothing', () => {
  for (const text of ['', '[]', '1', '"x"', 'null', '{', '{}x', "{'a':1}", '\ufeff{}', '{"a":1,}'])
    assert.equal(read(text), undefined)
  assert.equal(readObject(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), undefined)
})
