// A YAML answer, masked as the JSON that it means: scalars are replaced where they stand, and every other byte stays.
// Refuses what is longer than is held, and what cannot be read with one meaning.

import { isUtf8 } from 'node:buffer'
import { isMap, isScalar, isSeq, type Node, type Scalar } from 'yaml'
import { MisuseError } from '../errors.ts'
import { ObjectMasker } from '../json/object.ts'
import type { BodyRewriter, BodyShape, FieldMasker } from '../kube/field-masker.ts'
import type { Limits } from '../limits.ts'
import { assertPlainNode, keyOf, readDocument, type YamlBounds } from './document.ts'
import { YamlError } from './errors.ts'
import { quoted, wordOf } from './scalar.ts'

const NOTHING = new Uint8Array(0)

/** Masks what stands in words without knowing their fields: as many, in the same order. */
export type MaskWords = (words: readonly string[]) => readonly string[]

export class YamlBody implements BodyRewriter {
  readonly #masker: FieldMasker
  readonly #bounds: Limits['mask']
  readonly #isWatch: boolean
  readonly #words: MaskWords | undefined
  #held: Uint8Array[] = []
  #length = 0

  /**
   * An object and a list are read alike; the API server has no watch in YAML, and one is refused. `words`: asked for the values
   * that `masker` leaves as they are, since lines of YAML are folded at blanks, and it has more escapes and quotes than JSON.
   */
  constructor(shape: BodyShape, masker: FieldMasker, bounds: Limits['mask'], words?: MaskWords) {
    this.#masker = masker
    this.#bounds = bounds
    this.#isWatch = shape === 'watch'
    this.#words = words
  }

  receive(bytes: Uint8Array): Uint8Array {
    if (this.#isWatch) throw new YamlError('yaml.watch', 'a watch in YAML')
    this.#length += bytes.length
    if (this.#length > this.#bounds.yaml) throw new YamlError('yaml.length', 'a text longer than is held for masking')
    this.#held.push(new Uint8Array(bytes))
    return NOTHING
  }

  end(): Uint8Array {
    const bytes = Buffer.concat(this.#held)
    this.#held = []
    if (!isUtf8(bytes)) throw new YamlError('yaml.utf8', 'the text is not UTF-8')
    const text = bytes.toString('utf8')
    const root = readDocument(text, this.#bounds)
    return root === undefined ? bytes : this.#masked(text, root)
  }

  #masked(text: string, root: Node): Uint8Array {
    const twin = new JsonTwin(root, this.#bounds)
    const masker = new ObjectMasker(this.#masker, this.#bounds)
    masker.find(twin.json, 0)
    const shown = new Map<number, Shown>()
    for (const { from, token } of masker.edits()) {
      shown.set(from, { value: JSON.parse(Buffer.from(token).toString()) as string, isLikeIt: false })
    }
    if (this.#words !== undefined) {
      const others = [...twin.places].filter(([at]) => !shown.has(at))
      const words = this.#words(others.map(([, { value }]) => value))
      for (const [index, [at, { value }]] of others.entries()) {
        const word = words[index] as string
        if (word !== value) shown.set(at, { value: word, isLikeIt: true })
      }
    }
    return shown.size === 0 ? Buffer.from(text) : replaced(text, twin.places, shown)
  }
}

/** `places` in the order of the text. */
function replaced(text: string, places: Places, shown: ReadonlyMap<number, Shown>): Uint8Array {
  const pieces: string[] = []
  let done = 0
  for (const [at, node] of places) {
    const inPlace = shown.get(at)
    if (inPlace === undefined) continue
    const { range } = node
    if (range === undefined || range === null) throw new MisuseError('a scalar that stands nowhere')
    const [start, end] = range
    // A tab in the indentation: the parser takes what is behind it for another key.
    if (node.type?.startsWith('BLOCK_') && end < text.length && text[end - 1] !== '\n') {
      throw new YamlError('yaml.block_end', 'a block that ends within a line')
    }
    const block = inPlace.isLikeIt ? asBlock(text.slice(start, end), node, inPlace.value) : undefined
    pieces.push(text.slice(done, start), block ?? quoted(inPlace.value))
    // A block scalar ends with its last line.
    if (text[end - 1] === '\n') pieces.push('\n')
    done = end
  }
  pieces.push(text.slice(done))
  return Buffer.from(pieces.join(''))
}

/** A literal block whose lines stay as many, with its blanks and without its last line end; undefined where it is none. */
function asBlock(source: string, { type, value: before }: Scalar<string>, value: string): string | undefined {
  if (type !== 'BLOCK_LITERAL') return undefined
  const [head = '', ...lines] = source.replace(/\n$/, '').split('\n')
  const was = before.split('\n')
  const is = value.split('\n')
  if (was.length !== is.length || was.length < lines.length) return undefined
  const shown: string[] = []
  for (const [index, line] of lines.entries()) {
    const content = was[index] as string
    if (!line.endsWith(content) || /\S/.test(line.slice(0, line.length - content.length))) return undefined
    shown.push(line.slice(0, line.length - content.length) + is[index])
  }
  return [head, ...shown].join('\n')
}

/** What stands in place of a scalar. */
interface Shown {
  readonly value: string
  /** The scalar itself but for some of its characters. */
  readonly isLikeIt: boolean
}

/** Scalars by where their strings begin in the JSON. */
type Places = ReadonlyMap<number, Scalar<string>>

/** The JSON that a document means, and where in the YAML its strings stand. */
class JsonTwin {
  readonly json: Buffer
  readonly #bounds: YamlBounds
  readonly #places = new Map<number, Scalar<string>>()
  readonly #pieces: string[] = []
  #length = 0

  /** Throws YamlError. */
  constructor(root: Node, bounds: YamlBounds) {
    this.#bounds = bounds
    this.#value(root)
    this.json = Buffer.from(this.#pieces.join(''))
  }

  get places(): Places {
    return this.#places
  }

  /** Nesting was bounded by the reader. */
  #value(node: Node | null): void {
    if (node !== null) assertPlainNode(node)
    if (node === null) this.#write('null')
    else if (isScalar<string>(node)) this.#scalar(node)
    else if (isSeq<Node>(node)) {
      this.#write('[')
      for (const [index, item] of node.items.entries()) {
        if (index > 0) this.#write(',')
        this.#value(item)
      }
      this.#write(']')
    } else if (isMap<unknown, Node | null>(node)) {
      const keys = new Set<string>()
      this.#write('{')
      for (const pair of node.items) {
        const key = keyOf(pair).value
        if (keys.has(key)) throw new YamlError('yaml.duplicate_key', 'a key is there twice')
        if (keys.size > 0) this.#write(',')
        keys.add(key)
        const name = JSON.stringify(key)
        if (Buffer.byteLength(name) > this.#bounds.key)
          throw new YamlError('yaml.key.length', 'a key longer than is taken')
        this.#write(`${name}:`)
        this.#value(pair.value)
      }
      this.#write('}')
    } else throw new YamlError('yaml.alias', 'an alias')
  }

  #scalar(node: Scalar<string>): void {
    const word = node.type === 'PLAIN' ? wordOf(node.value, this.#bounds.number) : undefined
    if (word === undefined) this.#places.set(this.#length, node)
    this.#write(word ?? JSON.stringify(node.value))
  }

  #write(piece: string): void {
    this.#length += Buffer.byteLength(piece)
    this.#pieces.push(piece)
  }
}
