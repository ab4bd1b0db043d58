// Recorded terminal output -> text that draws the same picture and can do nothing else to the terminal it is replayed on.
// An allow-list: printable characters, and escape sequences that colour, move the cursor or erase. Everything that asks
// the terminal for an answer, sets its title, clipboard, modes or keys, or reaches beyond the screen is left out.

/** Longest parameter text of a sequence that is kept; SGR of direct colours is the longest in use. */
const PARAMETERS = 96
/** Largest number in a sequence: a screen is smaller. */
const LARGEST = 9_999
/** Longest string (OSC, DCS, APC, PM, SOS) that is left out whole: past it the rest is shown, so that nothing hides there. */
const STRING_LENGTH = 65_536
/** Largest repeat count (REP): one line of a wide screen. */
const REPEATS = 500

const GROUND = 0
const ESCAPE = 1
const CONTROL = 2
const STRING = 3
const STRING_ESCAPE = 4
const CHARSET = 5
/** An escape or control sequence that is not kept, until its final byte. */
const IGNORED_ESCAPE = 6
const IGNORED_CONTROL = 7

/** DEC private modes that only concern the picture: cursor visible, autowrap, and the alternate screen in three forms. */
const MODES: ReadonlySet<string> = new Set(['7', '25', '47', '1047', '1049'])

/** CSI finals by what their parameters may be. ECMA-48 section 8.3; xterm's ctlseqs names the meanings. */
const CURSOR_FINALS = 'ABCDEFGHIZ`adef'
const EDIT_FINALS = '@PLMXS'

/**
 * Characters that are left out although they are not controls: they reverse or hide what stands around them, so that a
 * reader sees another command than the one that ran.
 */
const DECEPTIVE = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/

/**
 * The filter of one stream of one tape. Feed it chunks as they were cut; what it returns is always whole sequences and
 * whole characters, so two filters may write to the same terminal.
 */
export class TerminalFilter {
  /** How many sequences and control characters were left out. */
  dropped = 0
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #state = GROUND
  #parameters = ''
  #charset = ''
  #length = 0
  /** Set where the terminal differs from its rest: what `reset` has to undo. */
  #coloured = false
  #alternate = ''
  #hidden = false
  #unwrapped = false
  #region = false
  #drawing = false

  /** The safe part of these bytes. Broken UTF-8 becomes U+FFFD. */
  filter(bytes: Uint8Array): string {
    return this.#take(this.#decoder.decode(bytes, { stream: true }))
  }

  /** What is left at the end (a broken character), and what puts the terminal back to rest. */
  end(): string {
    const rest = this.#take(this.#decoder.decode())
    if (this.#state !== GROUND) this.dropped++
    this.#state = GROUND
    return rest + this.#reset()
  }

  #take(text: string): string {
    let out = ''
    for (const character of text) out += this.#next(character, character.codePointAt(0) as number)
    return out
  }

  #next(character: string, code: number): string {
    // CAN and SUB end any sequence; ESC starts a new one (ECMA-48, VT500 parser), except that it may end a string.
    if (code === 0x18 || code === 0x1a) return this.#drop()
    if (code === 0x1b) {
      if (this.#state === STRING) this.#state = STRING_ESCAPE
      else this.#begin()
      return ''
    }
    switch (this.#state) {
      case GROUND:
        return this.#ground(character, code)
      case ESCAPE:
        return this.#escape(character, code)
      case CONTROL:
        return this.#control(character, code)
      case STRING:
        // BEL ends an OSC in xterm; for the other strings ending early costs nothing, as the rest is filtered as well.
        return code === 0x07 || code === 0x9c || ++this.#length > STRING_LENGTH ? this.#drop() : ''
      case STRING_ESCAPE:
        if (character === '\\') return this.#drop()
        this.dropped++
        this.#state = ESCAPE
        return this.#escape(character, code)
      case CHARSET:
        return this.#designate(character)
      default:
        if (code < 0x20) return allowedControl(character)
        return code >= (this.#state === IGNORED_ESCAPE ? 0x30 : 0x40) ? this.#drop() : ''
    }
  }

  #begin(): void {
    if (this.#state !== GROUND) this.dropped++
    this.#state = ESCAPE
    this.#parameters = ''
  }

  #drop(): string {
    this.dropped++
    this.#state = GROUND
    return ''
  }

  #keep(sequence: string): string {
    this.#state = GROUND
    return sequence
  }

  #ground(character: string, code: number): string {
    if (code >= 0x20 && code < 0x7f) return character
    if (code < 0x20) {
      const kept = allowedControl(character)
      if (kept === '') this.dropped++
      return kept
    }
    if (code < 0xa0) {
      // C1 as UTF-8: terminals that honour these see CSI, OSC and DCS. What follows is then plain text.
      this.dropped++
      return ''
    }
    if (DECEPTIVE.test(character)) {
      this.dropped++
      return '\ufffd'
    }
    return character
  }

  #escape(character: string, code: number): string {
    if (code < 0x20) return allowedControl(character)
    switch (character) {
      case '[':
        this.#state = CONTROL
        return ''
      case ']': // OSC: title, clipboard, links, colours
      case 'P': // DCS: DECRQSS, sixel, key definitions
      case '_': // APC
      case '^': // PM
      case 'X': // SOS
        this.#state = STRING
        this.#length = 0
        return ''
      case '(':
      case ')':
        this.#state = CHARSET
        this.#charset = character
        return ''
      case '7': // DECSC
      case '8': // DECRC
      case 'D': // IND
      case 'E': // NEL
      case 'M': // RI
        return this.#keep(`\x1b${character}`)
      default:
        if (code >= 0x20 && code <= 0x2f) {
          this.#state = IGNORED_ESCAPE
          return ''
        }
        return this.#drop()
    }
  }

  /** Only ASCII and the line-drawing set, and only into G0: G1 needs a shift, which is not passed. */
  #designate(character: string): string {
    if (this.#charset !== '(' || (character !== '0' && character !== 'B')) return this.#drop()
    this.#drawing = character === '0'
    return this.#keep(`\x1b(${character}`)
  }

  #control(character: string, code: number): string {
    if (code < 0x20) return allowedControl(character)
    if (code < 0x40) {
      if (this.#parameters.length >= PARAMETERS) this.#state = IGNORED_CONTROL
      else this.#parameters += character
      return ''
    }
    if (code > 0x7e) return this.#drop()
    const parameters = this.#permitted(character)
    if (parameters === undefined) return this.#drop()
    return this.#keep(`\x1b[${parameters}${character}`)
  }

  /** The parameters to write with this final byte, or undefined if the sequence is not passed. */
  #permitted(final: string): string | undefined {
    const text = this.#parameters
    if (final === 'h' || final === 'l') return this.#modes(text, final === 'h')
    if (final === 'm') {
      // `>` and `?` before an m set or ask for keyboard options.
      if (!/^[0-9;:]*$/.test(text)) return undefined
      this.#coloured = true
      return text
    }
    if (!/^[0-9;]*$/.test(text)) return undefined
    const numbers = text === '' ? [] : text.split(';')
    if (numbers.some((number) => number.length > 4 || Number(number) > LARGEST)) return undefined
    if (CURSOR_FINALS.includes(final)) return numbers.length <= 2 ? text : undefined
    if (EDIT_FINALS.includes(final)) return numbers.length <= 1 ? text : undefined
    switch (final) {
      case 'J': // 3 would erase what the reader had on the terminal before
      case 'K':
        return /^[012]?$/.test(text) ? text : undefined
      case 'T': // with five numbers it starts mouse tracking
        return numbers.length <= 1 ? text : undefined
      case 'b':
        return numbers.length <= 1 && Number(text) <= REPEATS ? text : undefined
      case 'r':
        this.#region = true
        return numbers.length <= 2 ? text : undefined
      case 's': // with numbers it sets margins
      case 'u':
        return text === '' ? text : undefined
      default:
        return undefined
    }
  }

  #modes(text: string, on: boolean): string | undefined {
    if (!/^\?[0-9;]+$/.test(text)) return undefined
    const asked = text.slice(1).split(';')
    const kept = asked.filter((mode) => MODES.has(mode))
    if (kept.length === 0) return undefined
    if (kept.length < asked.length) this.dropped++
    for (const mode of kept) {
      if (mode === '25') this.#hidden = !on
      else if (mode === '7') this.#unwrapped = !on
      else this.#alternate = on ? mode : ''
    }
    return `?${kept.join(';')}`
  }

  #reset(): string {
    let sequence = ''
    if (this.#drawing) sequence += '\x1b(B'
    if (this.#region) sequence += '\x1b7\x1b[r\x1b8'
    if (this.#alternate !== '') sequence += `\x1b[?${this.#alternate}l`
    if (this.#unwrapped) sequence += '\x1b[?7h'
    if (this.#hidden) sequence += '\x1b[?25h'
    if (this.#coloured) sequence += '\x1b[0m'
    this.#drawing = this.#region = this.#unwrapped = this.#hidden = this.#coloured = false
    this.#alternate = ''
    return sequence
  }
}

function allowedControl(character: string): string {
  return character === '\n' || character === '\r' || character === '\t' || character === '\b' ? character : ''
}
