// The `when` of a rule: CEL over `request`, `object` and `principal`, checked when the policy is read. It answers true or
// false, or fails; what a failure means is the rule's (a denial meets, an allow does not hold). Patterns are RE2's, loops pay
// for their turns, and nothing in it can read a clock or anything else outside its three variables.
//
// object     the body: for create and update the whole object, for a patch the patch itself (a merge, strategic or apply
//            patch is a part of the object; a JSON patch is its list of operations), for delete the DeleteOptions; null
//            without a body. Unlike in Kubernetes' admission it is what was sent, not what would be stored.
// request    verb, apiGroup, resource, subresource, namespace, name, path, cluster, query (a map of lists), command,
//            container, dryRun, patchType ("", json, merge, strategic, apply, other), userAgent (the caller's own words)
// principal  user, groups, actor; run and intent are the caller's own words
//
// No allow may rest on the caller's own words: run, intent and userAgent.
//
// Conditions on pod specs, wherever in the object one is: privileged(object), hostNamespaces(object), hostPath(object),
// addsCapabilities(object).

import { TypeError as CelTypeError, Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js'
import { limits } from '../../protocols/limits.ts'
import { meter, type Node, rootOf, visit } from './cel.ts'
import { linearPattern, PatternError } from './commands.ts'
import { podSpecConditions } from './pod-spec.ts'
import type { Value } from './request-object.ts'
import { Steps } from './steps.ts'

/** `request`, as conditions see it. */
export class ConditionRequest {
  readonly verb: string
  readonly apiGroup: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly path: string
  readonly cluster: string
  readonly query: ReadonlyMap<string, readonly string[]>
  readonly command: readonly string[]
  readonly container: string
  readonly dryRun: boolean
  readonly patchType: string
  readonly userAgent: string

  constructor(fields: { readonly [Name in keyof ConditionRequest]: ConditionRequest[Name] }) {
    this.verb = fields.verb
    this.apiGroup = fields.apiGroup
    this.resource = fields.resource
    this.subresource = fields.subresource
    this.namespace = fields.namespace
    this.name = fields.name
    this.path = fields.path
    this.cluster = fields.cluster
    this.query = fields.query
    this.command = fields.command
    this.container = fields.container
    this.dryRun = fields.dryRun
    this.patchType = fields.patchType
    this.userAgent = fields.userAgent
  }
}

/** `principal`, as conditions see it. */
export class ConditionPrincipal {
  readonly user: string
  readonly groups: readonly string[]
  readonly actor: string
  readonly run: string
  readonly intent: string

  constructor(user: string, groups: readonly string[], actor: string, run: string, intent: string) {
    this.user = user
    this.groups = groups
    this.actor = actor
    this.run = run
    this.intent = intent
  }
}

export interface Variables {
  readonly request: ConditionRequest
  readonly principal: ConditionPrincipal
  readonly object: Value
}

/** A condition that cannot be used. `at`: where in its text, in characters. */
export class ConditionError extends Error {
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/** Who pays for what is evaluated now: functions of CEL are not told. */
let paying = new Steps()

const STRINGS = 'list<string>'

const environment = new Environment({
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: limits.policy.nodes, maxDepth: 32, maxListElements: 256, maxMapEntries: 64 },
})
  .registerType('Request', {
    ctor: ConditionRequest,
    fields: {
      verb: 'string',
      apiGroup: 'string',
      resource: 'string',
      subresource: 'string',
      namespace: 'string',
      name: 'string',
      path: 'string',
      cluster: 'string',
      query: 'map<string, list<string>>',
      command: STRINGS,
      container: 'string',
      dryRun: 'bool',
      patchType: 'string',
      userAgent: 'string',
    },
  })
  .registerType('Principal', {
    ctor: ConditionPrincipal,
    fields: { user: 'string', groups: STRINGS, actor: 'string', run: 'string', intent: 'string' },
  })
  .registerVariable('request', 'Request')
  .registerVariable('principal', 'Principal')
  .registerVariable('object', 'dyn')
  .registerFunction('string.linearMatches(string): bool', linearMatches, { async: false })
for (const [name, handler] of Object.entries(podSpecConditions)) {
  environment.registerFunction(`${name}(dyn): bool`, handler, { async: false })
}

export class Condition {
  /** Whether it reads the body. */
  readonly readsObject: boolean
  /** Whether it rests on what the caller says of itself. */
  readonly readsClaims: boolean
  readonly #evaluate: (variables: Variables) => unknown

  /** Throws ConditionError. */
  constructor(source: string) {
    try {
      const parsed = environment.parse(source)
      const root = rootOf(parsed)
      const found = inspect(root)
      this.readsObject = found.object
      this.readsClaims = found.claims
      const checked = parsed.check()
      if (!checked.valid) throw checked.error ?? new ConditionError('it does not check', 0)
      if (checked.type !== 'bool' && checked.type !== 'dyn') {
        throw new ConditionError(`it must be true or false, and is of type ${checked.type ?? 'unknown'}`, 0)
      }
      if (meter(root, () => paying) > limits.policy.loops) {
        throw new ConditionError(`loops may be nested ${limits.policy.loops} deep`, 0)
      }
      this.#evaluate = parsed
    } catch (error) {
      if (error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError) {
        throw new ConditionError(error.summary, error.range?.start ?? 0)
      }
      throw error
    }
  }

  /** Undefined where it fails: a field that is not there, a wrong type, too many steps. */
  holds(variables: Variables, steps: Steps): boolean | undefined {
    paying = steps
    try {
      const value = this.#evaluate(variables)
      return typeof value === 'boolean' ? value : undefined
    } catch {
      // Whatever it was, the condition says nothing of this request.
      return undefined
    }
  }
}

/** Patterns by their text: the same few for the life of a policy. */
const patterns = new Map<string, ReturnType<typeof linearPattern>>()

function linearMatches(text: string, source: string): boolean {
  paying.take(text.length)
  return (patterns.get(source) as ReturnType<typeof linearPattern>).test(text)
}

/** Functions that read text in more than linear time, or make objects that are not ours. */
const LITERAL_ONLY = new Set(['duration', 'timestamp'])
const FORBIDDEN = new Set(['json'])

/** What it reads; puts RE2 in the place of JavaScript's patterns. Throws ConditionError. */
function inspect(root: Node): { object: boolean; claims: boolean } {
  const found = { object: false, claims: false }
  visit(root, (node, around) => {
    if (node.op === 'id') {
      if (node.args === 'object') found.object = true
      if (node.args === 'principal' && !IDENTITY.has(fieldOf(around))) found.claims = true
      // Under another name, or by an index, any of its fields could be read.
      if (node.args === 'request' && ['', 'userAgent'].includes(fieldOf(around))) found.claims = true
    }
    if (node.op === 'rcall') inspectMethod(node)
    if (node.op === 'call') {
      const [name, args] = node.args as [string, Node[]]
      if (LITERAL_ONLY.has(name) && args.some(({ op }) => op !== 'value')) {
        throw new ConditionError(`${name}() takes only a literal here`, node.start)
      }
    }
  })
  return found
}

/** What the token says. */
const IDENTITY = new Set(['user', 'groups', 'actor'])

/** The field that is read of what a node is around; "" where it is another use. */
function fieldOf(around: Node | undefined): string {
  return around !== undefined && (around.op === '.' || around.op === '.?') ? (around.args as [Node, string])[1] : ''
}

function inspectMethod(node: Node): void {
  const call = node.args as [string, Node, Node[]]
  const [name, , args] = call
  if (FORBIDDEN.has(name)) throw new ConditionError(`${name}() is not available here`, node.start)
  if (name === 'linearMatches') throw new ConditionError('write matches()', node.start)
  if (name !== 'matches') return
  const pattern = args[0]
  if (args.length !== 1 || pattern?.op !== 'value' || typeof pattern.args !== 'string') {
    throw new ConditionError('matches() takes one pattern, written out', node.start)
  }
  try {
    if (!patterns.has(pattern.args)) patterns.set(pattern.args, linearPattern(pattern.args))
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    throw new ConditionError(error.message, pattern.start)
  }
  call[0] = 'linearMatches'
}
