// Kinds that run pods or keep templates of them (generated.proto of core/v1, apps/v1 and batch/v1).

import { list, message, number, one, opaque, opaqueMap, opaques, raw, text, textMap } from './message.ts'
import { metadata } from './metadata.ts'
import { POD_SPEC, POD_TEMPLATE_SPEC } from './pods.ts'

const POD_CONDITION = message({
  1: text('type'),
  2: text('status'),
  3: opaque('lastProbeTime'),
  4: opaque('lastTransitionTime'),
  5: text('reason'),
  6: text('message'),
  7: number('observedGeneration'),
})

const POD_STATUS = message({
  1: text('phase'),
  2: list('conditions', POD_CONDITION),
  3: text('message'),
  4: text('reason'),
  5: text('hostIP'),
  6: text('podIP'),
  7: opaque('startTime'),
  8: opaques('containerStatuses'),
  9: text('qosClass'),
  10: opaques('initContainerStatuses'),
  11: text('nominatedNodeName'),
  12: opaques('podIPs'),
  13: opaques('ephemeralContainerStatuses'),
  14: text('resize'),
  15: opaques('resourceClaimStatuses'),
  16: opaques('hostIPs'),
  17: number('observedGeneration'),
  18: opaque('extendedResourceClaimStatus'),
  19: opaqueMap('allocatedResources'),
  20: opaque('resources'),
  21: opaques('nodeAllocatableResourceClaimStatuses'),
  22: opaques('volumeHealth'),
})

export const POD = message({
  1: metadata,
  2: one('spec', POD_SPEC),
  3: one('status', POD_STATUS),
})

export const POD_TEMPLATE = message({
  1: metadata,
  2: one('template', POD_TEMPLATE_SPEC),
})

const REPLICATION_CONTROLLER_SPEC = message({
  1: number('replicas'),
  2: textMap('selector'),
  3: one('template', POD_TEMPLATE_SPEC),
  4: number('minReadySeconds'),
})

export const REPLICATION_CONTROLLER = message({
  1: metadata,
  2: one('spec', REPLICATION_CONTROLLER_SPEC),
  3: opaque('status'),
})

const DEPLOYMENT_SPEC = message({
  1: number('replicas'),
  2: opaque('selector'),
  3: one('template', POD_TEMPLATE_SPEC),
  4: opaque('strategy'),
  5: number('minReadySeconds'),
  6: number('revisionHistoryLimit'),
  7: number('paused'),
  9: number('progressDeadlineSeconds'),
})

export const DEPLOYMENT = message({
  1: metadata,
  2: one('spec', DEPLOYMENT_SPEC),
  3: opaque('status'),
})

const STATEFUL_SET_SPEC = message({
  1: number('replicas'),
  2: opaque('selector'),
  3: one('template', POD_TEMPLATE_SPEC),
  4: opaques('volumeClaimTemplates'),
  5: text('serviceName'),
  6: text('podManagementPolicy'),
  7: opaque('updateStrategy'),
  8: number('revisionHistoryLimit'),
  9: number('minReadySeconds'),
  10: opaque('persistentVolumeClaimRetentionPolicy'),
  11: opaque('ordinals'),
})

export const STATEFUL_SET = message({
  1: metadata,
  2: one('spec', STATEFUL_SET_SPEC),
  3: opaque('status'),
})

const DAEMON_SET_SPEC = message({
  1: opaque('selector'),
  2: one('template', POD_TEMPLATE_SPEC),
  3: opaque('updateStrategy'),
  4: number('minReadySeconds'),
  6: number('revisionHistoryLimit'),
})

export const DAEMON_SET = message({
  1: metadata,
  2: one('spec', DAEMON_SET_SPEC),
  3: opaque('status'),
})

const REPLICA_SET_SPEC = message({
  1: number('replicas'),
  2: opaque('selector'),
  3: one('template', POD_TEMPLATE_SPEC),
  4: number('minReadySeconds'),
})

export const REPLICA_SET = message({
  1: metadata,
  2: one('spec', REPLICA_SET_SPEC),
  3: opaque('status'),
})

export const CONTROLLER_REVISION = message({
  1: metadata,
  2: raw('data'),
  3: number('revision'),
})

const JOB_SPEC = message({
  1: number('parallelism'),
  2: number('completions'),
  3: number('activeDeadlineSeconds'),
  4: opaque('selector'),
  5: number('manualSelector'),
  6: one('template', POD_TEMPLATE_SPEC),
  7: number('backoffLimit'),
  8: number('ttlSecondsAfterFinished'),
  9: text('completionMode'),
  10: number('suspend'),
  11: opaque('podFailurePolicy'),
  12: number('backoffLimitPerIndex'),
  13: number('maxFailedIndexes'),
  14: text('podReplacementPolicy'),
  15: text('managedBy'),
  16: opaque('successPolicy'),
  17: opaque('scheduling'),
})

export const JOB = message({
  1: metadata,
  2: one('spec', JOB_SPEC),
  3: opaque('status'),
})

const JOB_TEMPLATE_SPEC = message({
  1: metadata,
  2: one('spec', JOB_SPEC),
})

const CRON_JOB_SPEC = message({
  1: text('schedule'),
  2: number('startingDeadlineSeconds'),
  3: text('concurrencyPolicy'),
  4: number('suspend'),
  5: one('jobTemplate', JOB_TEMPLATE_SPEC),
  6: number('successfulJobsHistoryLimit'),
  7: number('failedJobsHistoryLimit'),
  8: text('timeZone'),
})

export const CRON_JOB = message({
  1: metadata,
  2: one('spec', CRON_JOB_SPEC),
  3: opaque('status'),
})
