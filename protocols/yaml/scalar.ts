// YAML's scalars and JSON's: what a plain word means, and a JSON string as a YAML one.

/**
 * A plain word that every version of YAML reads as JSON does: null, a boolean, a number. Whatever else is plain counts as
 * text, and so is masked where text is; what the API server writes as text and could be read otherwise stands in quotes.
 */
const WORD = /^(?:null|true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)$/

/** The JSON of a plain scalar that is no text; undefined where it is. `longest`: of a number. */
export function wordOf(plain: string, longest: number): string | undefined {
  if (plain === '' || plain === '~') return 'null'
  return plain.length <= longest && WORD.test(plain) ? plain : undefined
}

/** What readers of YAML 1.1 do not take as it stands within quotes, or would take for the end of a line. */
const ESCAPED = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g

/** A double-quoted scalar on one line, with the escapes that JSON has (YAML has them too). A lone surrogate is none of Unicode's. */
export function quoted(value: string): string {
  return JSON.stringify(value.toWellFormed()).replace(
    ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
