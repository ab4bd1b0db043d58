// Turns what Node says about a connection to a cluster into why the cluster gave no answer, in fixed text: which check
// failed, the status for the caller, and what an operator should look at. Names and error codes only; no peer's bytes.

import { UpstreamFailed } from './upstream.ts'

/** OpenSSL's verification results (Node's own table of X509 codes) that deserve advice. */
const CERTIFICATE_FAULTS: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'is for another name; check server and tls-server-name',
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not yet valid; check the clocks',
  CERT_REVOKED: 'has been revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is self-signed and not the configured certificate-authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'is signed by an authority that is not the configured certificate-authority',
  UNABLE_TO_GET_ISSUER_CERT: 'is signed by an authority that is not the configured certificate-authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'is signed by an authority that is not the configured certificate-authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'is signed by an authority that is not the configured certificate-authority',
  CERT_SIGNATURE_FAILURE: 'is signed by an authority that is not the configured certificate-authority',
}

/** TLS alerts by which a cluster refuses our certificate, or the lack of one (RFC 8446 section 6.2), as OpenSSL 3.0 to 3.5 name them. */
const REFUSED_US =
  /^ERR_SSL_(SSLV3|SSL\/TLS|TLSV1|TLSV13)_ALERT_(BAD_CERT|CERTIFICATE_|UNKNOWN_CA|UNSUPPORTED_CERT|ACCESS_DENIED)/

/** The cluster's certificate did not pass; `code` is Node's. */
export function certificateFailed(cluster: string, code: string, cause: Error): UpstreamFailed {
  const fault = Object.hasOwn(CERTIFICATE_FAULTS, code) ? CERTIFICATE_FAULTS[code] : 'could not be verified'
  return new UpstreamFailed(502, 'upstream.certificate', `the certificate of cluster ${cluster} ${fault} (${code})`, {
    cause,
  })
}

/** No connection came about: nobody listens, no route, no name. */
export function dialFailed(cluster: string, cause: NodeJS.ErrnoException): UpstreamFailed {
  return (
    refusedUs(cluster, cause) ??
    (cause.code?.startsWith('ERR_SSL_') === true
      ? protocolFailed(cluster, 'does not speak TLS as the gateway does', cause)
      : new UpstreamFailed(502, 'upstream.refused', `cluster ${cluster} cannot be reached${codeOf(cause)}`, { cause }))
  )
}

/** The connection ended before the answer did. */
export function closedEarly(cluster: string, cause: NodeJS.ErrnoException | undefined): UpstreamFailed {
  const refused = cause === undefined ? undefined : refusedUs(cluster, cause)
  if (refused !== undefined) return refused
  const message = `cluster ${cluster} closed the connection before its answer was complete${codeOf(cause)}`
  return new UpstreamFailed(502, 'upstream.closed', message, { cause })
}

export function timedOut(cluster: string, what: string): UpstreamFailed {
  return new UpstreamFailed(504, 'upstream.timeout', `cluster ${cluster} did not ${what} in time`)
}

export function protocolFailed(cluster: string, what: string, cause?: Error): UpstreamFailed {
  return new UpstreamFailed(502, 'upstream.protocol', `cluster ${cluster} ${what}`, { cause })
}

function refusedUs(cluster: string, cause: NodeJS.ErrnoException): UpstreamFailed | undefined {
  if (!REFUSED_US.test(cause.code ?? '')) return undefined
  const message = `cluster ${cluster} refuses the gateway's client certificate${codeOf(cause)}`
  return new UpstreamFailed(503, 'upstream.credentials', message, { cause })
}

function codeOf(cause: NodeJS.ErrnoException | undefined): string {
  return cause?.code === undefined ? '' : ` (${cause.code})`
}
