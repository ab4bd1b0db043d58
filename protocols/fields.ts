// Header field lines, flat as Node's rawHeaders: [name, value, name, value, …]. Names keep the case they came in, and
// repeated lines stay apart, because joining them changes their meaning to Kubernetes (two groups become one).

/** Field lines in wire order; even positions are names, odd ones values without surrounding white space. */
export type Fields = readonly string[]

/** The value of the first line of that name, or undefined. `lowerName` must be lower-case. */
export function field(fields: Fields, lowerName: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return fields[at + 1]
  }
  return undefined
}

/** The values of all lines of that name, in order. `lowerName` must be lower-case. */
export function fieldValues(fields: Fields, lowerName: string): string[] {
  const values: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) values.push(fields[at + 1] as string)
  }
  return values
}

/** The elements of a comma-separated list field (RFC 9110 section 5.6.1) over all its lines, trimmed, empty ones left out. */
export function fieldList(fields: Fields, lowerName: string): string[] {
  const list: string[] = []
  for (const value of fieldValues(fields, lowerName)) {
    for (const element of value.split(',')) {
      const trimmed = element.trim()
      if (trimmed !== '') list.push(trimmed)
    }
  }
  return list
}
