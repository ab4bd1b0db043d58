// Turns the gateway's configuration file into one frozen value with absolute paths. Refuses unknown keys, what belongs to
// a later version, files that are not there, and issuers whose users could be taken for one another's.

import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { CONFIGURABLE, type LimitChanges, limits } from '../protocols/limits.ts'
import { approvalsSchema, checkApprovals, filesOf } from './approvals-config.ts'
import { type DeepReadonly, type Report, readFile } from './config-file.ts'
import { parseAddress } from './listen.ts'
import { checkMasking } from './mask/check.ts'
import { maskingDocument } from './mask/document.ts'

export { ConfigError } from './config-file.ts'

const text = z.string().min(1, 'it must not be empty')

const CLUSTER_NAME = /^[a-z0-9](?:[-a-z0-9.]{0,61}[a-z0-9])?$/

const address = text.refine(isAddress, 'write HOST:PORT or [IPV6]:PORT; port 0 takes a free one')

/** As Kubernetes asks it of issuers (apiserver pkg/apis/apiserver/validation). */
const httpsUrl = text.refine(isHttpsUrl, 'write an https:// URL without user, query or fragment')

const prefix = z
  .string()
  .refine(
    (value) => !value.toLowerCase().startsWith('system:'),
    '"system:" belongs to Kubernetes; choose another prefix',
  )

/** `prefix` comes before every name of the issuer, so that its users are nobody else's; "" for none. */
const claimMapping = z.strictObject({ claim: text, prefix })

/** Who may do what for everybody, with the issuer's prefix: never an agent. */
const operator = z
  .strictObject({ user: text.optional(), group: text.optional() })
  .refine((names) => Object.keys(names).length === 1, 'write one of user and group in each entry')
  .refine(({ user, group }) => user !== '*' && group !== '*', 'operators are named; "*" is nobody')
  .transform(({ user, group }) => (group === undefined ? { user: user as string } : { group }))

/** The cluster has no such name of its own. */
const foreign = text.refine(
  (value) => !value.toLowerCase().startsWith('system:'),
  '"system:" belongs to Kubernetes: name a user or group made for this',
)

/** `true`: with the gateway's own credential. */
const learnSecrets = z.union(
  [
    z.boolean(),
    z.strictObject({
      as: z.strictObject({ user: foreign, groups: z.array(foreign).default([]) }),
    }),
  ],
  'write true, or {as: {user: NAME, groups: [NAME]}}',
)

const MIB = 1_048_576

/** The windows of HTTP/2 are the largest of what is set (RFC 9113 section 6.9.1). */
const LARGEST = 2_147_483_647

const figure = z.int().min(0).max(LARGEST).optional()

/** Every figure of every group that may be set, by the names that protocols/limits.ts gives them. */
const limitChanges: z.ZodType<LimitChanges> = z.strictObject(
  Object.fromEntries(
    CONFIGURABLE.map((group) => [
      group,
      z.strictObject(Object.fromEntries(Object.keys(limits[group]).map((name) => [name, figure]))).optional(),
    ]),
  ),
)

/** `place` makes the file's relative paths absolute. */
function gatewaySchema(place: (path: string) => string) {
  const path = text.transform(place)
  const jwt = z.strictObject({
    issuer: z.strictObject({
      /** The tokens' `iss`, to the letter. */
      url: httpsUrl,
      /** A token must be for one of these. */
      audiences: z.array(text).min(1, 'name at least one audience'),
      /** PEM; the only authorities trusted for this issuer. Absent: the system's. */
      certificateAuthorityFile: path.optional(),
      /** Where the discovery document is. Absent: /.well-known/openid-configuration under the URL. */
      discoveryURL: httpsUrl.optional(),
    }),
    claimMappings: z.strictObject({ username: claimMapping, groups: claimMapping.optional() }),
  })
  const cluster = z.strictObject({
    /** Also its path: https://gateway/clusters/NAME. */
    name: z.string().regex(CLUSTER_NAME, 'a cluster\'s name is lower-case letters, digits, "-" and ".", at most 63'),
    kubeconfig: path,
    /** Absent: the kubeconfig's current context. */
    context: text.optional(),
    /** `impersonate`: the cluster sees the caller; `shared`: the cluster sees only the gateway. */
    identity: z.enum(['impersonate', 'shared']).default('impersonate'),
    /** Whether the gateway lists and watches all Secrets, so that their values are masked before anybody has asked for them. */
    learnSecrets: learnSecrets.optional(),
  })
  return z.strictObject({
    apiVersion: z.literal('sallyport/v1'),
    kind: z.literal('Gateway'),
    listen: z
      .strictObject({
        address: address.default('127.0.0.1:8443'),
        /** PEM. Absent: a CA and a leaf are made under data/pki. */
        tls: z.strictObject({ certFile: path, keyFile: path }).optional(),
      })
      .prefault({}),
    /** REST, /metrics, /healthz, /readyz. */
    admin: z
      .strictObject({
        address: address.default('127.0.0.1:8444'),
        /** Who may lock and unlock, and sees all approvals, with a token of their own; never an agent. */
        operators: z.array(operator).default([]),
      })
      .prefault({}),
    /** The folder for tapes and keys. */
    data: path.prefault('./data'),
    /** The first is the default. */
    clusters: z.array(cluster).min(1, 'name at least one cluster'),
    authentication: z.strictObject({ jwt: z.array(jwt).min(1, 'name at least one issuer, or nobody can come in') }),
    /** Absent: reads are allowed, all else is denied. */
    policyFile: path.optional(),
    /** What nobody is shown, and no tape holds. */
    masking: maskingDocument.prefault({}),
    tapes: z
      .strictObject({
        /** For what no rule of the policy says otherwise. */
        durability: z.enum(['strict', 'group']).default('group'),
        /** Bytes of each body that are kept; the sum of the whole is kept in any case. */
        bodyBytes: z
          .int()
          .min(0)
          .max(256 * MIB)
          .default(MIB),
      })
      .prefault({}),
    /** Where a yes can come from, and who else is asked. */
    approvals: approvalsSchema(path),
    /** Bounds that differ from the defaults of protocols/limits.ts, which says what each is for. */
    limits: limitChanges.prefault({}),
  })
}

/** Keys of the format that this version does not serve, and what to do instead. */
const NOT_YET = {
  eks: 'EKS credentials are not built in yet: use a kubeconfig with the aws exec plugin',
  inCluster: "inCluster is not in this version: write a kubeconfig with the service account's tokenFile",
}

/** The configuration; every path in it is absolute. */
export type Config = DeepReadonly<z.infer<ReturnType<typeof gatewaySchema>>>
export type ClusterConfig = Config['clusters'][number]
export type AuthenticationConfig = Config['authentication']
export type IssuerConfig = AuthenticationConfig['jwt'][number]

/** Reads the file whole, or throws ConfigError with all that is wrong in it. For a reload just the same. */
export function readConfig(file: string): Config {
  const folder = dirname(resolve(file))
  const place = (path: string): string => resolve(folder, path)
  return readFile(file, {
    schema: gatewaySchema(place),
    notYet: NOT_YET,
    check: (content, report) => check(content, place, report),
  })
}

/** Files that must be there, and names that must differ. Looks at every part that has the right shape. */
function check(content: unknown, place: (path: string) => string, report: Report): void {
  const root = loose(content)
  const tls = loose(loose(root.listen).tls)
  mustExist(tls.certFile, place, (message) => report(['listen', 'tls', 'certFile'], message))
  mustExist(tls.keyFile, place, (message) => report(['listen', 'tls', 'keyFile'], message))
  mustExist(root.policyFile, place, (message) => report(['policyFile'], message), true)

  const names = new Set<unknown>()
  for (const [at, entry] of list(root.clusters).entries()) {
    mustExist(entry.kubeconfig, place, (message) => report(['clusters', at, 'kubeconfig'], message))
    if (typeof entry.name === 'string' && names.has(entry.name)) {
      report(['clusters', at, 'name'], `there is another cluster "${entry.name}"; give each a name of its own`)
    }
    names.add(entry.name)
    const isLearning = entry.learnSecrets !== undefined && entry.learnSecrets !== false
    if (isLearning && loose(root.masking).learn === false) {
      report(['clusters', at, 'learnSecrets'], 'masking.learn is false: what would be learned would not be masked')
    }
  }

  checkMasking(root.masking, names, (path, message, at) => report(['masking', ...path], message, at))

  checkApprovals(root, report)
  for (const [file, at] of filesOf(root.approvals)) mustExist(file, place, (message) => report(at, message))

  const issuers = list(loose(root.authentication).jwt)
  for (const [at, entry] of issuers.entries()) {
    const issuer = loose(entry.issuer)
    const path = ['authentication', 'jwt', at]
    mustExist(issuer.certificateAuthorityFile, place, (message) =>
      report([...path, 'issuer', 'certificateAuthorityFile'], message),
    )
    for (const earlier of issuers.slice(0, at)) {
      if (issuer.url !== undefined && loose(earlier.issuer).url === issuer.url) {
        report([...path, 'issuer', 'url'], 'the issuer is there twice; put its audiences together in one entry')
      }
      for (const names of ['username', 'groups']) {
        if (mayCollide(prefixOf(earlier, names), prefixOf(entry, names))) {
          const message = `names of this issuer could be those of another one: give each issuer a prefix with which no other's begins, such as "oidc${at}:"`
          report([...path, 'claimMappings', names, 'prefix'], message)
        }
      }
    }
  }
}

/** Two prefixes, one of which begins with the other, can make one name of two: "a:" + "b:x" and "a:b:" + "x". */
function mayCollide(one: unknown, other: unknown): boolean {
  if (typeof one !== 'string' || typeof other !== 'string') return false
  return one.startsWith(other) || other.startsWith(one)
}

function prefixOf(entry: Loose, names: string): unknown {
  return loose(loose(entry.claimMappings)[names]).prefix
}

function mustExist(
  path: unknown,
  place: (path: string) => string,
  report: (message: string) => void,
  orFolder = false,
): void {
  if (typeof path !== 'string' || path === '') return
  const file = statSync(place(path), { throwIfNoEntry: false })
  if (file === undefined) report(`there is no file ${place(path)}`)
  else if (!file.isFile() && !(orFolder && file.isDirectory())) report(`${place(path)} is not a file`)
}

type Loose = Readonly<Record<string, unknown>>

function loose(value: unknown): Loose {
  return typeof value === 'object' && value !== null ? (value as Loose) : {}
}

function list(value: unknown): Loose[] {
  return Array.isArray(value) ? value.map(loose) : []
}

function isAddress(value: string): boolean {
  try {
    parseAddress(value)
    return true
  } catch {
    return false
  }
}

function isHttpsUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, username, password, search, hash } = new URL(value)
  return protocol === 'https:' && username === '' && password === '' && search === '' && hash === ''
}
