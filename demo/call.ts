// What the tour asks of the cluster, and what came of it: the same calls go through kubectl where there is one, and
// through the demo's own client where there is none.

export type Call =
  | { readonly verb: 'get'; readonly resource: 'pods' | 'namespaces'; readonly namespace: string }
  | { readonly verb: 'delete'; readonly deployment: string; readonly namespace: string }
  | {
      readonly verb: 'exec'
      readonly pod: string
      readonly container: string
      readonly namespace: string
      readonly argv: readonly string[]
    }

export interface Result {
  /** What a person would see, both outputs together. */
  readonly text: string
  /** As kubectl's exit code. */
  readonly code: number
}

/** Makes the calls as the agent. */
export type Caller = (call: Call) => Promise<Result>

/** The words behind "kubectl". */
export function kubectlWords(call: Call): string[] {
  switch (call.verb) {
    case 'get':
      return ['get', call.resource, ...scope(call.namespace)]
    case 'delete':
      return ['delete', 'deployment', call.deployment, ...scope(call.namespace)]
    case 'exec':
      return ['exec', call.pod, ...scope(call.namespace), '-c', call.container, '--', ...call.argv]
  }
}

function scope(namespace: string): string[] {
  return namespace === '' ? [] : ['-n', namespace]
}
