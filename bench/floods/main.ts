// Floods a running gateway with each attack of the list and watches what becomes of its memory and of another client. The
// bounds: at most 256 MiB more, p99 of the other client below 250 ms, and no error of it.
// Usage: npm run floods -- [NAME...] [--seconds N]

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { paced } from '../e2e/http2-load.ts'
import { startStage } from '../e2e/proxies.ts'
import { ATTACKS } from './attacks.ts'

const GROWTH = 256
const P99_MILLIS = 250
const PER_SECOND = 20
const LOOK_MILLIS = 250
const MIB = 1_048_576
const SMALL = '/api/v1/namespaces/default/configmaps/small'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' } },
})
const seconds = Number(values.seconds)
const names = positionals.length > 0 ? positionals : Object.keys(ATTACKS)
const unknown = names.filter((name) => !Object.hasOwn(ATTACKS, name))
if (unknown.length > 0 || !(seconds > 0)) {
  process.stderr.write(`usage: npm run floods -- [NAME...] [--seconds N]\nfloods: ${Object.keys(ATTACKS).join(', ')}\n`)
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'sallyport-floods-'))
const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
let broken = 0
try {
  const { gateway, caPath, token } = await startStage(folder, stops)
  const attacker = await token('attacker')
  const { port } = gateway.target
  const script = fileURLToPath(new URL('./attacker.js', import.meta.url))
  // What a gateway that has worked a little holds.
  await paced(gateway.target, SMALL, 500, 250)
  for (const name of names) {
    const before = gateway.process.memory()
    const cpu = gateway.process.cpu()
    let peak = before
    const looks = setInterval(() => {
      peak = Math.max(peak, gateway.process.memory())
    }, LOOK_MILLIS)
    const flood = spawn(process.execPath, [script, name, String(port), caPath, attacker, String(seconds)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    flood.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    const ended = once(flood, 'close')
    let times: number[] = []
    let error = ''
    try {
      times = (await paced(gateway.target, SMALL, PER_SECOND * seconds, PER_SECOND)).sort((a, b) => a - b)
    } catch (cause) {
      error = `the other client failed: ${(cause as Error).message}`
    }
    await ended
    clearInterval(looks)
    const growth = (peak - before) / MIB
    const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN
    const isBroken = error !== '' || growth > GROWTH || !(at(0.99) < P99_MILLIS)
    if (isBroken) broken += 1
    const busy = (100 * (gateway.process.cpu() - cpu)) / seconds
    print(
      `${isBroken ? 'BROKEN' : 'ok    '} ${name}: +${growth.toFixed(0)} MiB, p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms, gateway CPU ${busy.toFixed(0)} %${error === '' ? '' : `; ${error}`}`,
    )
    print(`       ${ATTACKS[name]?.source}; ${said.trim()}`)
  }
} finally {
  for (const stop of stops.reverse()) await stop()
}
process.exitCode = broken === 0 ? 0 : 1

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
