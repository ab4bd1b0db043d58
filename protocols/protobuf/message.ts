// What the numbers of a protobuf message mean: a field's name in JSON, and what it holds. Tables of these are data
// (metadata.ts, pods.ts, kinds.ts), written from the generated.proto files of k8s.io/api and apimachinery.

/**
 * text: a string. bytes: base64 in JSON. number: no string. message: another message. inline: a message whose fields JSON
 * has in the one around it. raw: a RawExtension, JSON within a message. opaque: a message that is not described.
 */
export type Content = 'text' | 'bytes' | 'number' | 'message' | 'inline' | 'raw' | 'opaque'

export interface Field {
  /** As in JSON. "" of an inline message. */
  readonly name: string
  readonly content: Content
  readonly occurs: 'once' | 'list' | 'map'
  /** Of a message, list of messages, or inline. */
  readonly message: Message | undefined
}

export interface Message {
  /** By number; holes where there is none. */
  readonly fields: readonly (Field | undefined)[]
  readonly names: ReadonlyMap<string, Field>
  /** False: it has fields that are not told, so any name may be one of them. */
  readonly isComplete: boolean
}

type Fields = Readonly<Record<number, Field>>

/** All fields of a message, those that are not described among them. */
export function message(fields: Fields): Message {
  return { ...indexed(fields), isComplete: true }
}

/** Some fields of a message. */
export function part(fields: Fields): Message {
  return { ...indexed(fields), isComplete: false }
}

function indexed(fields: Fields): Pick<Message, 'fields' | 'names'> {
  const byNumber: (Field | undefined)[] = []
  const names = new Map<string, Field>()
  for (const [number, field] of Object.entries(fields)) {
    byNumber[Number(number)] = field
    if (field.content !== 'inline') names.set(field.name, field)
    else for (const [name, below] of field.message?.names ?? []) names.set(name, below)
  }
  // No holes: reading one would look for it along the prototypes.
  return { fields: Array.from(byNumber), names }
}

function field(name: string, content: Content, occurs: Field['occurs'], below?: Message): Field {
  return { name, content, occurs, message: below }
}

export const text = (name: string): Field => field(name, 'text', 'once')
export const texts = (name: string): Field => field(name, 'text', 'list')
export const textMap = (name: string): Field => field(name, 'text', 'map')
export const bytes = (name: string): Field => field(name, 'bytes', 'once')
export const bytesMap = (name: string): Field => field(name, 'bytes', 'map')
/** Of booleans as well. */
export const number = (name: string): Field => field(name, 'number', 'once')
export const one = (name: string, below: Message): Field => field(name, 'message', 'once', below)
export const list = (name: string, below: Message): Field => field(name, 'message', 'list', below)
export const inline = (below: Message): Field => field('', 'inline', 'once', below)
export const raw = (name: string): Field => field(name, 'raw', 'once')
/** Times and quantities too, which JSON writes as strings and no mask could stand for. */
export const opaque = (name: string): Field => field(name, 'opaque', 'once')
export const opaques = (name: string): Field => field(name, 'opaque', 'list')
export const opaqueMap = (name: string): Field => field(name, 'opaque', 'map')
