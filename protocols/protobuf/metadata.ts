// Messages of apimachinery (pkg/apis/meta/v1/generated.proto) that every kind has to do with.

import { list, type Message, message, number, one, opaque, opaques, part, text, textMap, texts } from './message.ts'

export const OBJECT_META = message({
  1: text('name'),
  2: text('generateName'),
  3: text('namespace'),
  4: text('selfLink'),
  5: text('uid'),
  6: text('resourceVersion'),
  7: number('generation'),
  8: opaque('creationTimestamp'),
  9: opaque('deletionTimestamp'),
  10: number('deletionGracePeriodSeconds'),
  11: textMap('labels'),
  12: textMap('annotations'),
  13: opaques('ownerReferences'),
  14: texts('finalizers'),
  17: opaques('managedFields'),
})

export const metadata = one('metadata', OBJECT_META)

const LIST_META = message({
  1: text('selfLink'),
  2: text('resourceVersion'),
  3: text('continue'),
  4: number('remainingItemCount'),
  5: opaque('shardInfo'),
})

const listMetadata = one('metadata', LIST_META)

/** A list's elements are always its second field. */
export const ITEMS = 2

/** What every object has, whatever else it has. */
export const ANY_OBJECT = part({ 1: metadata })

export function listOf(element: Message): Message {
  return message({ 1: listMetadata, [ITEMS]: list('items', element) })
}

export const PARTIAL_OBJECT_METADATA = message({ 1: metadata })

export const STATUS = message({
  1: listMetadata,
  2: text('status'),
  3: text('message'),
  4: text('reason'),
  5: one(
    'details',
    message({
      1: text('name'),
      2: text('group'),
      3: text('kind'),
      4: list('causes', message({ 1: text('reason'), 2: text('message'), 3: text('field') })),
      5: number('retryAfterSeconds'),
      6: text('uid'),
    }),
  ),
  6: number('code'),
})

export const DELETE_OPTIONS = message({
  1: number('gracePeriodSeconds'),
  2: opaque('preconditions'),
  3: number('orphanDependents'),
  4: text('propagationPolicy'),
  5: texts('dryRun'),
  6: number('ignoreStoreReadErrorWithClusterBreakingPotential'),
})
