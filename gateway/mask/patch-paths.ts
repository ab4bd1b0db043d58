// What a JSON patch's pointers (RFC 6901) name in a tree of masked fields; and whether a patch (RFC 6902) takes a value out
// of them, to where nobody masks it.

import { around, FieldNode } from './field-tree.ts'

export const EVERYTHING = new FieldNode('', 'text')

/** What the tree has at a pointer; undefined where nothing there is masked. What stands before the first "/" counts for nothing, as for the API server. */
export function nodeAt(tree: FieldNode, pointer: string): FieldNode | undefined {
  let node: FieldNode | undefined = tree
  for (const token of pointer.split('/').slice(1)) {
    if (node === undefined) return undefined
    // Which of the named elements it is, only the object knows, and the API server takes "-1" and "+0" for a place too: all of
    // them may be masked.
    if (node.named !== undefined) node = around(['value'], EVERYTHING)
    else node = node.below(token.replaceAll('~1', '/').replaceAll('~0', '~'))
  }
  return node
}

/**
 * The place of the first operation that copies or moves masked values to where they are not masked alike, or changes the name
 * that an element is masked by; -1: none does.
 */
export function movedOut(operations: unknown, tree: FieldNode): number {
  if (!Array.isArray(operations)) return -1
  return operations.findIndex((operation: unknown) => {
    if (typeof operation !== 'object' || operation === null) return false
    const { op, from, path } = operation as { readonly op?: unknown; readonly from?: unknown; readonly path?: unknown }
    if (op !== 'test' && isName(tree, path)) return true
    if (op === 'move' && isName(tree, from)) return true
    if ((op !== 'copy' && op !== 'move') || typeof from !== 'string' || typeof path !== 'string') return false
    const source = nodeAt(tree, from)
    return source !== undefined && !isAlike(source, nodeAt(tree, path))
  })
}

/** Whether a pointer ends at the name of an element that is masked, or not, by it. */
function isName(tree: FieldNode, pointer: unknown): boolean {
  const [, element = '', name] = typeof pointer === 'string' ? (/^(.*)\/[^/]*\/(name)$/s.exec(pointer) ?? []) : []
  return name !== undefined && nodeAt(tree, element)?.named !== undefined
}

/** Both are masked whole, by the same rule and in the same form. */
function isAlike(one: FieldNode, other: FieldNode | undefined): boolean {
  return other?.isLeaf === true && one.isLeaf && one.form === other.form && one.rule === other.rule
}
