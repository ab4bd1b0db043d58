// Which cluster a request is for: the first of the configuration, or the one its path names with /clusters/NAME.

import { type Refusal, refuse } from './decision.ts'

const PREFIX = '/clusters/'

/** The cluster's name, and the target as that cluster knows it (origin-form). */
export interface Route {
  readonly cluster: string
  readonly target: string
}

export function routeOf(target: string, clusters: ReadonlyMap<string, unknown>, first: string): Route | Refusal {
  if (!target.startsWith(PREFIX)) return { cluster: first, target }
  let end = PREFIX.length
  while (end < target.length && target[end] !== '/' && target[end] !== '?') end += 1
  const cluster = target.slice(PREFIX.length, end)
  if (!clusters.has(cluster)) {
    // The name is the caller's own words: it is not repeated.
    return refuse(404, 'NotFound', 'route.unknown_cluster', 'the gateway has no cluster of the name after /clusters/')
  }
  const rest = target.slice(end)
  return { cluster, target: rest.startsWith('/') ? rest : `/${rest}` }
}
