// Tokens that say whose they are: a fixed beginning, then a row of characters of a known set and length. A row that is
// shorter, or that goes on, is something else.

import { BASE64URL, byteClass, skipClass, WORD } from '../classes.ts'
import { type Anchor, type Found, LIVE, type Matcher, NONE, type Outcome, type Window } from '../match.ts'

interface Shape {
  readonly prefix: string
  readonly characters: Uint8Array
  /** Characters behind the prefix. */
  readonly least: number
  /** Infinity: masked on as it comes. */
  readonly most: number
}

interface TokenKind {
  readonly detector: string
  readonly about: string
  readonly shapes: readonly Shape[]
}

const LETTERS = byteClass('A-Za-z0-9')

const HYPHENATED = byteClass('A-Za-z0-9-')
const DOTTED = byteClass('A-Za-z0-9_.-')
const OPEN = Number.POSITIVE_INFINITY

function shape(prefix: string, characters: Uint8Array, least: number, most = least): Shape {
  return { prefix, characters, least, most }
}

const KINDS: readonly TokenKind[] = [
  {
    detector: 'github',
    about: 'GitHub tokens: ghp_, gho_, ghu_, ghs_, ghr_, github_pat_',
    shapes: [
      ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) => shape(prefix, LETTERS, 36, 255)),
      shape('github_pat_', WORD, 40, 255),
    ],
  },
  {
    detector: 'gitlab',
    about: 'GitLab tokens: glpat-, gldt-, glrt-, glcbt-, glptt-, glft-, glsoat-, glagent-, GR1348941',
    shapes: [
      ...['glpat-', 'gldt-', 'glrt-', 'glcbt-', 'glptt-', 'glft-', 'glsoat-', 'glimt-', 'gloas-'].map((prefix) =>
        shape(prefix, DOTTED, 20, 300),
      ),
      shape('glagent-', BASE64URL, 50, 50),
      shape('GR1348941', BASE64URL, 20, 20),
    ],
  },
  {
    detector: 'slack',
    about: 'Slack tokens (xoxb-, xoxp-, xoxa-, xoxe-, xoxr-, xoxs-, xapp-) and webhook paths',
    shapes: [
      ...['xoxb-', 'xoxp-', 'xoxa-', 'xoxe-', 'xoxr-', 'xoxs-', 'xoxc-', 'xoxd-', 'xoxe.'].map((prefix) =>
        shape(prefix, byteClass('A-Za-z0-9.-'), 20, 400),
      ),
      shape('xapp-', HYPHENATED, 40, 400),
      shape('hooks.slack.com/services/', byteClass('A-Za-z0-9/_'), 20, 200),
    ],
  },
  {
    detector: 'google',
    about: 'Google API keys (AIza) and OAuth tokens (ya29., 1//0, GOCSPX-)',
    shapes: [shape('AIza', BASE64URL, 35, 35), shape('ya29.', DOTTED, 20, OPEN), shape('GOCSPX-', BASE64URL, 28, 28)],
  },
  {
    detector: 'eks-token',
    about: 'tokens of aws eks get-token: k8s-aws-v1.',
    shapes: [shape('k8s-aws-v1.', BASE64URL, 32, OPEN)],
  },
  {
    detector: 'npm',
    about: 'npm tokens: npm_',
    shapes: [shape('npm_', LETTERS, 36, 36)],
  },
  {
    detector: 'pypi',
    about: 'PyPI tokens: pypi-',
    shapes: [shape('pypi-AgEIcHlwaS5vcmc', BASE64URL, 50, OPEN)],
  },
  {
    detector: 'docker-hub',
    about: 'Docker Hub tokens: dckr_pat_, dckr_oat_',
    shapes: ['dckr_pat_', 'dckr_oat_'].map((prefix) => shape(prefix, BASE64URL, 27, 60)),
  },
  {
    detector: 'stripe',
    about: 'Stripe keys: sk_live_, rk_live_, sk_test_, rk_test_, whsec_',
    shapes: [
      ...['sk_live_', 'rk_live_', 'sk_test_', 'rk_test_'].map((prefix) => shape(prefix, LETTERS, 16, 250)),
      shape('whsec_', byteClass('A-Za-z0-9+/'), 32, 64),
    ],
  },
  {
    detector: 'openai',
    about: 'OpenAI keys: sk-proj-, sk-svcacct-, sk-admin-',
    shapes: ['sk-proj-', 'sk-svcacct-', 'sk-admin-'].map((prefix) => shape(prefix, BASE64URL, 40, 300)),
  },
  {
    detector: 'anthropic',
    about: 'Anthropic keys: sk-ant-',
    shapes: [shape('sk-ant-', BASE64URL, 40, 300)],
  },
]

export const tokens = KINDS.map((kind) => ({
  detector: kind.detector,
  about: kind.about,
  matcher: tokenMatcher(kind),
}))

function tokenMatcher({ detector, shapes }: TokenKind): Matcher {
  const anchors: Anchor[] = shapes.map(({ prefix }) => ({ literal: prefix, anyCase: false, isMasked: true }))
  return {
    detector,
    anchors,
    match: (window, at, found) => {
      if (at > 0 && WORD[window.text[at - 1]!] === 1) return NONE
      let outcome: Outcome = NONE
      for (const each of shapes) {
        const said = matchShape(each, window, at, found)
        if (said !== NONE && said !== LIVE) return said
        if (said === LIVE) outcome = LIVE
      }
      return outcome === LIVE ? found.live(at, found.isSure) : NONE
    },
  }
}

function matchShape({ prefix, characters, least, most }: Shape, window: Window, at: number, found: Found): Outcome {
  const { text, end, isFinal } = window
  for (let index = 0; index < prefix.length; index++) {
    if (at + index >= end) return isFinal ? NONE : found.live(at, false)
    if (text[at + index] !== prefix.charCodeAt(index)) return NONE
  }
  const from = at + prefix.length
  const longest = Math.min(end, from + (most === OPEN ? least : most + 1))
  const to = skipClass(text, from, longest, characters)
  if (to === end && !isFinal && to - from <= most && !(most === OPEN && to - from >= least)) return found.live(at, true)
  if (to - from < least || to - from > most) return NONE
  return found.mask(at, to, most === OPEN ? characters : undefined)
}
