// Whether a name says that what it names is secret: "DB_PASSWORD", "clientSecret", "api-key", but not "secretName",
// "tokenTTL" or "publicKey". The last word decides.

const LAST = new Set([
  'password',
  'passwords',
  'passwd',
  'passphrase',
  'passcode',
  'pwd',
  'secret',
  'token',
  'apikey',
  'credential',
  'credentials',
  'secretkey',
  'accesskey',
  'privatekey',
  'authtoken',
  'accesstoken',
  'clientsecret',
  'dbpassword',
  'userpassword',
  'dbpass',
  'mypass',
  'secretaccesskey',
  'pass',
])
/** In front of "key". */
const KEYS = new Set([
  'api',
  'access',
  'private',
  'secret',
  'signing',
  'encryption',
  'master',
  'auth',
  'account',
  'storage',
  'consumer',
  'app',
  'application',
  'license',
  'webhook',
  'service',
  'shared',
  'session',
  'encrypt',
  'crypt',
  'crypto',
  'hmac',
  'jwt',
  'deploy',
  'admin',
  'ingest',
  'integration',
])
const NOT_SECRET = new Set(['serviceaccounttoken', 'imagepullsecret', 'nexttoken', 'continuetoken', 'paginationtoken'])

export function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '')
  if (NOT_SECRET.has(words.join(''))) return false
  const last = words.at(-1) ?? ''
  const before = words.at(-2) ?? ''
  if (last === 'key') return KEYS.has(before)
  if (last === 'pass') return before !== '' && before !== 'by'
  return LAST.has(last)
}
