// Request heads that two readers cut into different lines, versions, hosts or protocols (RFC 9112 sections 2 to 5).

import { limits } from '../../../protocols/limits.ts'
import type { Playbook } from '../playbook.ts'
import { CREATE, LIST, message, refusedByBoth, request } from '../scenes.ts'

const UPGRADE = 'Connection: Upgrade'
const EXEC = 'GET /api/v1/namespaces/prod/pods/p/exec?command=id HTTP/1.1'
const field = (line: string): string => request(LIST, [line])

export const head: readonly Playbook[] = [
  {
    name: 'line ends that are not CR LF',
    sources: ['RFC 9112 section 2.2', 'arXiv:2405.17737'],
    why: 'A lone LF or CR ends a line for one reader only: a field or a whole request hides in a value of the other.',
    plays: [
      ...refusedByBoth(
        'LF everywhere',
        `${LIST}\nHost: gateway\nAuthorization: Bearer {{alice}}\n\n`,
        'http1.field.bare_lf',
      ),
      ...refusedByBoth('LF within a value', field('A: b\nImpersonate-User: admin'), 'http1.field.bare_lf'),
      ...refusedByBoth('LF as the empty line', `${LIST}\r\nHost: gateway\r\n\n`, 'http1.field.bare_lf'),
      ...refusedByBoth('CR within a value', field('A: b\rImpersonate-User: admin'), 'http1.field.bare_cr'),
      ...refusedByBoth('CR before CR LF', field('A: b\r'), 'http1.field.bare_cr'),
      ...refusedByBoth('CR in the target', request('GET /a\rb HTTP/1.1'), 'http1.target.character'),
      ...refusedByBoth('an empty line first', `\r\n${request(LIST)}`, 'http1.request_line.empty'),
    ],
  },
  {
    name: 'folded fields',
    sources: ['CVE-2024-27982', 'RFC 9112 section 5.2'],
    why: 'A line that begins with a blank belongs to the field before it for one reader, and is a field for the next.',
    plays: [
      ...refusedByBoth('by a space', request(CREATE, ['A: b', ' Content-Length: 5'], 'aaaaa'), 'http1.field.obs_fold'),
      ...refusedByBoth('by a tab', request(LIST, ['A: b', '\tc']), 'http1.field.obs_fold'),
      ...refusedByBoth('before the first field', `${LIST}\r\n Host: gateway\r\n\r\n`, 'http1.field.obs_fold'),
      ...refusedByBoth('a folded length', request(CREATE, ['Content-Length:', ' 5'], 'aaaaa'), 'http1.field.obs_fold'),
    ],
  },
  {
    name: 'blanks and odd bytes in names',
    sources: ['CVE-2019-16276', 'RFC 9112 section 5.1'],
    why: 'Go once took "Name :" for the name; a proxy that passes it unread lets its client say who it is behind the filter.',
    plays: [
      ...refusedByBoth('a space before the colon', field('Impersonate-User : admin'), 'http1.field.space_before_colon'),
      ...refusedByBoth('a tab before the colon', field('Content-Length\t: 5'), 'http1.field.space_before_colon'),
      ...refusedByBoth('no colon', field('Impersonate-User'), 'http1.field.name'),
      ...refusedByBoth('no name', field(': b'), 'http1.field.name'),
      ...refusedByBoth('a control', field('A\x01: b'), 'http1.field.name'),
      ...refusedByBoth('a NUL', field('Impersonate-User\x00: b'), 'http1.field.name'),
      ...refusedByBoth('UTF-8', field('\xc3\xa4: b'), 'http1.field.name'),
      ...refusedByBoth('parentheses', field('A(b): c'), 'http1.field.name'),
    ],
  },
  {
    name: 'names that are properties of every object',
    sources: ['CVE-2026-21710'],
    why: 'A field named __proto__ ended Node processes that collected fields in an object.',
    plays: [
      ...refusedByBoth('__proto__', field('__proto__: x'), 'http1.field.underscore'),
      ...refusedByBoth('__defineGetter__', field('__defineGetter__: x'), 'http1.field.underscore'),
    ],
  },
  {
    name: 'controls in values',
    sources: ['RFC 9110 section 5.5', 'arXiv:2405.17737'],
    why: 'A NUL or a control ends, splits or vanishes from a value depending on who reads it.',
    plays: [
      ...refusedByBoth('NUL', field('A: b\x00c'), 'http1.field.control'),
      ...refusedByBoth('BEL', field('A: \x07'), 'http1.field.control'),
      ...refusedByBoth('DEL', field('A: b\x7f'), 'http1.field.control'),
      ...refusedByBoth('form feed before a length', field('Content-Length: \x0c5'), 'http1.field.control'),
    ],
  },
  {
    name: 'other versions of HTTP',
    sources: ['RFC 9112 section 2.3', 'arXiv:2405.17737'],
    why: 'HTTP/0.9 has no head and HTTP/2.0 another one: what follows is read as something else behind the proxy.',
    plays: [
      ...refusedByBoth('0.9', 'GET /api/v1/pods\r\n', 'http1.version.missing'),
      ...refusedByBoth('0.9 by name', request('GET /api/v1/pods HTTP/0.9'), 'http1.version.unsupported', { code: 505 }),
      ...refusedByBoth('2.0', request('GET /api/v1/pods HTTP/2.0'), 'http1.version.unsupported', { code: 505 }),
      ...refusedByBoth('1.2', request('GET /api/v1/pods HTTP/1.2'), 'http1.version.unsupported', { code: 505 }),
      ...['HTTP/1.10', 'http/1.1', 'HTTP/01.1', 'HTTP/1.1 HTTP/1.1', 'HTTP/1,1', 'HTTP/+1.1'].flatMap((version) =>
        refusedByBoth(version, request(`GET /api/v1/pods ${version}`), 'http1.version.form'),
      ),
      ...refusedByBoth('two spaces', request('GET  /api/v1/pods HTTP/1.1'), 'http1.request_line.spaces'),
      ...refusedByBoth('tabs', request('GET\t/api/v1/pods\tHTTP/1.1'), 'http1.request_line.method'),
      ...refusedByBoth('a method in lower case', request('get /api/v1/pods HTTP/1.1'), 'http1.method.unknown', {
        code: 501,
      }),
    ],
  },
  {
    name: 'targets that are not a path',
    sources: ['RFC 9112 section 3.2.2', 'Kubernetes RequestInfoFactory v0.37.2'],
    why: 'The API server takes host and path of an absolute target: policy would judge one request and it serve another.',
    plays: [
      ...refusedByBoth(
        'absolute-form of another host',
        request('GET https://evil/api/v1/secrets HTTP/1.1'),
        'http1.target.absolute',
      ),
      ...refusedByBoth(
        'absolute-form of this host',
        request('GET https://gateway/api/v1/pods HTTP/1.1'),
        'http1.target.absolute',
      ),
      ...refusedByBoth('authority-form', request('GET gateway:443 HTTP/1.1'), 'http1.target.authority'),
      ...refusedByBoth('asterisk-form', request('OPTIONS * HTTP/1.1'), 'http1.target.asterisk'),
      ...refusedByBoth('CONNECT', request('CONNECT cluster:443 HTTP/1.1'), 'http1.method.unknown', { code: 501 }),
      ...refusedByBoth('TRACE', request('TRACE / HTTP/1.1'), 'http1.method.unknown', { code: 501 }),
    ],
  },
  {
    name: 'no Host, or more than one',
    sources: ['RFC 9112 section 3.2', 'arXiv:2405.17737'],
    why: 'Two readers choose two hosts, and route, cache or decide by different ones.',
    plays: [
      ...refusedByBoth('two', field('Host: other'), 'http1.host.repeated'),
      ...refusedByBoth('two that agree', field('hOST: gateway'), 'http1.host.repeated'),
      ...refusedByBoth('none', message([LIST]), 'http1.host.missing'),
      ...['', 'a@b', 'a, b', 'a/b', 'a b', 'a\\b'].flatMap((host) =>
        refusedByBoth(`"${host}"`, message([LIST, `Host: ${host}`]), 'http1.host.form'),
      ),
    ],
  },
  {
    name: 'h2c smuggling',
    sources: ['Bishop Fox 2020, h2c smuggling', 'RFC 9113 section 3.1'],
    why: 'Behind an upgrade to h2c that a proxy passes, the cluster reads HTTP/2 requests that nobody judged.',
    plays: [
      ...refusedByBoth('h2c', request(LIST, [UPGRADE, 'Upgrade: h2c']), 'http1.upgrade.h2c'),
      ...refusedByBoth('H2C to exec', request(EXEC, [UPGRADE, 'Upgrade: H2C']), 'http1.upgrade.h2c'),
      ...refusedByBoth(
        'as curl asks for it',
        request(LIST, ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']),
        'http1.connection.option',
      ),
      ...refusedByBoth(
        'beside websocket',
        request(EXEC, [UPGRADE, 'Upgrade: websocket, h2c']),
        'http1.upgrade.protocol',
      ),
      ...refusedByBoth('without Connection', field('Upgrade: h2c'), 'http1.upgrade.option_missing'),
    ],
  },
  {
    name: 'heads without end',
    sources: ['CVE-2018-12121', 'CVE-2024-37890'],
    why: 'A head that is taken at any length, or with any number of fields, fills memory before anybody is known.',
    plays: [
      ...refusedByBoth(
        'a long request line',
        request(`GET /${'a'.repeat(limits.http1.startLine)} HTTP/1.1`),
        'http1.start_line.too_long',
        { code: 431 },
      ),
      ...refusedByBoth('one long field', field(`A: ${'b'.repeat(limits.http1.fieldBytes)}`), 'http1.field.too_large', {
        code: 431,
      }),
      ...refusedByBoth(
        'many fields',
        request(
          LIST,
          Array.from({ length: limits.http1.fieldCount }, (_, at) => `A${at}: b`),
        ),
        'http1.field.too_many',
        { code: 431 },
      ),
    ],
  },
]
