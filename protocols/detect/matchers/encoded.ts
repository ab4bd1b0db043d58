// Private keys and tokens in base64, as kubeconfigs and Secrets have them: what a base64 text begins with tells what is in it.
// Certificates in base64 begin alike, and pass.

import { BASE64_ANY, byteClass, skipClass } from '../classes.ts'
import { type Found, type Matcher, NONE, type Outcome, type Window } from '../match.ts'

const BASE64 = byteClass('A-Za-z0-9+/')
/** Enough for "-----BEGIN ENCRYPTED PRIVATE KEY-----", and for a token's first part to name an algorithm. */
const READ = 64
const SURE = 20

function encoded(detector: string, literals: readonly string[], isSecret: (text: string) => boolean): Matcher {
  return {
    detector,
    anchors: literals.map((each) => ({ literal: each, anyCase: false, isMasked: true })),
    match: ({ text, end, isFinal }: Window, at: number, found: Found): Outcome => {
      if (at > 0 && BASE64_ANY[text[at - 1]!] === 1) return NONE
      const to = skipClass(text, at, Math.min(end, at + READ), BASE64)
      if (to === end && to - at < READ && !isFinal) return found.live(at, false)
      const characters = Buffer.from(text.subarray(at, to)).toString('latin1')
      if (to - at < SURE || !literals.some((each) => characters.startsWith(each))) return NONE
      if (!isSecret(Buffer.from(characters, 'base64').toString('latin1'))) return NONE
      const outcome = found.mask(at, to, to - at === READ ? BASE64 : undefined)
      found.isBase64 = true
      return outcome
    },
  }
}

export const encodedPrivateKeys: readonly Matcher[] = [
  encoded('private-key', ['LS0tLS1CRUdJTi'], (text) => /^-----BEGIN (\w+ )*PRIVATE KEY/.test(text)),
]

export const encodedTokens: readonly Matcher[] = [
  encoded('jwt', ['ZXlKaGJHY', 'ZXlKMGVYQ', 'ZXlKcmFXU'], (text) => /^eyJ[\w-]+(\.[\w-]*)*$/.test(text)),
]
