// The preset zlib dictionary of SPDY/3 header blocks, put together from the words that the specification lists
// (SPDY draft 3.1, section 2.6.10.1). Both sides start from it, so a single wrong byte breaks every first block.

/** Words that stand in the dictionary as in a header block: a 32-bit length and the text. */
const COUNTED = [
  // Methods and header names of HTTP/1.1 in the order of the draft, then what SPDY/2 called its own headers.
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow',
  'authorization cache-control connection content-base content-encoding content-language content-length',
  'content-location content-md5 content-range content-type date etag expect expires from host if-match',
  'if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma',
  'proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade',
  'user-agent vary via warning www-authenticate method get status',
]
  .join(' ')
  .split(' ')
  .concat('200 OK', 'version', 'HTTP/1.1', 'url', 'public', 'set-cookie', 'keep-alive', 'origin')

/** What follows without lengths: parts of values. */
const TEXT = [
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505',
  '203 Non-Authoritative Information',
  '204 No Content',
  '301 Moved Permanently',
  '400 Bad Request',
  '401 Unauthorized',
  '403 Forbidden',
  '404 Not Found',
  '500 Internal Server Error',
  '501 Not Implemented',
  '503 Service Unavailable',
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec',
  ' 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT',
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,',
  'publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.',
].join('')

/** 1,423 bytes. */
export const DICTIONARY: Uint8Array = Uint8Array.from(
  Buffer.concat([
    ...COUNTED.map((word) => Buffer.concat([Uint8Array.of(0, 0, 0, word.length), Buffer.from(word, 'latin1')])),
    Buffer.from(TEXT, 'latin1'),
  ]),
)

/** Its Adler-32, which the first block of a direction names (RFC 1950, DICTID). */
export const DICTIONARY_ID = 0xe3c6a7c2
