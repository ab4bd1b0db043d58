// Paths and queries that the API server reads in another way than a policy might (security bar, section 0): what has two
// readings is refused, what has one is judged by that reading and sent as it was judged.

import type { GatewayPlay, Playbook } from '../playbook.ts'
import { answer, answered, forwarded, refusedByBoth, refusedByGateway, request } from '../scenes.ts'

function refused(target: string, rule: string): GatewayPlay {
  const bytes = request(`GET ${target} HTTP/1.1`)
  return refusedByGateway(target, bytes, [{ answer: 400, rule }], answered(rule))
}

/** Denied to the guarded by this rule. */
function denied(target: string, rule: string, ask: string): GatewayPlay {
  const bytes = request(`GET ${target} HTTP/1.1`, [], '', 'guarded')
  return refusedByGateway(`${target} is "${ask}"`, bytes, [{ answer: 403, rule }], { ...answered(rule), asks: [ask] })
}

/** Sent by alice in the form that was judged. */
function rebuilt(target: string, upstream: string, ask: string): GatewayPlay {
  return {
    against: 'gateway',
    name: `${target} goes upstream as it was judged`,
    client: [request(`GET ${target} HTTP/1.1`)],
    cluster: [{ answer: answer('200 OK', [], 'ok') }],
    expect: {
      client: [{ answer: 200, body: 'ok' }],
      cluster: [forwarded(`GET ${upstream} HTTP/1.1`)],
      tape: [{ ...answered('admins'), asks: [ask] }],
    },
  }
}

const ORACLE = 'Kubernetes RequestInfoFactory v0.37.2'

export const paths: readonly Playbook[] = [
  {
    name: 'encoded separators',
    sources: [ORACLE, 'CVE-2025-66490', 'CVE-2026-48020', 'CVE-2026-27587', 'CVE-2021-29492'],
    why: 'The API server decodes before it cuts: get of a namespace for the policy is get of a Secret for the cluster.',
    plays: [
      refused('/api/v1/namespaces/prod%2fsecrets%2fdb', 'path.encoded_slash'),
      refused('/api/v1/namespaces/prod%2Fsecrets%2Fdb', 'path.encoded_slash'),
      refused('/api/v1/namespaces/prod/pods/p%2fexec?command=id', 'path.encoded_slash'),
      refused('/api/v1/namespaces/prod%5csecrets', 'path.backslash'),
      refused('/api/v1/namespaces/prod%252fsecrets', 'path.encoded_percent'),
      refused('/api/v1/namespaces/prod;a=b/secrets', 'path.semicolon'),
      refused('/api/v1/namespaces/prod%3bsecrets', 'path.semicolon'),
    ],
  },
  {
    name: 'encoded letters',
    sources: [ORACLE, 'CVE-2021-32779'],
    why: 'A rule for "secrets" that looks at the raw path does not see "%73ecrets", which is the same to the API server.',
    plays: [
      denied('/api/v1/namespaces/prod/%73ecrets/db', 'no-secrets', 'get secrets db'),
      denied('/api/v1/namespaces/prod/%73%65%63rets', 'no-secrets', 'list secrets'),
      rebuilt('/api/v1/namespaces/prod/%70ods/db', '/api/v1/namespaces/prod/pods/db', 'get pods db'),
    ],
  },
  {
    name: 'empty and dotted segments',
    sources: [ORACLE, 'CVE-2021-32779'],
    why: 'Some readers clean such paths, the API server does not: each serves another resource.',
    plays: [
      refused('//api/v1/namespaces/prod/secrets/db', 'path.empty_segment'),
      refused('/api//v1/namespaces/prod/secrets/db', 'path.empty_segment'),
      refused('/api/v1/namespaces//secrets', 'path.empty_segment'),
      refused('/api/v1/namespaces/dev/../prod/secrets/db', 'path.dot_segment'),
      refused('/api/v1/namespaces/dev/%2e%2e/prod/secrets/db', 'path.dot_segment'),
      refused('/api/v1/./namespaces/prod/secrets', 'path.dot_segment'),
    ],
  },
  {
    name: 'bytes that end or hide a name',
    sources: [ORACLE],
    why: 'A name that ends at a NUL for one reader and goes on for the other is two names.',
    plays: [
      refused('/api/v1/namespaces/prod/secrets/db%00', 'path.nul'),
      refused('/api/v1/namespaces/prod/secrets/db%0a', 'path.control'),
      refused('/api/v1/namespaces/prod/secrets/db%7f', 'path.control'),
      refused('/api/v1/namespaces/prod/secrets/%c0%ae', 'path.utf8'),
      refused('/api/v1/namespaces/prod/secrets/%ff', 'path.utf8'),
      refused('/api/v1/namespaces/prod/secrets/db%', 'path.percent'),
      refused('/api/v1/namespaces/prod/secrets/db%zz', 'path.percent'),
      ...refusedByBoth('a fragment', request('GET /api/v1/secrets#pods HTTP/1.1'), 'http1.target.character'),
      ...refusedByBoth('a raw backslash', request('GET /api/v1\\secrets HTTP/1.1'), 'http1.target.character'),
      ...refusedByBoth('raw UTF-8', request('GET /api/v1/s\xc3\xa4 HTTP/1.1'), 'http1.target.character'),
    ],
  },
  {
    name: 'watch and list by another name',
    sources: [ORACLE],
    why: 'A rule that denies get of one object is passed by a list or a watch that returns the same object.',
    plays: [
      denied('/api/v1/watch/namespaces/prod/secrets', 'no-secrets', 'watch secrets'),
      denied('/api/v1/namespaces/prod/secrets?watch=1', 'no-secrets', 'watch secrets'),
      denied('/api/v1/secrets', 'no-secrets', 'list secrets'),
      denied(
        '/api/v1/namespaces/prod/configmaps?fieldSelector=metadata.name%3Ddb',
        'not-that-one',
        'list configmaps db',
      ),
      denied('/api/v1/namespaces/prod/configmaps', 'not-that-one', 'list configmaps'),
      refused('/api/v1/namespaces/prod/secrets?watch=1&watch=0', 'query.repeated'),
      refused('/api/v1/namespaces/prod/secrets?watch=0&%77atch=1', 'query.repeated'),
      refused('/api/v1/namespaces/prod/secrets?a=b;watch=1', 'query.semicolon'),
    ],
  },
]
