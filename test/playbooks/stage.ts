// The stage for playbooks against a gateway: a whole gateway in this process with a clock that can be moved, two issuers,
// and a cluster that keeps every byte.

import { readFileSync, writeFileSync } from 'node:fs'
import { mock } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Entry, OpenBody } from '../../protocols/tape/entry.ts'
import { openAtRest } from '../../replay/store-at-rest.ts'
import { StoredTapes } from '../../replay/stored-tapes.ts'
import { peerIdentity } from '../support/peer-pki.ts'
import { GatewayFixture, writeKubeconfig } from '../support/running-gateway.ts'
import type { Where } from './play-client.ts'
import { RecordingCluster } from './recording-cluster.ts'
import { TokenMint } from './token-mint.ts'

/** Requests of one user at once: few, so that a playbook can reach it. */
export const USER_REQUESTS = 24

/** How often a gateway looks at its deadlines, with room for a busy machine. */
const LOOK_MILLIS = 270
/** For what is under way to arrive: a deadline must have begun before the clock goes on. */
const ARRIVAL_MILLIS = 30

export class Stage {
  readonly fixture: GatewayFixture
  readonly cluster: RecordingCluster
  readonly mint: TokenMint
  readonly where: Where
  readonly admin: Where
  readonly #clock: Clock

  private constructor(fixture: GatewayFixture, cluster: RecordingCluster, mint: TokenMint, clock: Clock) {
    this.fixture = fixture
    this.cluster = cluster
    this.mint = mint
    this.#clock = clock
    const ca = readFileSync(fixture.gateway.ca, 'utf8')
    const whereIs = (url: string): Where => ({ host: new URL(url).hostname, port: Number(new URL(url).port), ca })
    this.where = whereIs(fixture.gateway.address)
    this.admin = whereIs(fixture.gateway.admin)
  }

  static async open(): Promise<Stage> {
    const clock = new Clock()
    const peer = await peerIdentity()
    const cluster = await RecordingCluster.open(peer)
    const mint = await TokenMint.open(peer)
    const fixture = await GatewayFixture.open(
      (_request, response) => response.end(),
      undefined,
      (config, { folder }) => {
        const ca = `${folder}/peer-ca.crt`
        writeFileSync(ca, peer.ca)
        // One that was resolved to another machine than its certificate is for, and the one that is recorded.
        writeKubeconfig(`${folder}/elsewhere`, `https://${cluster.authority}`, `${folder}/pki/ca.crt`)
        writeKubeconfig(`${folder}/kubeconfig`, `https://${cluster.authority}`, ca)
        config.clusters = [
          { name: 'test', kubeconfig: `${folder}/kubeconfig` },
          { name: 'elsewhere', kubeconfig: `${folder}/elsewhere` },
        ]
        config.limits = { gateway: { userRequests: USER_REQUESTS } }
        config.policyFile = `${folder}/playbooks.yaml`
        writeFileSync(`${folder}/playbooks.yaml`, JSON.stringify(POLICY))
        config.authentication = {
          jwt: [
            issuer(mint.url, 'oidc:', ca),
            issuer(mint.second, 'second:', ca),
            issuer(mint.third, 'sys', ca, 'email'),
          ],
        }
      },
    )
    return new Stage(fixture, cluster, mint, clock)
  }

  /** The gateway's clock. */
  now(): number {
    return Date.now()
  }

  /** Wall time, which tapes are dated by. */
  wall(): number {
    return this.#clock.real()
  }

  /** Lets the gateway's clock go on, and waits until it has looked at it. */
  async advance(millis: number): Promise<void> {
    await delay(ARRIVAL_MILLIS)
    this.#clock.ahead += millis
    await delay(LOOK_MILLIS)
  }

  /** Ends the gateway and gives every tape that it wrote, with the client's address, in the order of their opening. */
  async close(): Promise<StagedTape[]> {
    await this.fixture.close()
    this.cluster.close()
    this.mint.close()
    this.#clock.restore()
    const tapes = new StoredTapes(await openAtRest(this.fixture.data))
    const all: StagedTape[] = []
    for await (const { id } of tapes.list({ limit: 100_000 })) {
      const entries: Entry[] = []
      for await (const { entry } of tapes.entries(id)) entries.push(entry)
      const [open] = entries
      all.push({ id, client: openingOf(open).client, openedAt: openingOf(open).openedAt / 1_000, entries })
    }
    await tapes.close()
    this.fixture.remove()
    return all.sort((one, other) => (one.id < other.id ? -1 : 1))
  }
}

export interface StagedTape {
  readonly id: string
  readonly client: string
  /** Milliseconds since 1970. */
  readonly openedAt: number
  readonly entries: readonly Entry[]
}

function openingOf(entry: Entry | undefined): OpenBody {
  if (entry?.kind !== 'open') throw new Error('a tape without its opening')
  return entry.body
}

const POLICY = {
  apiVersion: 'sallyport/v1',
  kind: 'AccessPolicy',
  rules: [
    { name: 'admins', subjects: [{ group: 'oidc:admins' }], verbs: ['*'], effect: 'allow' },
    {
      name: 'no-secrets',
      subjects: [{ group: 'oidc:guarded' }],
      verbs: ['*'],
      resources: ['secrets'],
      effect: 'deny',
    },
    {
      name: 'not-that-one',
      subjects: [{ group: 'oidc:guarded' }],
      verbs: ['*'],
      resources: ['configmaps'],
      names: ['db'],
      effect: 'deny',
    },
  ],
}

/** Wall time with an advance: the gateway takes Date.now for its clock when it starts. */
class Clock {
  ahead = 0
  readonly real = Date.now.bind(Date)
  readonly #restore: () => void

  constructor() {
    const mocked = mock.method(Date, 'now', () => this.real() + this.ahead)
    this.#restore = () => mocked.mock.restore()
  }

  restore(): void {
    this.#restore()
  }
}

function issuer(url: string, prefix: string, ca: string, username = 'sub'): Record<string, unknown> {
  return {
    issuer: { url, audiences: ['sallyport'], certificateAuthorityFile: ca },
    claimMappings: { username: { claim: username, prefix }, groups: { claim: 'groups', prefix } },
  }
}
