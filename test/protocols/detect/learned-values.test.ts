import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Detection } from '../../../protocols/detect/detection.ts'
import { LearnedValues } from '../../../protocols/detect/learned-values.ts'
import { maskAnyCut, maskText } from '../../support/masked-text.ts'

const KEY = Buffer.alloc(32, 7)
const BOUNDS = { values: 100, bytes: 8_388_608, piece: 1_536, depth: 4, shortest: 6 }
const VALUE = 'p4ss "W&rd"/é+x\\y?='
const NAMES = 'learned'

function learning(...values: readonly (string | Uint8Array)[]): Detection {
  const learned = new LearnedValues(KEY, BOUNDS)
  for (const value of values) learned.learn(Buffer.from(value))
  return new Detection({ detectors: new Set(), patterns: [], learned })
}

const ENCODED: Readonly<Record<string, (value: Buffer) => string>> = {
  'as it is': (value) => value.toString('latin1'),
  'in base64': (value) => value.toString('base64'),
  'in base64 behind one byte': (value) => Buffer.concat([Buffer.from('a'), value]).toString('base64'),
  'in base64 behind two bytes': (value) => Buffer.concat([Buffer.from('ab'), value]).toString('base64'),
  'in base64url': (value) => value.toString('base64url'),
  'in base64url behind one byte': (value) => Buffer.concat([Buffer.from('a'), value]).toString('base64url'),
  'in base64url behind two bytes': (value) => Buffer.concat([Buffer.from('ab'), value]).toString('base64url'),
  'in hexadecimal digits': (value) => value.toString('hex'),
  'in capital hexadecimal digits': (value) => value.toString('hex').toUpperCase(),
  'in JSON': (value) => Buffer.from(JSON.stringify(value.toString())).toString('latin1'),
  "in Go's JSON": (value) => Buffer.from(JSON.stringify(value.toString()).replace('&', '\\u0026')).toString('latin1'),
  'in ASCII JSON': (value) => JSON.stringify(value.toString()).replace('é', '\\u00e9').replace('/', '\\/'),
  'in a URL': (value) => encodeURIComponent(value.toString()),
  'in a form': (value) => encodeURIComponent(value.toString()).replaceAll('%20', '+').toLowerCase(),
}

for (const [how, encode] of Object.entries(ENCODED)) {
  test(`a learned value is masked ${how}, under any cut`, () => {
    const value = how === 'in a form' ? VALUE.toLowerCase() : VALUE
    const encoded = encode(Buffer.from(value))
    const { text, rules, count } = maskAnyCut(learning(value), `before ${encoded} after`)
    assert.match(text, /^before .*(~mask~|\/mask\+).* after$/)
    assert.equal(rules, NAMES)
    assert.equal(count, 1)
    const kept = encoded.replace(/[^"=]/g, '').length
    const shown = [...text.slice(7, -6)].filter((character, at) => character === encoded[at]).length
    assert.ok(shown <= kept + 6, text)
  })
}

/** What `text` comes out as, under any cut. */
function masked(detection: Detection, text: string | Uint8Array): string {
  return maskAnyCut(detection, text).text
}

const PLAIN = 'S3cr3t-Value!9-and-more'

const LINE_ENDS = ['\n', '\r\n', '\r', '\\n', '\\r\\n', '\n\n\n']

test('line ends within a learned value do not hide it, in any of their forms', () => {
  for (const end of LINE_ENDS) {
    for (const at of [6, 7, 9, PLAIN.length - 1]) {
      const text = masked(learning(PLAIN), `a ${PLAIN.slice(0, at)}${end}${PLAIN.slice(at)} z`)
      assert.match(text.replace(end, ''), /^a [~mask]+ z$/)
      assert.ok(text.includes(end))
    }
  }
})

test('of a learned value that a line end breaks earlier only what stands before that passes', () => {
  for (const end of LINE_ENDS) {
    for (const at of [1, 2, 3, 4, 5]) {
      const text = masked(learning(PLAIN), `a ${PLAIN.slice(0, at)}${end}${PLAIN.slice(at)} z`)
      assert.equal(text, `a ${PLAIN.slice(0, at)}${end}~mask~${'~'.repeat(PLAIN.length - at - 6)} z`)
    }
  }
})

test('nothing of a learned value passes where the line that it begins in is as long as wrapped ones are', () => {
  for (const end of LINE_ENDS) {
    for (let at = 1; at < PLAIN.length; at++) {
      const line = `${'x'.repeat(40 - Math.min(at, 6))}${PLAIN.slice(0, at)}`
      const text = masked(learning(PLAIN), `a${end}  ${line}${end}${PLAIN.slice(at)} z`)
      assert.match(text.replaceAll(end, ''), /^a {2}x+[~mask]+ z$/)
    }
  }
})

test('a control sequence that a learned value may begin in passes at once, and the rest of the value is masked', () => {
  const masker = learning('mSecret-V4lue', '31mmSecret', '34567812').masker({ terminal: true })
  const shown = masker.receive(Buffer.from('\u001b[1;31m'))
  assert.equal(shown.original.length, 7)
  assert.equal(masker.held, 0)
  for (const [text, expected] of [
    ['\u001b[0mSecret-V4lue', '\u001b[0m~mask~~~~~~~'],
    ['\u001b[31mmSecret', '\u001b[31m~mask~~'],
    ['\u001b[34567812m', '\u001b[~mask~~~m'],
  ] as const) {
    assert.equal(maskAnyCut(learning('mSecret-V4lue', '31mmSecret', '34567812'), text, true).text, expected)
    assert.equal(maskAnyCut(learning('mSecret-V4lue', '31mmSecret', '34567812'), text).text, expected)
  }
})

test('base64 of a longer text with the value in it is masked where the value is, wrapped at 76, 64, 60 and 40 columns', () => {
  for (let before = 0; before < 80; before++) {
    const around = Buffer.concat([Buffer.alloc(before, 'x'), Buffer.from(PLAIN), Buffer.alloc(30, 'z')])
    for (const width of [76, 64, 60, 40]) {
      const wrapped = around.toString('base64').replace(new RegExp(`.{${width}}`, 'g'), '$&\n')
      const decoded = Buffer.from(maskText(learning(PLAIN), wrapped).text, 'base64')
      assert.equal(decoded.length, around.length)
      // Bits of its first characters may stand in a character with bits of what is before it.
      assert.ok(!decoded.includes(PLAIN.slice(0, 4)) && !decoded.includes(PLAIN.slice(4, 9)), `${before} ${width}`)
      assert.equal(decoded.subarray(0, before).toString(), 'x'.repeat(before))
    }
  }
})

test('a value of several lines is masked whole, and so is each of its lines', () => {
  const key = ['MIIEpAIBAAKCAQEAb2f1', 'Zm9vYmFyYmF6cXV4MDEy', 'short'].join('\n')
  assert.doesNotMatch(masked(learning(key), `x ${key} y`), /MII|Zm9|short/)
  assert.doesNotMatch(masked(learning(key), 'x Zm9vYmFyYmF6cXV4MDEy y'), /Zm9/)
  assert.match(masked(learning(key), 'x short y'), /short/)
})

test('a long value is masked by its pieces', () => {
  const long = Buffer.from(Array.from({ length: 3_000 }, (_, at) => `${at}é`).join(','))
  const shown = maskText(learning(long), Buffer.concat([Buffer.from('a '), long.subarray(0, 9_000), Buffer.from(' z')]))
  assert.ok(shown.text.replaceAll(/[~mask]/g, '').length < 1_600)
  const piece = long.toString('base64')
  assert.ok(maskText(learning(long), piece).text.replaceAll(/[/mask+]/g, '').length < 200)
})

test('secrets within a value are learned too', () => {
  const auth = Buffer.from('bob:hunter2hunter2').toString('base64')
  const cases: readonly (readonly [string, string])[] = [
    [
      JSON.stringify({ auths: { 'registry.local': { username: 'bob', password: 'hunter2hunter2', auth } } }),
      'hunter2hunter2',
    ],
    [JSON.stringify({ auths: { r: { auth } } }), 'hunter2hunter2'],
    ['DB_HOST=db\nDB_PASSWORD="s3cr3t pw"\n', 's3cr3t pw'],
    ['postgres://app:p%40ssw0rd@db:5432/orders', 'p@ssw0rd'],
    ['users:\n- user:\n    token: abcdef-123456\n', 'abcdef-123456'],
    [Buffer.from('{"private_key":"x-Very-53cret"}').toString('base64'), 'x-Very-53cret'],
    [' padded-S3cret \n', 'padded-S3cret'],
  ]
  for (const [value, inner] of cases) {
    assert.ok(!masked(learning(value), `see ${inner} here`).includes(inner), inner)
  }
})

test('JSON that was learned is masked in its strings alone, and whole where it is encoded', () => {
  const value = '{"user":"bob","key":"v3ry-S3cret","n":12345678}'
  const text = masked(learning(value), value)
  assert.deepEqual(Object.keys(JSON.parse(text) as object), ['user', 'key', 'n'])
  assert.ok(!text.includes('v3ry'))
  assert.ok(
    !/user|key/.test(Buffer.from(masked(learning(value), Buffer.from(value).toString('base64')), 'base64').toString()),
  )
  assert.ok(!masked(learning(value), JSON.stringify({ a: value })).includes('12345678'))
})

test('what is short, common or public is not learned', () => {
  const common = [
    'abc12',
    'postgres',
    'production',
    'true',
    'localhost',
    'admin',
    'kube-system',
    '1234567',
    '10.0.0.1',
    'aaaaaaaaaaaa',
    '2026-11-28',
    '2026-11-28T10:00:00Z',
    'redis-master-0',
    'db.prod.svc.cluster.local',
    'https://vault.example.com:8200',
    '/etc/ssl/certs',
    'v1.25.3',
    'postgres://db.prod.svc:5432/orders',
    'registry.example.com/team/web:1.2.3',
    'arn:aws:iam::123456789012:role/reader',
    'us-east-1',
    '512Mi',
    '-----BEGIN CERTIFICATE-----\nMIIB1a2b3c4d5e6f\n-----END CERTIFICATE-----\n',
  ]
  for (const value of common) {
    const learned = new LearnedValues(KEY, BOUNDS)
    learned.learn(Buffer.from(value))
    assert.equal(learned.size, 0, value)
  }
  for (const value of [
    'hunter2',
    'Tr0ub4dor',
    '12345678',
    'correct horse battery',
    'a8f5f167f44f4964e6c998dee827110c',
    'p@ssword',
  ]) {
    const learned = new LearnedValues(KEY, BOUNDS)
    learned.learn(Buffer.from(value))
    assert.equal(learned.size, 1, value)
  }
})

test('no more values are kept than allowed, those used longest ago go first, and the others stay', () => {
  const learned = new LearnedValues(KEY, { ...BOUNDS, values: 16 })
  const detection = new Detection({ detectors: new Set(), patterns: [], learned })
  const value = (at: number): string => `v4lue-number-${at}-x`
  for (let at = 0; at < 16; at++) learned.learn(Buffer.from(value(at)))
  learned.learn(Buffer.from(value(0)))
  for (let at = 16; at < 20; at++) learned.learn(Buffer.from(value(at)))
  assert.ok(learned.size <= 16)
  const isKnown = (at: number): boolean => !maskText(detection, value(at)).text.includes('v4lue')
  assert.ok(isKnown(0) && isKnown(19) && isKnown(15) && !isKnown(1) && !isKnown(2))
})

test('memory is bounded too', () => {
  const learned = new LearnedValues(KEY, { ...BOUNDS, bytes: 200_000 })
  for (let at = 0; at < 300; at++) learned.learn(Buffer.from(`v4lue-number-${at}-x`))
  assert.ok(learned.bytes <= 200_000)
  assert.ok(learned.size > 20)
})

test('who teaches many values forgets their own: others keep theirs', () => {
  const learned = new LearnedValues(KEY, { ...BOUNDS, values: 64 })
  const detection = new Detection({ detectors: new Set(), patterns: [], learned })
  const isKnown = (value: string): boolean => !maskText(detection, value).text.includes('v4lue')
  const kept = Array.from({ length: 20 }, (_, at) => `v4lue-of-prod-${at}-x`)
  for (const value of kept) learned.learn(Buffer.from(value), 'lab/prod')
  learned.learn(Buffer.from('v4lue-of-few-x'), 'lab/few')
  for (let at = 0; at < 5_000; at++) learned.learn(Buffer.from(`v4lue-of-flood-${at}-x`), 'lab/agents')
  assert.ok(learned.size <= 64)
  assert.deepEqual(
    kept.filter((value) => !isKnown(value)),
    [],
  )
  assert.ok(isKnown('v4lue-of-few-x') && isKnown('v4lue-of-flood-4999-x') && !isKnown('v4lue-of-flood-9-x'))
})

test('a few long values forget no others, and what is forgotten is forgotten in one go', () => {
  const learned = new LearnedValues(KEY, { ...BOUNDS, values: 10_000, bytes: 1_000_000 })
  const detection = new Detection({ detectors: new Set(), patterns: [], learned })
  const small = Array.from({ length: 100 }, (_, at) => `v4lue-of-prod-${at}-x`)
  for (const value of small) learned.learn(Buffer.from(value), 'lab/prod')
  for (let at = 0; at < 40; at++) {
    const long = Array.from({ length: 4_000 }, (_, part) => `Zq${at}-${part}`).join(' ')
    learned.learn(Buffer.from(long), 'lab/agents')
    assert.ok(learned.bytes <= 1_000_000)
  }
  assert.deepEqual(
    small.filter((value) => maskText(detection, value).text.includes('v4lue')),
    [],
  )
})

test('a value learned while a stream is open is masked in it', () => {
  const learned = new LearnedValues(KEY, BOUNDS)
  const masker = new Detection({ detectors: new Set(), patterns: [], learned }).masker({ terminal: false })
  const text = Buffer.from(`x ${PLAIN} y`)
  assert.ok(Buffer.from(masker.receive(text).masked).includes(PLAIN))
  learned.learn(Buffer.from(PLAIN))
  assert.ok(!Buffer.from(masker.receive(text).masked).includes(PLAIN))
})

test('text in which nothing can begin is given out as it came, the same view', () => {
  const masker = learning(PLAIN).masker({ terminal: false })
  const text = Buffer.from('nothing to see here: 1 2 3 ,,,')
  const shown = masker.receive(text)
  assert.equal(shown.original, text)
  assert.equal(shown.masked, text)
  assert.equal(masker.held, 0)
})

test('a flush gives out all: masked where six bytes of a learned value are in it, and what goes on is recognised', () => {
  const masker = learning(PLAIN).masker({ terminal: false })
  const out: string[] = []
  const take = ({ masked: bytes }: { readonly masked: Uint8Array }): void => {
    out.push(Buffer.from(bytes).toString())
  }
  take(masker.receive(Buffer.from('> S3cr3t-V')))
  assert.equal(masker.held, 8)
  take(masker.flush())
  assert.equal(masker.held, 0)
  take(masker.receive(Buffer.from('alue!9-and-more <')))
  take(masker.end())
  assert.equal(out.join(''), `> ~mask~${'~'.repeat(PLAIN.length - 6)} <`)
  assert.deepEqual(masker.taken(), { rules: 'learned', count: 1 })
})

test('a flush lets less than six bytes pass, and the rest of the value is masked', () => {
  const masker = learning(PLAIN).masker({ terminal: false })
  const out = [
    masker.receive(Buffer.from('> S3cr')),
    masker.flush(),
    masker.receive(Buffer.from(`${PLAIN.slice(4)} <`)),
  ]
  assert.equal(
    out.map(({ masked: bytes }) => Buffer.from(bytes).toString()).join(''),
    `> S3cr~mask~${'~'.repeat(PLAIN.length - 10)} <`,
  )
})

test('a flush lets words pass that a learned value begins with', () => {
  const masker = learning('postgres://app:v3ry-S3cret@db/x').masker({ terminal: true })
  assert.equal(masker.receive(Buffer.from('postgres')).original.length, 0)
  assert.equal(Buffer.from(masker.flush().masked).toString(), 'postgres')
})

test('backslashes do not hide a value, however often it was escaped', () => {
  for (const value of [
    'a"b/c\\d\\ne-S3cret',
    'drive-C\\new\\rack\\S3cret',
    '\\nS3cret-\\',
    'nine\\\\nS3cret\\\\r',
    'S3cret\\\n\\r\\"x"',
  ]) {
    let text = value
    for (let times = 0; times < 4; times++) {
      const shown = masked(learning(value), `x ${text} y`)
      assert.match(shown, /^x .*~mask~.* y$/s, text)
      assert.doesNotMatch(shown, /S3|3c|ret/, text)
      text = JSON.stringify(text).slice(1, -1)
    }
  }
})

test('characters that JSON escapes by number or name do not hide a value, however often it was escaped', () => {
  const ways: readonly ((text: string) => string)[] = [
    (text) => JSON.stringify(text).slice(1, -1).replace(/[<>&]/g, byNumber),
    (text) =>
      JSON.stringify(text)
        .slice(1, -1)
        .replace(/[^\x20-\x7e]/g, byNumber),
  ]
  for (const value of [
    'S3cr&t<Value>9',
    'S3\tcrt\b\u00e9-Value9',
    '\u{1f511}S3c-\u{1f511}-Value9',
    '&S3c\0\u001bVal"ue9',
    'Corp\\bob:S3c&Va"l9',
  ]) {
    for (const first of ways) {
      for (const then of ways) {
        let text = first(value)
        for (let times = 0; times < 4; times++) {
          const whole = Buffer.from(`{"a":"${text}","b":1}`)
          const shown = maskAnyCut(learning(value), whole).text
          assert.match(shown, /~mask~/, text)
          assert.doesNotMatch(shown, /S3|3c|Va|l9|e9/, text)
          JSON.parse(shown)
          text = then(text)
          // A backslash of the value in front of such a letter is told from an escape in JSON alone.
          if (value.startsWith('Corp')) break
        }
      }
    }
  }
})

test('a backslash that may be half of a line end is none of the value, nor is the letter behind it lost', () => {
  const value = 'ninety-S3cret'
  for (const [text, expected] of [
    ['\\ninety-S3cret', '\\n~mask~~~~~~~'],
    ['\\\\ninety-S3cret', '\\\\~mask~~~~~~~~'],
    ['ninety-S3cret\\n', '~mask~~~~~~~~\\n'],
    ['ninety-S3cret\\', '~mask~~~~~~~~\\'],
    ['ninety-\\\\\\nS3cret', '~mask~~~~\\n~~~~~~'],
  ] as const) {
    assert.equal(masked(learning(value), text).length, text.length)
    assert.doesNotMatch(masked(learning(value), text), /inety|S3c/, text)
    assert.equal(masked(learning(value), text).replaceAll(/[~mask]+/g, ''), expected.replaceAll(/[~mask]+/g, ''))
  }
})

test('base64 with its slashes escaped, and escaped line ends in it, is base64 all the same', () => {
  const value = Buffer.from([0xff, 0xff, 0xff, 0x3f, 0xfe, 0x8f, 0x12, 0x99, 0x41, 0x42])
  const base64 = value.toString('base64')
  assert.match(base64, /\//)
  for (const text of [
    base64.replaceAll('/', '\\/'),
    base64.replace(/.{4}/g, '$&\\n'),
    base64.replace(/.{4}/g, '$&\\\\n'),
  ]) {
    assert.doesNotMatch(masked(learning(value), `"${text}"`), /P\/6|EkE/, text)
  }
})

test('a value with many blank lines is masked on both sides of them', () => {
  for (const gap of ['\n'.repeat(9), '\n'.repeat(200), '\\n'.repeat(40), '\\'.repeat(100)]) {
    const value = `f1rst-S3cret${gap}s3cond-S3cret`
    for (const text of [value, JSON.stringify(value), Buffer.from(value).toString('base64')]) {
      const shown = masked(learning(value), text)
      assert.doesNotMatch(shown, /f1rst|S3cret|s3cond/)
      assert.doesNotMatch(Buffer.from(shown, 'base64').toString(), /f1rst|S3cret|s3cond/)
    }
  }
})

test('a secret within a document that begins as a longer one does is masked whole', () => {
  const head = '{"auths":{"registry.lab.internal":{"username":"bob","password":"'
  const documents = ['f1rst-S3cret-of-some-length', 's3cond-S3cret-of-some-length'].map(
    (password) => `${head}${password}"}}}`,
  )
  const others = documents.map((text) => text.replace('}}}', ',"email":"b@lab"}}}'))
  for (const text of others) assert.doesNotMatch(masked(learning(...documents), text), /S3cret|length/)
})

test('what a mask would leave as it is is not learned', () => {
  for (const value of ['"""""""""', '"},{"":[12345678]', 'abcde\n":1}', '\\\\\\\\\\\\\\\\']) {
    const learned = new LearnedValues(KEY, BOUNDS)
    learned.learn(Buffer.from(value))
    assert.equal(learned.size, 0, value)
  }
})

test('a value that begins as a certificate without its line ends would is learned', () => {
  const value = '-----BEGIN CERTIFICA\nTE-v4lue-S3cret'
  assert.doesNotMatch(masked(learning(value), `x ${value} y`), /TE-v4/)
})

function byNumber(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
