// The targets by name. Each is loaded only where it is wanted, so that a run's coverage is that of its target.

import type { Target } from './target.ts'

const NAMES = [
  'http1-server',
  'http1-requests-by-node',
  'http1-client',
  'http1-response-by-node',
  'hpack',
  'hpack-by-hpackjs',
  'http2-server',
  'http2-server-by-node',
  'http2-client',
  'http2-client-by-node',
  'websocket-server',
  'websocket-client',
  'websocket-channels',
  'masked-websocket',
  'legacy-port-forward',
  'watch-messages',
  'spdy',
  'spdy-tunnel',
  'tape-entry',
  'msgpack',
  'request-info',
  'token',
  'json-body',
  'text-masks',
  'learned-values',
  'yaml-body',
  'gzip-body',
  'protobuf-body',
] as const

type Module = { readonly default: Target }

export const targets: Readonly<Record<string, () => Promise<Target>>> = Object.fromEntries(
  NAMES.map((name) => [name, async () => ((await import(`./targets/${name}.ts`)) as Module).default]),
)
