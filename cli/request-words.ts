// The short words of `sallyport request` -> verbs and resources; and resources as kubectl writes them -> as the policy does.
// What kubectl's users would not think of as editing (Secrets, RBAC, nodes) is in no word: it is asked for by name.

import { CommandFailed, EXIT } from './exit-codes.ts'
import { placeOfWord } from './policy-kinds.ts'

export interface RequestWords {
  readonly verbs: readonly string[]
  readonly resources: readonly string[]
}

const USUAL = [
  ...['pods', 'services', 'configmaps', 'persistentvolumeclaims'],
  ...['apps/deployments', 'apps/statefulsets', 'apps/daemonsets', 'apps/replicasets'],
  ...['apps/deployments/scale', 'apps/statefulsets/scale', 'apps/replicasets/scale'],
  ...['batch/jobs', 'batch/cronjobs', 'autoscaling/horizontalpodautoscalers', 'networking.k8s.io/ingresses'],
]

const WORDS: ReadonlyMap<string, RequestWords> = new Map([
  ['edit', { verbs: ['create', 'update', 'patch', 'delete'], resources: USUAL }],
  ['restart', { verbs: ['patch'], resources: ['apps/deployments', 'apps/statefulsets', 'apps/daemonsets'] }],
  ['shell', { verbs: ['exec', 'attach'], resources: ['pods'] }],
  ['forward', { verbs: ['portforward'], resources: ['pods'] }],
])

export const REQUEST_WORDS: readonly string[] = [...WORDS.keys()]

/**
 * `word`: one of the short words, whose verbs and resources are those that are not named. Throws CommandFailed where there
 * are none.
 */
export function requestWords(
  word: string | undefined,
  verbs: readonly string[],
  resources: readonly string[],
): RequestWords {
  const meant = word === undefined ? undefined : WORDS.get(word)
  const chosen = {
    verbs: verbs.length > 0 ? listed(verbs) : (meant?.verbs ?? []),
    resources: resources.length > 0 ? listed(resources).map(resourceName) : (meant?.resources ?? []),
  }
  if (chosen.verbs.length > 0 && chosen.resources.length > 0) return chosen
  const message = `say what for: one of ${REQUEST_WORDS.join(', ')}, or --verb and --resource`
  throw new CommandFailed(message, EXIT.USAGE)
}

/** "get,list" and two times the option are the same. */
function listed(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(',')).filter((value) => value !== '')
}

/** "deploy", "deployments.apps", "deploy/scale" as "apps/deployments", "apps/deployments/scale"; anything else as it is. */
function resourceName(text: string): string {
  const [first = '', ...rest] = text.split('/')
  const place = placeOfWord(first)
  if (place === undefined) return text
  return [...(place.group === '' ? [] : [place.group]), place.resource, ...rest].join('/')
}
