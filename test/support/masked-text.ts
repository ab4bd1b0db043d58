// Runs text through a masker, whole and under every cut, and gives back what came out.

import assert from 'node:assert/strict'
import type { MaskerOptions, TextMaskers } from '../../protocols/kube/text-masker.ts'
import { assertAnyCut, type Machine } from './cut.ts'

/** What came out of a masker. */
export interface MaskedText {
  readonly text: string
  readonly rules: string
  readonly count: number
}

interface Piece {
  readonly original: Uint8Array
  readonly masked: Uint8Array
}

/** Masks a text given whole. Strings are latin1: one character a byte. */
export function maskText(
  maskers: TextMaskers,
  text: string | Uint8Array,
  how: boolean | MaskerOptions = false,
): MaskedText {
  const masker = maskers.masker(optionsOf(how))
  const parts: Uint8Array[] = []
  for (const { original, masked } of [masker.receive(bytesOf(text)), masker.end()]) {
    assert.equal(masked.length, original.length)
    parts.push(new Uint8Array(masked))
  }
  return { text: Buffer.concat(parts).toString('latin1'), rules: '', count: 0, ...masker.taken() }
}

/** The same, and asserts that it comes out alike however it was cut, and that the original comes out as it went in. */
export function maskAnyCut(
  maskers: TextMaskers,
  text: string | Uint8Array,
  how: boolean | MaskerOptions = false,
): MaskedText {
  const heard = assertAnyCut(() => machine(maskers, optionsOf(how)), bytesOf(text), {
    end: true,
    join: (earlier, later) => ({
      original: new Uint8Array(Buffer.concat([earlier.original, later.original])),
      masked: new Uint8Array(Buffer.concat([earlier.masked, later.masked])),
    }),
    observe: ({ taken }) => taken(),
  })
  const [piece] = heard.events
  if (piece === undefined) return { text: '', rules: '', count: 0 }
  assert.equal(Buffer.from(piece.original).toString('latin1'), Buffer.from(bytesOf(text)).toString('latin1'))
  return {
    text: Buffer.from(piece.masked).toString('latin1'),
    rules: '',
    count: 0,
    ...(heard.observed as Partial<MaskedText> | undefined),
  }
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? Buffer.from(text, 'latin1') : text
}

/** True: a terminal. */
function optionsOf(how: boolean | MaskerOptions): MaskerOptions {
  return typeof how === 'boolean' ? { terminal: how } : how
}

function machine(maskers: TextMaskers, options: MaskerOptions): Machine<Piece> & { taken(): unknown } {
  const masker = maskers.masker(options)
  const keep = ({ original, masked }: Piece): Piece[] =>
    original.length === 0 ? [] : [{ original: Buffer.from(original), masked: Buffer.from(masked) }]
  return {
    receive: (bytes) => keep(masker.receive(bytes)),
    receiveEnd: () => keep(masker.end()),
    taken: () => masker.taken(),
  }
}
