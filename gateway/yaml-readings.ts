// Whether a YAML text that parses as 1.2 means the same to the API server, whose reader is of 1.1 (go.yaml.in/yaml/v2): where
// it does not, an object could hide in a comment or behind a key's name from all who judge it here.

import { type Document, isAlias, isCollection, isScalar, type Node, visit } from 'yaml'

/**
 * Line ends to the API server alone, at which a comment ends: NEL, LS, PS, and CR by itself. And a byte order mark past the
 * beginning, which it passes over at the start of any line.
 */
const ODD = /[\u0085\u2028\u2029]|\r(?!\n)|(?<!^)\ufeff/

/** Asked of JSON too that is sent as YAML. */
export function hasOddLineEnds(text: string): boolean {
  return ODD.test(text)
}

/** Tags (a merge key, base64) and what is a mark within brackets to it alone ("{?spec: x}", "[:x]") have two readings too. */
export function hasTwoReadings(text: string, document: Document): boolean {
  if (ODD.test(text)) return true
  let isOdd = false
  const check = (node: Node, isInFlow: boolean): void => {
    if (!isAlias(node) && node.tag !== undefined) isOdd = true
    if (isInFlow && isScalar(node) && node.type === 'PLAIN' && /^[?:]/.test(node.source ?? '')) isOdd = true
  }
  visit(document, {
    Node(_, node, path) {
      check(
        node as Node,
        path.some((around) => isCollection(around) && around.flow === true),
      )
      return isOdd ? visit.BREAK : undefined
    },
  })
  return isOdd
}
