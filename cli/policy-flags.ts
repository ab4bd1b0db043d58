// The words of a kubectl command -> its flags and the rest. Refuses every flag that it does not know: one left aside could
// be the one that decides.

import { CommandFailed, EXIT } from './exit-codes.ts'

/** Flags that say what is asked for, or how it is shown; the others are refused. */
const VALUES = new Set(
  (
    'namespace selector field-selector subresource container filename raw patch type output context kubeconfig timeout ' +
    'grace-period tail since since-time limit-bytes chunk-size sort-by field-manager cascade request-timeout address ' +
    'pod-running-timeout label-columns template'
  ).split(' '),
)
const SWITCHES = new Set(
  (
    'all-namespaces watch watch-only all follow previous stdin tty quiet force now wait ignore-not-found show-labels ' +
    'no-headers server-side timestamps recursive all-containers prefix force-conflicts ignore-errors no-preserve save-config'
  ).split(' '),
)
const SHORT: Readonly<Record<string, string>> = {
  ...{ n: 'namespace', l: 'selector', A: 'all-namespaces', o: 'output', w: 'watch', c: 'container', i: 'stdin' },
  ...{ t: 'tty', q: 'quiet', f: 'filename', p: 'patch', L: 'label-columns' },
}
const SHORT_FOR_LOGS: Readonly<Record<string, string>> = { ...SHORT, f: 'follow', p: 'previous' }

export interface Words {
  /** What is no flag, in order; the first one is the command. */
  readonly rest: readonly string[]
  /** What stands behind "--", if it is there. */
  readonly behind: readonly string[] | undefined
  /** A flag's values by its long name; of a switch that is off, none. */
  readonly flags: ReadonlyMap<string, readonly string[]>
}

/** `words`: without "kubectl". Throws CommandFailed. */
export function wordsOf(words: readonly string[]): Words {
  const dashes = words.indexOf('--')
  const front = dashes === -1 ? words : words.slice(0, dashes)
  const shorts = front.find((word) => !word.startsWith('-')) === 'logs' ? SHORT_FOR_LOGS : SHORT
  const rest: string[] = []
  const flags = new Map<string, string[]>()
  const add = (name: string, value: string): void => {
    flags.set(name, [...(flags.get(name) ?? []), value])
  }
  for (let at = 0; at < front.length; at += 1) {
    const word = front[at] as string
    if (!word.startsWith('-') || word === '-') {
      rest.push(word)
      continue
    }
    for (const [name, given] of word.startsWith('--') ? [longFlag(word)] : shortFlags(word, shorts)) {
      if (name === 'dry-run') add(name, given ?? 'unchanged')
      else if (SWITCHES.has(name)) {
        if (given !== 'false') add(name, 'true')
      } else if (given !== undefined) add(name, given)
      else {
        at += 1
        const next = front[at]
        if (next === undefined) throw new CommandFailed(`${word} needs a value`, EXIT.USAGE)
        add(name, next)
      }
    }
  }
  return { rest, behind: dashes === -1 ? undefined : words.slice(dashes + 1), flags }
}

/** [name, value]; the value undefined where it is the next word, or there is none. */
type Flag = readonly [name: string, value: string | undefined]

function longFlag(word: string): Flag {
  const equals = word.indexOf('=')
  const name = equals === -1 ? word.slice(2) : word.slice(2, equals)
  if (!VALUES.has(name) && !SWITCHES.has(name) && name !== 'dry-run') throw unknown(`--${name}`)
  return [name, equals === -1 ? undefined : word.slice(equals + 1)]
}

/** "-it", "-n prod", "-nprod". */
function shortFlags(word: string, shorts: Readonly<Record<string, string>>): Flag[] {
  const flags: Flag[] = []
  for (let at = 1; at < word.length; at += 1) {
    const letter = word[at] as string
    const name = Object.hasOwn(shorts, letter) ? shorts[letter] : undefined
    if (name === undefined) throw unknown(`-${letter}`)
    if (SWITCHES.has(name)) {
      flags.push([name, undefined])
      continue
    }
    const value = word.slice(at + 1).replace(/^=/, '')
    flags.push([name, value === '' ? undefined : value])
    break
  }
  return flags
}

function unknown(flag: string): CommandFailed {
  return new CommandFailed(
    `${flag} is not a flag that is understood here; leave it out if it changes nothing of what is asked`,
    EXIT.USAGE,
  )
}
