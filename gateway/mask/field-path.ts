// Reads a field path of a rule, "spec.containers[*].env[0].value" or "data['tls.crt']", into its steps. Refuses what is no
// path, and what no client could do without.

/** Any field name, or any element of an array. */
export const ANY = Symbol('any')

export type Step = string | typeof ANY

export class FieldPathError extends Error {
  /** Characters into the path. */
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/** "name", ".name", "['name']", '["name"]', ".*", "[*]". */
const STEP = /^(?:\.?(?:(\*)|([A-Za-z0-9_$-][^.[\]*'"\s]*))|\[(?:(\*)|'([^']+)'|"([^"]+)")\])/

/** Throws FieldPathError. */
export function fieldPath(path: string): readonly Step[] {
  const steps: Step[] = []
  let at = 0
  while (at < path.length) {
    const found = STEP.exec(path.slice(at))
    const isRelative = at === 0 && path.startsWith('.')
    const isJoined = at > 0 && path[at] !== '.' && path[at] !== '['
    if (found === null || isRelative || isJoined) throw new FieldPathError(HOW, at)
    const [whole, star, name, element, single, double] = found
    steps.push(star !== undefined || element !== undefined ? ANY : ((name ?? single ?? double) as string))
    at += whole.length
  }
  const [first, second] = steps
  if (first === undefined || first === ANY) throw new FieldPathError(HOW, 0)
  if (first === 'apiVersion' || first === 'kind') {
    throw new FieldPathError(`no client can read an object without its ${first}`, 0)
  }
  if (first === 'metadata' && second !== 'annotations') {
    throw new FieldPathError('of the metadata only annotations can be masked: clients need the rest', 0)
  }
  return steps
}

const HOW = `write a path such as data.password, data['tls.crt'], spec.containers[*].image or data.*`
