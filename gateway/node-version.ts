// A Node version and a day -> a line that says this line of Node gets no more security fixes, or nothing.

/** The last day of each line that can start the gateway (nodejs/Release, schedule.json). Odd lines end within months. */
const ENDS: ReadonlyMap<number, string> = new Map([
  [20, '2026-04-30'],
  [21, '2024-06-01'],
  [22, '2027-04-30'],
  [23, '2025-06-01'],
  [24, '2028-04-30'],
  [25, '2026-06-01'],
])

/**
 * What to tell the operator about `version` (as process.versions.node) on `today` (YYYY-MM-DD), or undefined: the line
 * is alive or not known.
 */
export function endOfLife(version: string, today: string): string | undefined {
  const end = ENDS.get(Number.parseInt(version, 10))
  if (end === undefined || today <= end) return undefined
  return `Node ${version} has been end-of-life since ${end} and gets no security fixes; run Node 24 LTS`
}
