// Every input of every corpus, once through its target: what was found stays mended.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { corpusFiles } from './corpus.ts'
import { LONGEST } from './mutator.ts'
import { targets } from './targets.ts'

for (const [name, load] of Object.entries(targets)) {
  test(`${name} keeps its promises for its corpus`, async () => {
    const target = await load()
    const files = corpusFiles(name)
    assert.notEqual(files.length, 0)
    const broken: string[] = []
    for (const path of files) {
      const input = readFileSync(path)
      assert.ok(input.length <= LONGEST, `${basename(path)} is longer than an input`)
      try {
        await target.run(input)
      } catch (error) {
        broken.push(`${basename(path)}: ${error instanceof Error ? error.message : error}`)
      }
    }
    assert.deepEqual(broken, [])
  })
}
