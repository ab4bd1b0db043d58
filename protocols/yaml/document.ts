// YAML text into the nodes of its one document, with their places in the text. Refuses what the API server does not write
// and readers of YAML read differently: other documents, directives, anchors, aliases, tags, merge keys, odd characters.

import { Composer, type CST, type Document, isScalar, Lexer, type Node, type Pair, Parser, type Scalar } from 'yaml'
import type { Limits } from '../limits.ts'
import { YamlError } from './errors.ts'

export type YamlBounds = Pick<Limits['mask'], 'depth' | 'key' | 'number' | 'yamlTokens'>

/**
 * Line breaks of YAML 1.1 that are none in 1.2 (NEL, LS, PS; and CR, which the reader takes with LF alone), and what is not
 * printable. The API server writes them as escapes.
 */
const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]/

/** Undefined where the text means nothing at all. Throws YamlError. */
export function readDocument(text: string, bounds: YamlBounds): Node | undefined {
  if (ODD.test(text)) throw new YamlError('yaml.character', 'a character that not every reader takes for the same')
  const tokens = tokensOf(text, bounds)
  // Words are read in scalar.ts; keys that come twice are found where all keys are seen.
  const options = { schema: 'failsafe', uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const
  const documents = [...new Composer(options).compose(tokens, false)] as Document.Parsed[]
  const document = documents[0]
  if (document === undefined) return undefined
  if (documents.length > 1) throw new YamlError('yaml.documents', 'more than one document')
  if (document.errors.length > 0) throw new YamlError('yaml.syntax', 'something that is no YAML')
  if (document.warnings.length > 0) throw new YamlError('yaml.tag', 'a tag that nobody knows')
  return document.contents ?? undefined
}

/** The reader's own steps, counted: its time goes by them, not by bytes; and what it composes by recursion must not be deep. Throws YamlError. */
export function tokensOf(text: string, bounds: Pick<YamlBounds, 'depth' | 'yamlTokens'>): CST.Token[] {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  let count = 0
  for (const lexeme of new Lexer().lex(text)) {
    count += 1
    if (count > bounds.yamlTokens) throw new YamlError('yaml.tokens', 'a text of more parts than is taken')
    // Composing takes a place in the stack for each that is open.
    if (parser.stack.length > bounds.depth) throw new YamlError('yaml.depth', 'values nest deeper than is taken')
    tokens.push(...parser.next(lexeme))
  }
  tokens.push(...parser.end())
  if (tokens.some((token) => token.type === 'directive')) throw new YamlError('yaml.directive', 'a directive')
  return tokens
}

/** A node that stands for itself. Throws YamlError. */
export function assertPlainNode(node: Node): void {
  if (node.tag !== undefined) throw new YamlError('yaml.tag', 'a tag')
  if ('anchor' in node && node.anchor !== undefined) throw new YamlError('yaml.anchor', 'an anchor')
}

/** The key of a pair. Throws YamlError where it is no scalar, or a merge key. */
export function keyOf(pair: Pair): Scalar<string> {
  const { key } = pair
  if (!isScalar<string>(key) || typeof key.value !== 'string') throw new YamlError('yaml.key', 'a key that is no word')
  assertPlainNode(key)
  if (key.type === 'PLAIN' && key.value === '<<') throw new YamlError('yaml.merge', 'a merge key')
  return key
}
