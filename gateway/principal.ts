// Who calls. One shape from the token to the policy, the tape and the cluster.

export interface Principal {
  /** Username with the issuer's configured prefix. Never empty, never "system:…". */
  readonly user: string
  /** Groups with the prefix, without duplicates. Never "system:…". */
  readonly groups: readonly string[]
  /** The actor (JWT `act.sub`; of nested ones the outermost, which is the current actor: RFC 8693 section 4.1), or "". */
  readonly actor: string
  /** The token's `iss`. */
  readonly issuer: string
  /** When the token ends, in milliseconds since 1970; streams are cut then. */
  readonly expiresAt: number
}
