// Rows of text -> a table that fits the terminal, and numbers as people read them. Cells are made printable here, so that
// nothing from a tape reaches the terminal any other way.

import { columns, cutToColumns, printable } from '../replay/printable.ts'

export interface Column {
  readonly title: string
  /** Numbers are set to the right. */
  readonly right?: boolean
  /** This column gives way when the table is too wide. One at most. */
  readonly elastic?: boolean
}

const GAP = 2
/** An elastic column is never narrower than this. */
const NARROWEST = 12

/** The table's lines, each with its line end. `width` undefined: as wide as it gets, nothing is cut. */
export function table(heads: readonly Column[], rows: readonly (readonly string[])[], width?: number): string {
  const cells = [heads.map(({ title }) => title), ...rows.map((row) => row.map(printable))]
  const widths = heads.map((_, at) => Math.max(...cells.map((row) => columns(row[at] ?? ''))))
  const elastic = heads.findIndex((head) => head.elastic === true)
  if (width !== undefined && elastic !== -1) {
    const total = widths.reduce((sum, one) => sum + one, 0) + GAP * (widths.length - 1)
    const own = widths[elastic] ?? 0
    widths[elastic] = Math.min(own, Math.max(NARROWEST, own - (total - width)))
  }
  return cells.map((row) => `${line(heads, row, widths)}\n`).join('')
}

function line(heads: readonly Column[], row: readonly string[], widths: readonly number[]): string {
  const padded = heads.map((head, at) => {
    const width = widths[at] ?? 0
    const text = cutToColumns(row[at] ?? '', width)
    const space = ' '.repeat(width - columns(text))
    return head.right === true ? space + text : text + space
  })
  return padded.join(' '.repeat(GAP)).trimEnd()
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** 512 B, 1.2 KiB, 34 MiB. */
export function sizeText(bytes: number): string {
  let amount = bytes
  let unit = 0
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024
    unit++
  }
  return `${unit > 0 && amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit]}`
}

/** 12 ms, 3.4 s, 5 m 07 s, 2 h 05 m; of microseconds. */
export function durationText(micros: number): string {
  const millis = Math.round(micros / 1000)
  if (millis < 1000) return `${millis} ms`
  const seconds = Math.floor(millis / 1000)
  if (seconds < 60) return `${(millis / 1000).toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} m ${pad(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`
}

function pad(number: number): string {
  return String(number).padStart(2, '0')
}

/** SGR codes by what they mean here. */
const COLOURS = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const

/** The text in that colour, or as it is if colours are not wanted. The text must be printable already. */
export function coloured(text: string, colour: keyof typeof COLOURS, wanted: boolean): string {
  return wanted ? `\x1b[${COLOURS[colour]}m${text}\x1b[0m` : text
}
