// The detectors by name: what each knows by its look, and how sure it is. Configuration switches them one by one.

import type { Matcher } from './match.ts'
import { assignments } from './matchers/assignment.ts'
import { authorizations } from './matchers/authorization.ts'
import { awsKeys } from './matchers/aws.ts'
import { azureSecrets } from './matchers/azure.ts'
import { connectionStrings } from './matchers/connection-string.ts'
import { encodedPrivateKeys, encodedTokens } from './matchers/encoded.ts'
import { jsonWebTokens } from './matchers/jwt.ts'
import { kubeconfigSecrets } from './matchers/kubeconfig.ts'
import { privateKeys } from './matchers/private-key.ts'
import { tokens } from './matchers/tokens.ts'

export interface Detector {
  /** For people. */
  readonly about: string
}

interface Known extends Detector {
  readonly matchers: readonly Matcher[]
}

const KNOWN: Readonly<Record<string, Known>> = {
  'private-key': {
    about: 'private keys in PEM, OpenSSH and PGP blocks',
    matchers: [...privateKeys, ...encodedPrivateKeys],
  },
  jwt: { about: 'JSON web tokens, signed and encrypted', matchers: [...jsonWebTokens, ...encodedTokens] },
  authorization: {
    about: 'credentials in Authorization fields, and behind Bearer and Basic',
    matchers: authorizations,
  },
  aws: { about: 'AWS access key ids, secret access keys and session tokens', matchers: awsKeys },
  azure: { about: 'Azure storage and shared access keys, signatures and client secrets', matchers: azureSecrets },
  kubeconfig: {
    about: "a kubeconfig's client key; its tokens are found as what they are",
    matchers: kubeconfigSecrets,
  },
  'connection-string': { about: 'the password in scheme://user:password@host', matchers: connectionStrings },
  assignment: {
    about: 'values of password=, token:, "apiKey": and the like that are not ordinary words',
    matchers: assignments,
  },
  ...Object.fromEntries(tokens.map(({ detector, about, matcher }) => [detector, { about, matchers: [matcher] }])),
}

export const DETECTORS: ReadonlyMap<string, Detector> = new Map(Object.entries(KNOWN))

export function matchersOf(name: string): readonly Matcher[] {
  return KNOWN[name]?.matchers ?? []
}
