// What somebody wrote -> text that a terminal, a chat and a record can show: bounded, and without control characters,
// which could hide or rewrite what a person reads before saying yes.

/**
 * Controls (C0, DEL, C1) and what turns the direction of text or is not seen become U+FFFD; line ends stay where `lines`
 * says so. Longer text is cut, and ends in "…".
 */
export function plainText(text: string, characters: number, lines = false): string {
  const cut = text.length > characters ? `${text.slice(0, characters - 1)}…` : text
  return cut.replace(UNSEEN, (found) => (lines && (found === '\n' || found === '\t') ? found : '\ufffd')).toWellFormed()
}

/** A letter or a digit, of whatever script: blanks and controls are no reason and no ticket. */
export function saysSomething(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text)
}

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
