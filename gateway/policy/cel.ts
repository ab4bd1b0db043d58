// The little that the gateway needs of cel-js's syntax tree, which its types do not show: walking it, naming what it calls,
// and charging its loops for what they do. Bound to the pinned version; the tests fail if another one is built differently.

import type { ParseResult } from '@marcbachmann/cel-js'
import type { Steps } from './steps.ts'

type Evaluate = (this: Node, evaluator: unknown, node: Node, context: unknown) => unknown

/** A node of the tree. `alternate` is the loop that a macro such as `all` stands for. */
export interface Node {
  readonly op: string
  args: unknown
  readonly start: number
  readonly end: number
  readonly meta: { readonly alternate?: Node }
  evaluate: Evaluate
}

/** The operands of a loop. */
interface Loop {
  readonly iterable: Node
  readonly init: Node
  readonly step: Node
}

export function rootOf(parsed: ParseResult): Node {
  return parsed.ast as unknown as Node
}

/** Every node as it is written, with the one around it; not what macros stand for. */
export function visit(root: Node, look: (node: Node, around: Node | undefined) => void): void {
  const descend = (node: Node, around: Node | undefined): void => {
    look(node, around)
    for (const child of childrenOf(node.args, root)) descend(child, node)
  }
  descend(root, undefined)
}

function childrenOf(args: unknown, like: Node): Node[] {
  if (args instanceof like.constructor) return [args as Node]
  return Array.isArray(args) ? args.flatMap((each) => childrenOf(each, like)) : []
}

/**
 * Makes every loop pay for all its turns before the first, and what is in its body for the long values that it touches;
 * so a loop that cannot pay never begins, also inside one that goes on over errors. Returns how deep loops are nested.
 */
export function meter(root: Node, steps: () => Steps): number {
  const descend = (node: Node, depth: number): number => {
    const { alternate } = node.meta
    if (alternate !== undefined) return descend(alternate, depth)
    if (depth > 0) after(node, (value) => chargeValue(steps(), value))
    if (node.op !== 'comprehension') {
      return Math.max(depth, ...childrenOf(node.args, root).map((child) => descend(child, depth)))
    }
    const { iterable, init, step } = node.args as Loop
    const deepest = Math.max(descend(iterable, depth), descend(init, depth), descend(step, depth + 1))
    const size = sizeOf(step, root)
    after(iterable, (value) => steps().take(lengthOf(value) * size))
    return deepest
  }
  return descend(root, 0)
}

/** Nodes that one turn evaluates at most. */
function sizeOf(node: Node, root: Node): number {
  const { alternate } = node.meta
  if (alternate !== undefined) return sizeOf(alternate, root)
  // A loop inside pays for itself.
  if (node.op === 'comprehension') return 1 + sizeOf((node.args as Loop).iterable, root)
  return childrenOf(node.args, root).reduce((sum, child) => sum + sizeOf(child, root), 1)
}

/**
 * Runs `look` on what a node comes to, once each time. At its first call a node puts another `evaluate` in its place and
 * calls that, through here: that inner call has looked, and the outer one does not.
 */
function after(node: Node, look: (value: unknown) => void): void {
  let inner = node.evaluate
  const evaluate: Evaluate = (evaluator, self, context) => {
    const called = inner
    const value = called.call(node, evaluator, self, context)
    if (called === inner) look(value)
    return value
  }
  Object.defineProperty(node, 'evaluate', {
    configurable: true,
    get: () => evaluate,
    set: (next: Evaluate) => {
      inner = next
    },
  })
}

/** Operators read their operands from end to end. */
function chargeValue(steps: Steps, value: unknown): void {
  const cost = typeof value === 'string' ? value.length >> 6 : lengthOf(value) >> 3
  if (cost > 0) steps.take(cost)
}

function lengthOf(value: unknown): number {
  if (Array.isArray(value)) return value.length
  if (value instanceof Map) return value.size
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
}
