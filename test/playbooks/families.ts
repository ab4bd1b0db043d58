// All playbooks, by the file that holds them; the table's test finds a file that is not here.

import { framing } from './http1/framing.ts'
import { head } from './http1/head.ts'
import { responses } from './http1/responses.ts'
import { http2Frames } from './http2/frames.ts'
import { http2Heads } from './http2/heads.ts'
import { http2Streams } from './http2/streams.ts'
import { identity } from './kubernetes/identity.ts'
import { paths } from './kubernetes/paths.ts'
import { reach } from './kubernetes/reach.ts'
import { streams } from './kubernetes/streams.ts'
import { upgrades } from './kubernetes/upgrades.ts'
import { tokens } from './oidc/tokens.ts'
import type { Playbook } from './playbook.ts'
import { spdyFrames } from './spdy/frames.ts'
import { connections } from './tls/connections.ts'
import { frames } from './websocket/frames.ts'

export interface Family {
  /** Below test/playbooks/. */
  readonly file: string
  readonly playbooks: readonly Playbook[]
}

export const FAMILIES: readonly Family[] = [
  { file: 'kubernetes/upgrades.ts', playbooks: upgrades },
  { file: 'kubernetes/identity.ts', playbooks: identity },
  { file: 'kubernetes/paths.ts', playbooks: paths },
  { file: 'kubernetes/streams.ts', playbooks: streams },
  { file: 'kubernetes/reach.ts', playbooks: reach },
  { file: 'http1/framing.ts', playbooks: framing },
  { file: 'http1/head.ts', playbooks: head },
  { file: 'http1/responses.ts', playbooks: responses },
  { file: 'http2/frames.ts', playbooks: http2Frames },
  { file: 'http2/heads.ts', playbooks: http2Heads },
  { file: 'http2/streams.ts', playbooks: http2Streams },
  { file: 'oidc/tokens.ts', playbooks: tokens },
  { file: 'websocket/frames.ts', playbooks: frames },
  { file: 'spdy/frames.ts', playbooks: spdyFrames },
  { file: 'tls/connections.ts', playbooks: connections },
]
