// Every playbook against a pure machine.

import { describe, test } from 'node:test'
import { FAMILIES } from './families.ts'
import { playMachine } from './machine-player.ts'

for (const { playbooks } of FAMILIES) {
  for (const playbook of playbooks) {
    const plays = playbook.plays.filter((play) => play.against === 'machine')
    if (plays.length === 0) continue
    describe(playbook.name, () => {
      for (const play of plays) test(play.name, () => playMachine(play))
    })
  }
}
