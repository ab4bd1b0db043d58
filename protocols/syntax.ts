// What a byte may be in a message head, as one table of classes (RFC 9110 section 5, RFC 9112 sections 2 to 5). Text is
// latin1: one character a byte, so that bytes above 0x7f pass unchanged; a character above 0xff belongs to no class.

/** Method and field names: tchar. */
export const TOKEN = 0x01
/** Field values and reason phrases: HTAB, SP, VCHAR and obs-text; no other control, no DEL. */
export const VALUE = 0x02
/** The path of a target: pchar, "/" and "%" (RFC 3986 section 3.3). */
export const PATH = 0x04
/**
 * The query of a target: visible ASCII but "#". Wider than RFC 3986, because clients send what their user typed
 * (`kubectl get --raw '…/proxy/query?query=up{job="api"}'`), and no reader splits a request line at these.
 */
export const QUERY = 0x08
/** Host: reg-name, IP literal and port. No "@", so that no user part can hide the name. */
export const HOST = 0x10
/** The name and version of a protocol in Upgrade: tchar and "/". */
export const PROTOCOL = 0x20

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const CLASSES = new Uint8Array(256)

allow(TOKEN, `${ALPHANUMERIC}!#$%&'*+-.^_\`|~`)
allow(PATH, `${ALPHANUMERIC}-._~!$&'()*+,;=:@/%`)
allow(HOST, `${ALPHANUMERIC}-._~!$&'()*+,;=:[]%`)
allow(PROTOCOL, `${ALPHANUMERIC}!#$%&'*+-.^_\`|~/`)
for (let byte = 0x21; byte < 0x7f; byte++) CLASSES[byte]! |= byte === 0x23 ? VALUE : VALUE | QUERY
for (let byte = 0x80; byte <= 0xff; byte++) CLASSES[byte]! |= VALUE
allow(VALUE, ' \t')

/** What Kubernetes and its proxy subresources answer. CONNECT would make a tunnel, and TRACE would echo credentials. */
export const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** The position of the first character at or behind `at`, and before `end`, that is not of the class; else `end`. */
export function skip(text: string, at: number, end: number, kind: number): number {
  while (at < end && (CLASSES[text.charCodeAt(at)]! & kind) !== 0) at++
  return at
}

/** Whether text is not empty and every character of it is of the class. */
export function isAll(text: string, kind: number): boolean {
  return text.length > 0 && skip(text, 0, text.length, kind) === text.length
}

function allow(kind: number, characters: string): void {
  for (let at = 0; at < characters.length; at++) CLASSES[characters.charCodeAt(at)]! |= kind
}
