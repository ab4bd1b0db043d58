// Whether a caller is one of those that a rule names.

import type { Principal } from '../principal.ts'
import type { SubjectDocument } from './document.ts'

export function isAmong(principal: Principal, subjects: readonly SubjectDocument[]): boolean {
  return subjects.some(({ user, group, actor }) => {
    if (user !== undefined) return user === '*' || user === principal.user
    if (group !== undefined) return group === '*' ? principal.groups.length > 0 : principal.groups.includes(group)
    return principal.actor !== '' && (actor === '*' || actor === principal.actor)
  })
}
