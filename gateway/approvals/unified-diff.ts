// Two texts -> what a person has to read to know how they differ: a unified diff (POSIX diff -u) without file names, with
// three lines around each change. Texts too unlike each other are shown one after the other.

/** Lines of each text in which the longest common part is looked for: past it, about 4 MB and 10 ms, they are shown whole. */
const LINES = 1_000
const CONTEXT = 3

/** "" where they are the same. */
export function unifiedDiff(before: string, after: string): string {
  if (before === after) return ''
  const edits = editsOf(linesOf(before), linesOf(after))
  return hunksOf(edits)
    .map(({ head, lines }) => [head, ...lines].join('\n'))
    .join('\n')
    .concat('\n')
}

type Edit = readonly [sign: ' ' | '-' | '+', line: string]

function linesOf(text: string): readonly string[] {
  if (text === '') return []
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
}

function editsOf(before: readonly string[], after: readonly string[]): Edit[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let end = 0
  const longest = Math.min(before.length, after.length) - start
  while (end < longest && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  const kept = (line: string): Edit => [' ', line]
  return [
    ...before.slice(0, start).map(kept),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(kept),
  ]
}

function middle(before: readonly string[], after: readonly string[]): Edit[] {
  const all = (): Edit[] => [...before.map((line): Edit => ['-', line]), ...after.map((line): Edit => ['+', line])]
  if (before.length > LINES || after.length > LINES) return all()
  const width = after.length + 1
  // The longest common subsequence of what is behind each pair of places.
  const common = new Uint16Array((before.length + 1) * width)
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const isSame = before[i] === after[j]
      const [diagonal, down, right] = [
        common[(i + 1) * width + j + 1],
        common[(i + 1) * width + j],
        common[i * width + j + 1],
      ]
      common[i * width + j] = isSame ? (diagonal as number) + 1 : Math.max(down as number, right as number)
    }
  }
  const edits: Edit[] = []
  let i = 0
  let j = 0
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      edits.push([' ', before[i++] as string])
      j++
    } else if (
      i < before.length &&
      (j === after.length || (common[(i + 1) * width + j] as number) >= (common[i * width + j + 1] as number))
    ) {
      edits.push(['-', before[i++] as string])
    } else edits.push(['+', after[j++] as string])
  }
  return edits
}

interface Hunk {
  readonly head: string
  readonly lines: readonly string[]
}

function hunksOf(edits: readonly Edit[]): Hunk[] {
  const changed = edits.flatMap(([sign], at) => (sign === ' ' ? [] : [at]))
  const hunks: Hunk[] = []
  for (let at = 0; at < changed.length; ) {
    const first = Math.max(0, (changed[at] as number) - CONTEXT)
    let last = changed[at] as number
    while (at < changed.length && (changed[at] as number) <= last + 2 * CONTEXT + 1) last = changed[at++] as number
    hunks.push(hunk(edits, first, Math.min(edits.length, last + CONTEXT + 1)))
  }
  return hunks
}

function hunk(edits: readonly Edit[], from: number, to: number): Hunk {
  const part = edits.slice(from, to)
  const range = (not: string): string => {
    const start = edits.slice(0, from).filter(([sign]) => sign !== not).length
    const count = part.filter(([sign]) => sign !== not).length
    return `${count === 0 ? start : start + 1},${count}`
  }
  return { head: `@@ -${range('+')} +${range('-')} @@`, lines: part.map(([sign, line]) => `${sign}${line}`) }
}
