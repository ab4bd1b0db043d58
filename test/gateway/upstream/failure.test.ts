import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certificateFailed, closedEarly, dialFailed } from '../../../gateway/upstream/failure.ts'

function error(code: string): Error {
  return Object.assign(new Error('text of the peer'), { code })
}

test('an alert about our certificate is a fault of the gateway’s credentials, before and after the handshake', () => {
  const codes = [
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
    'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
    'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REVOKED',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED',
  ]
  for (const code of codes) {
    for (const failed of [dialFailed('prod', error(code)), closedEarly('prod', error(code))]) {
      assert.deepEqual([failed.status, failed.rule], [503, 'upstream.credentials'], code)
    }
  }
})

test('every other fault has its own rule, and no message holds what the peer or Node wrote', () => {
  const cases = [
    [dialFailed('prod', error('ECONNREFUSED')), 502, 'upstream.refused'],
    [dialFailed('prod', error('ENOTFOUND')), 502, 'upstream.refused'],
    [dialFailed('prod', error('ERR_SSL_WRONG_VERSION_NUMBER')), 502, 'upstream.protocol'],
    [closedEarly('prod', error('ECONNRESET')), 502, 'upstream.closed'],
    [closedEarly('prod', undefined), 502, 'upstream.closed'],
    [certificateFailed('prod', 'CERT_HAS_EXPIRED', error('CERT_HAS_EXPIRED')), 502, 'upstream.certificate'],
    [certificateFailed('prod', '__proto__', error('__proto__')), 502, 'upstream.certificate'],
  ] as const
  for (const [failed, status, rule] of cases) {
    assert.deepEqual([failed.status, failed.rule], [status, rule])
    assert.doesNotMatch(failed.message, /text of the peer/)
    assert.match(failed.message, /cluster prod/)
  }
})
