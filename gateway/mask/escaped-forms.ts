// A secret value -> what it looks like as a string of JSON, and of JSON within that: manifests in annotations, objects in error
// messages. Text masks read one escape themselves; deeper ones they know by these.

import { innerSecrets } from '../../protocols/detect/inner-secrets.ts'
import { isLearnable } from '../../protocols/detect/learnable.ts'
import { limits } from '../../protocols/limits.ts'

/** Characters that JSON escapes; Go does so with those of HTML too (encoding/json, SetEscapeHTML), and with two line ends. */
const ESCAPED = /["\\<>&\u0000-\u001f\u2028\u2029]/
const HTML = /[<>&\u2028\u2029]/g

/** An error that quotes an object holds its annotations' manifests in three strings, one in another, and is itself in a fourth. */
const LEVELS = 3
/** Longer values are of several lines, which are learned one by one, or JSON, whose strings are. */
const LONGEST = 512
/** Backslashes double with each level. */
const LONGEST_FORM = 2_048

/** Of a value and of the secrets within it; none where no escape changes anything. */
export function escapedForms(value: Uint8Array): readonly Uint8Array[] {
  if (value.length > LONGEST) return NONE
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8')
  if (!ESCAPED.test(text)) return NONE
  const forms = new Set<string>()
  for (const secret of [value, ...innerSecrets(value, limits.detect.learnedDepth)]) {
    // The forms of a word are no words.
    if (secret.length >= limits.detect.learnedShortest && isLearnable(secret)) addForms(secret, forms)
  }
  return [...forms].map((form) => Buffer.from(form))
}

const NONE: readonly Uint8Array[] = []

function addForms(secret: Uint8Array, forms: Set<string>): void {
  const text = Buffer.from(secret).toString('utf8')
  // The strings of JSON are secrets of their own.
  if (!ESCAPED.test(text) || /^\s*[[{]/.test(text)) return
  for (const escaped of [asGo, asMostDo]) {
    let form = text
    for (let level = 0; level < LEVELS; level += 1) {
      form = escaped(form)
      if (form === text || form.length > LONGEST_FORM) break
      forms.add(form)
    }
  }
}

function asMostDo(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function asGo(text: string): string {
  return asMostDo(text).replace(HTML, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
