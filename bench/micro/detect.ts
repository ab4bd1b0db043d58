// What masking text costs a stream: all detectors, with more and more learned values, over logs, JSON, base64 and what tar
// files are like, in pieces as they come from a cluster; and what learning costs. Run: node --expose-gc --import tsx bench/micro/detect.ts

import { createHash } from 'node:crypto'
import { Detection } from '../../protocols/detect/detection.ts'
import { DETECTORS } from '../../protocols/detect/detectors.ts'
import { LearnedValues } from '../../protocols/detect/learned-values.ts'
import { measure } from './measure.ts'

const PIECE = 65_536
const OCTETS = 2_097_152
const VALUE = 32
const BOUNDS = { values: 20_000, bytes: 268_435_456, piece: 1_536, depth: 4, shortest: 6 }
const KEY = Buffer.alloc(32, 1)

const TEXTS: Readonly<Record<string, Buffer>> = {
  logs: fill((at) =>
    Buffer.from(
      `2026-11-28T10:00:${10 + (at % 50)}.123Z INFO  [http-${at % 10}] com.example.web.RequestLogger - GET /api/v1/orders/${at * 7_919} 200 in ${at % 300}ms user=u${at % 77} trace=${random(`t${at}`).toString('hex').slice(0, 16)}\n`,
    ),
  ),
  'JSON of pods': fill((at) =>
    Buffer.from(
      JSON.stringify({
        metadata: {
          name: `web-${at}`,
          namespace: 'default',
          uid: random(`u${at}`).toString('hex').slice(0, 32),
          labels: { app: 'web' },
        },
        spec: {
          containers: [
            {
              name: 'web',
              image: 'nginx:1.25',
              env: [{ name: 'A', value: 'b' }],
              volumeMounts: [{ name: 'kube-api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
            },
          ],
        },
        status: {
          phase: 'Running',
          conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-11-28T10:00:00Z' }],
        },
      }),
    ),
  ),
  'JSON within JSON': fill((at) =>
    Buffer.from(
      `${JSON.stringify({ level: 'info', n: at, message: JSON.stringify({ kind: 'Deployment', labels: { app: `web-${at}` }, ports: ['http', 'https'] }) })}\n`,
    ),
  ),
  base64: fill((at) => Buffer.from(random(`b${at}`).toString('base64').slice(0, 84))),
  'random bytes': fill((at) => random(`r${at}`)),
}

const COLOURED = Buffer.from(
  (TEXTS.logs as Buffer).toString('latin1').replaceAll('INFO', '\u001b[32mINFO\u001b[0m').slice(0, OCTETS),
)

for (const count of [0, 500, 10_000]) {
  const learned = new LearnedValues(KEY, BOUNDS)
  for (let at = 0; at < count; at++) learned.learn(secretOf(at))
  const maskers = new Detection({
    detectors: new Set(DETECTORS.keys()),
    patterns: [],
    learned: count === 0 ? undefined : learned,
  })
  for (const [name, text] of Object.entries(TEXTS))
    measureText(`${name}, ${count} learned values`, maskers, text, false)
  for (const [name, text] of Object.entries({ ...TEXTS, 'coloured logs': COLOURED })) {
    measureText(`${name} in a terminal, ${count}`, maskers, text, true)
  }
  process.stdout.write(`${count} learned values take ${(learned.bytes / 1e6).toFixed(1)} MB\n`)
}

function measureText(what: string, maskers: Detection, text: Buffer, terminal: boolean): void {
  measure(what, text.length / PIECE, text.length, () => {
    const masker = maskers.masker({ terminal })
    let length = 0
    for (let at = 0; at < text.length; at += PIECE)
      length += masker.receive(text.subarray(at, at + PIECE)).masked.length
    return length + masker.end().masked.length
  })
}

let next = 0
const fresh = new LearnedValues(KEY, BOUNDS)
measure('learn a value of 32 bytes', 1, VALUE, () => {
  fresh.learn(secretOf(next++))
  return fresh.size
})
const known = secretOf(next)
measure('learn it again', 1, VALUE, () => {
  fresh.learn(known)
  return fresh.size
})

function random(seed: string): Buffer {
  return createHash('sha512').update(seed).digest()
}

function secretOf(at: number): Buffer {
  return Buffer.from(random(`v${at}`).toString('base64').slice(0, VALUE))
}

function fill(make: (at: number) => Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0, length = 0; length < OCTETS; at++) {
    const part = make(at)
    parts.push(part)
    length += part.length
  }
  return Buffer.concat(parts)
}
