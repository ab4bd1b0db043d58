// What the tour asks of the cluster, and what came of it: the same calls go through kubectl where there is one, and
// through the demo's own client where there is none.

export type Call =
  | { readonly verb: 'list'; readonly resource: 'pods' | 'namespaces'; readonly namespace: string }
  /** One value of a Secret, decoded. */
  | { readonly verb: 'get'; readonly secret: string; readonly key: string; readonly namespace: string }
  /** A Secret is read, and what was read is written. */
  | { readonly verb: 'update'; readonly secret: string; readonly namespace: string }
  | { readonly verb: 'delete'; readonly deployment: string; readonly namespace: string }
  | ExecCall

export interface ExecCall {
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

/** The words behind each "kubectl" of a pipe; nearly always of one. */
export function kubectlWords(call: Call): readonly string[][] {
  const scope = call.namespace === '' ? [] : ['-n', call.namespace]
  switch (call.verb) {
    case 'list':
      return [['get', call.resource, ...scope]]
    case 'get':
      return [['get', 'secret', call.secret, ...scope, '-o', `go-template={{.data.${call.key} | base64decode}}`]]
    case 'update':
      return [
        ['get', 'secret', call.secret, ...scope, '-o', 'yaml'],
        ['replace', ...scope, '-f', '-'],
      ]
    case 'delete':
      return [['delete', 'deployment', call.deployment, ...scope]]
    case 'exec':
      return [['exec', call.pod, ...scope, '-c', call.container, '--', ...call.argv]]
  }
}

/** As it would be typed. */
export function kubectlLine(call: Call): string {
  return kubectlWords(call)
    .map((words) => `kubectl ${words.map(shown).join(' ')}`)
    .join(' | ')
}

/** A word as a shell would need it. */
export function shown(word: string): string {
  return /^[\w./:=-]+$/.test(word) ? word : `'${word}'`
}
