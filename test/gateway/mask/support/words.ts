// A text masker that looks for a few words: what stands for each is as long. It holds back what may be the beginning of one.

import type { Shown, TextMasked, TextMasker, TextMaskers } from '../../../../protocols/kube/text-masker.ts'

export function wordMaskers(words: readonly string[] | Set<string>): TextMaskers {
  return { masker: () => new WordMasker([...words]) }
}

class WordMasker implements TextMasker {
  readonly #words: readonly string[]
  #held = ''
  #count = 0
  /** Lent until the next call, as a masker's memory may be. */
  #lent: Buffer[] = []

  constructor(words: readonly string[]) {
    this.#words = words
  }

  get held(): number {
    return this.#held.length
  }

  receive(bytes: Uint8Array): Shown {
    const text = this.#held + Buffer.from(bytes).toString('latin1')
    let held = 0
    for (const word of this.#words) {
      for (let length = 1; length < word.length; length += 1) {
        if (text.endsWith(word.slice(0, length)) && length > held) held = length
      }
    }
    this.#held = text.slice(text.length - held)
    return this.#shown(text.slice(0, text.length - held))
  }

  flush(): Shown {
    const text = this.#held
    this.#held = ''
    return this.#shown(text)
  }

  end(): Shown {
    return this.flush()
  }

  taken(): TextMasked | undefined {
    if (this.#count === 0) return undefined
    const count = this.#count
    this.#count = 0
    return { rules: 'word', count }
  }

  #shown(text: string): Shown {
    for (const buffer of this.#lent) buffer.fill('!')
    let masked = text
    for (const word of this.#words) {
      masked = masked.replaceAll(word, () => {
        this.#count += 1
        return '~'.repeat(word.length)
      })
    }
    const original = Buffer.from(text, 'latin1')
    const shown = { original, masked: masked === text ? original : Buffer.from(masked, 'latin1') }
    this.#lent = [shown.original, shown.masked]
    return shown
  }
}
