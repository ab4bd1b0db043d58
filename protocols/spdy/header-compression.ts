// The zlib stream that the header blocks of one direction share: inflates each block under a cap, and deflates ours.
// Refuses what does not end on a byte at a flush, because then the next block would start in the middle of this one.

import {
  Z_BUF_ERROR,
  Z_DEFAULT_STRATEGY,
  Z_OK,
  Z_SYNC_FLUSH,
  ZStream,
  zlibDeflate,
  zlibDeflateInit2,
  zlibDeflateSetDictionary,
  zlibInflate,
  zlibInflateInit2,
  zlibInflateSetDictionary,
} from 'pako'
import { MisuseError } from '../errors.ts'
import { DICTIONARY, DICTIONARY_ID } from './dictionary.ts'
import { SpdyError, STATUS } from './errors.ts'

/** RFC 1950: 32 KiB window, level 9, a preset dictionary, and the dictionary's Adler-32. As Go writes it. */
const ZLIB_HEADER = Uint8Array.of(
  0x78,
  0xf9,
  DICTIONARY_ID >>> 24,
  (DICTIONARY_ID >>> 16) & 0xff,
  (DICTIONARY_ID >>> 8) & 0xff,
  DICTIONARY_ID & 0xff,
)
const PRESET_DICTIONARY = 0x20
const WINDOW = 32_768
const RAW_WINDOW_BITS = -15
const DEFLATED = 8
// Of our own deflate; the hash is zlib's, because the table of pako's own is 64 KB.
const LEVEL = 9
const OWN_WINDOW_BITS = -12
const MEMORY_LEVEL = 4
const ZLIB_HASH = true
/** Bytes inflated between two looks at the cap. */
const STEP = 4_096
/** zlib's data_type after inflate: at the start of a block, not past the last one, no bit of the last byte unused. */
const AT_BLOCK_START = 128

/**
 * Between two blocks all that an inflater knows is its window: what it has inflated so far. So that is all that is
 * kept (1.5 KB for a kubectl session, where an open inflater would hold 42 KB), and each block gets a fresh inflater.
 */
export class HeaderInflater {
  readonly #limit: number
  #history = DICTIONARY
  #started = false

  /** `limit`: the most bytes that one block may become. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** The name/value block in `deflated`, a copy. Blocks must be given in the order of their frames, none left out. */
  inflate(deflated: Uint8Array): Uint8Array {
    let input = deflated
    if (!this.#started) {
      if (!startsWithDictionary(deflated)) throw new SpdyError(...NO_DICTIONARY)
      input = deflated.subarray(ZLIB_HEADER.length)
      this.#started = true
    }
    // Go hands out what it has inflated only at this marker; a block that ends otherwise would stay in its buffers.
    if (!endsInSyncFlush(input)) throw new SpdyError(...NO_FLUSH)
    const block = this.#inflate(input)
    this.#history = lastBytes(this.#history, block)
    return block
  }

  #inflate(input: Uint8Array): Uint8Array {
    const stream = new ZStream()
    zlibInflateInit2(stream, RAW_WINDOW_BITS)
    zlibInflateSetDictionary(stream, this.#history)
    stream.input = input
    stream.avail_in = input.length
    const pieces: Uint8Array[] = []
    let length = 0
    do {
      stream.output = new Uint8Array(STEP)
      stream.next_out = 0
      stream.avail_out = STEP
      const status = zlibInflate(stream, Z_SYNC_FLUSH)
      if (status !== Z_OK && status !== Z_BUF_ERROR) throw new SpdyError(...BAD_DEFLATE)
      length += stream.next_out
      if (length > this.#limit) throw new SpdyError(...TOO_LARGE)
      pieces.push(stream.output.subarray(0, stream.next_out))
    } while (stream.avail_out === 0 && !isAtEnd(stream))
    if (!isAtEnd(stream)) throw new SpdyError(...NO_BLOCK_END)
    return pieces.length === 1 ? pieces[0]! : concat(pieces, length)
  }
}

/**
 * Deflates header blocks of our own into a direction where `passed` blocks of the peer behind us went before. Behind
 * those, deflate starts anew in the middle of the zlib stream with an empty window: its back-references reach only
 * into what it wrote itself, so the receiver's window, which holds those and more, gives the same bytes.
 */
export class HeaderDeflater {
  readonly #stream = new ZStream()
  #prefix: Uint8Array

  constructor(passed: number) {
    // 4 KiB of window is plenty: 35 KB in all instead of 260. The zlib header may promise more than is used.
    zlibDeflateInit2(this.#stream, LEVEL, DEFLATED, OWN_WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY, ZLIB_HASH)
    this.#prefix = NOTHING
    if (passed === 0) {
      this.#prefix = ZLIB_HEADER
      zlibDeflateSetDictionary(this.#stream, DICTIONARY)
    }
  }

  deflate(block: Uint8Array): Uint8Array {
    const stream = this.#stream
    // zlib's deflateBound, and room for the flush marker: one call is enough.
    const bound = block.length + (block.length >> 3) + (block.length >> 6) + 32
    stream.output = new Uint8Array(this.#prefix.length + bound)
    stream.output.set(this.#prefix)
    stream.next_out = this.#prefix.length
    stream.avail_out = bound
    stream.input = block
    stream.next_in = 0
    stream.avail_in = block.length
    const status = zlibDeflate(stream, Z_SYNC_FLUSH)
    if (status !== Z_OK || stream.avail_in !== 0 || stream.avail_out === 0) throw new MisuseError('deflate ran short')
    this.#prefix = NOTHING
    return stream.output.subarray(0, stream.next_out)
  }
}

type Fault = [code: SpdyError['code'], rule: string, explanation: string]
const NO_DICTIONARY: Fault = [
  STATUS.PROTOCOL_ERROR,
  'spdy.compression.dictionary',
  'the first header block must name the SPDY/3 dictionary and a 32 KiB window',
]
const NO_FLUSH: Fault = [
  STATUS.PROTOCOL_ERROR,
  'spdy.compression.no_flush',
  'a header block must end in a zlib sync flush',
]
const BAD_DEFLATE: Fault = [
  STATUS.PROTOCOL_ERROR,
  'spdy.compression.bad_deflate',
  'a header block does not inflate or ends the zlib stream',
]
const TOO_LARGE: Fault = [
  STATUS.FRAME_TOO_LARGE,
  'spdy.compression.too_large',
  'a header block inflates to more than is allowed',
]
const NO_BLOCK_END: Fault = [
  STATUS.PROTOCOL_ERROR,
  'spdy.compression.no_block_end',
  'a header block ends within a deflate block',
]

const NOTHING = new Uint8Array(0)

function startsWithDictionary(block: Uint8Array): boolean {
  if (block.length < ZLIB_HEADER.length || block[0] !== ZLIB_HEADER[0]) return false
  // The level bits may differ; with them the check bits do (RFC 1950: the 16 bits are a multiple of 31).
  if ((block[1]! & PRESET_DICTIONARY) === 0 || ((block[0]! << 8) | block[1]!) % 31 !== 0) return false
  for (let at = 2; at < ZLIB_HEADER.length; at++) if (block[at] !== ZLIB_HEADER[at]) return false
  return true
}

function isAtEnd(stream: ZStream): boolean {
  return stream.avail_in === 0 && stream.data_type === AT_BLOCK_START
}

/** An empty stored block: 00 00 ff ff behind the padded block header (RFC 1951 section 3.2.4). */
function endsInSyncFlush(block: Uint8Array): boolean {
  const end = block.length
  return end >= 4 && block[end - 4] === 0 && block[end - 3] === 0 && block[end - 2] === 0xff && block[end - 1] === 0xff
}

/** The window behind `block`: at most 32 KiB. */
function lastBytes(history: Uint8Array, block: Uint8Array): Uint8Array {
  if (block.length >= WINDOW) return block.slice(block.length - WINDOW)
  const kept = history.subarray(Math.max(0, history.length + block.length - WINDOW))
  return concat([kept, block], kept.length + block.length)
}

function concat(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
