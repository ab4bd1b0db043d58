// The files that a gateway and its users need, written for the demo: the gateway's configuration and policy, its way to
// the cluster, and a kubeconfig with a developer and an agent. All are readable by the user alone.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'

export interface GatewayFiles {
  readonly folder: string
  readonly data: string
  /** 0 takes a free one. */
  readonly port: number
  readonly issuer: { readonly url: string; readonly ca: string }
  readonly audience: string
  readonly policy: string
  /** The kubeconfig of the cluster, and whether the cluster is told who calls. */
  readonly cluster: { readonly name: string; readonly kubeconfig: string; readonly identity: 'impersonate' | 'shared' }
}

/** Writes the gateway's configuration and policy. Resolves with the configuration's path. */
export async function writeGatewayFiles({
  folder,
  data,
  port,
  issuer,
  audience,
  policy,
  cluster,
}: GatewayFiles): Promise<string> {
  const policyFile = join(folder, 'policy.yaml')
  await writeFile(policyFile, policy, { mode: 0o600 })
  return write(join(folder, 'gateway.yaml'), {
    apiVersion: 'sallyport/v1',
    kind: 'Gateway',
    listen: { address: `127.0.0.1:${port}` },
    admin: { address: '127.0.0.1:0' },
    data,
    clusters: [cluster],
    authentication: {
      jwt: [
        {
          issuer: { url: issuer.url, audiences: [audience], certificateAuthorityFile: issuer.ca },
          claimMappings: {
            username: { claim: 'sub', prefix: 'oidc:' },
            groups: { claim: 'groups', prefix: 'oidc:' },
          },
        },
      ],
    },
    policyFile,
  })
}

export interface KubeconfigUser {
  readonly name: string
  readonly token: string
}

/** Writes a kubeconfig with a context for each user, the first of them current. Resolves with its path. */
export function writeKubeconfig(
  path: string,
  cluster: { name: string; server: string; ca: string },
  users: readonly KubeconfigUser[],
): Promise<string> {
  return write(path, {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: cluster.name, cluster: { server: cluster.server, 'certificate-authority': cluster.ca } }],
    users: users.map(({ name, token }) => ({ name, user: { token } })),
    contexts: users.map(({ name }) => ({ name, context: { cluster: cluster.name, user: name } })),
    'current-context': users[0]?.name ?? '',
  })
}

async function write(path: string, value: unknown): Promise<string> {
  await writeFile(path, stringify(value), { mode: 0o600 })
  return path
}
