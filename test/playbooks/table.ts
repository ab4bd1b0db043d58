// All playbooks as one Markdown table, which SECURITY.md holds: what is attacked, where it was found, what comes out, and
// which file shows it.

import { FAMILIES } from './families.ts'
import type { Play, Playbook } from './playbook.ts'

const HEAD = ['attack', 'found as', 'what comes out', 'plays', 'file in `test/playbooks/`']

/** Ends with a line feed. */
export function playbooksTable(): string {
  const rows = FAMILIES.flatMap(({ file, playbooks }) =>
    playbooks.map((playbook) => [
      playbook.name,
      playbook.sources.join(', '),
      outcomes(playbook),
      String(playbook.plays.length),
      `\`${file}\``,
    ]),
  )
  return [HEAD, HEAD.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |\n`).join('')
}

/** The distinct ends of all plays, the most common first. */
function outcomes({ plays }: Playbook): string {
  const counts = new Map<string, number>()
  for (const play of plays) for (const outcome of outcomeOf(play)) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  const named = [...counts].sort(([, one], [, other]) => other - one).map(([outcome]) => outcome)
  return named.length === 0 ? 'nothing but what is recorded' : named.join(', ')
}

/** A machine's code says something by itself only where no gateway says it on the wire. */
function outcomeOf(play: Play): string[] {
  if (play.against === 'machine') {
    if (play.machine !== 'http2 facing a client') return []
    return [play.expect.stream === undefined ? 'GOAWAY' : 'RST_STREAM']
  }
  const seen = play.expect.client.flatMap((sight) => {
    if ('answer' in sight) return [String(sight.answer)]
    if ('webSocketClose' in sight) return [`close ${sight.webSocketClose}`]
    if ('goAway' in sight) return ['GOAWAY']
    if ('brokenOff' in sight) return ['broken off']
    if ('http2Goaway' in sight) return ['GOAWAY']
    if ('http2Reset' in sight) return ['RST_STREAM']
    if ('http2Body' in sight && sight.rule !== undefined) return ['a Status']
    if ('refused' in sight) return ['no connection']
    return 'closed' in sight && play.expect.client.length === 1 ? ['closed'] : []
  })
  return play.expect.cluster === 'nothing' ? [...seen, 'nothing upstream'] : seen
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
