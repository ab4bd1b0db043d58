// What is secret in a kubeconfig: the client's key and its token. The cluster's and the client's certificates are public.

import { byteClass } from '../classes.ts'
import type { Matcher } from '../match.ts'
import { namedValues } from './named-value.ts'

const SHORTEST_KEY = 32

export const kubeconfigSecrets: readonly Matcher[] = [
  namedValues('kubeconfig', [
    {
      name: 'client-key-data',
      characters: byteClass('A-Za-z0-9+/'),
      least: SHORTEST_KEY,
      most: Number.POSITIVE_INFINITY,
      isBase64: true,
    },
  ]),
]
