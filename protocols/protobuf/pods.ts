// What a pod is made of (core/v1/generated.proto): whatever can hold a value that somebody masks, which is environment,
// commands, arguments, headers of probes. The rest is named, so that it is known what is not described.

import { inline, list, message, number, one, opaque, opaqueMap, opaques, text, textMap, texts } from './message.ts'
import { metadata } from './metadata.ts'

const ENV_VAR = message({
  1: text('name'),
  2: text('value'),
  3: opaque('valueFrom'),
})

const EXEC_ACTION = message({
  1: texts('command'),
})

const HTTP_HEADER = message({
  1: text('name'),
  2: text('value'),
})

const HTTP_GET_ACTION = message({
  1: text('path'),
  2: opaque('port'),
  3: text('host'),
  4: text('scheme'),
  5: list('httpHeaders', HTTP_HEADER),
  6: text('protocol'),
})

const PROBE_HANDLER = message({
  1: one('exec', EXEC_ACTION),
  2: one('httpGet', HTTP_GET_ACTION),
  3: opaque('tcpSocket'),
  4: opaque('grpc'),
})

const PROBE = message({
  1: inline(PROBE_HANDLER),
  2: number('initialDelaySeconds'),
  3: number('timeoutSeconds'),
  4: number('periodSeconds'),
  5: number('successThreshold'),
  6: number('failureThreshold'),
  7: number('terminationGracePeriodSeconds'),
})

const LIFECYCLE_HANDLER = message({
  1: one('exec', EXEC_ACTION),
  2: one('httpGet', HTTP_GET_ACTION),
  3: opaque('tcpSocket'),
  4: opaque('sleep'),
})

const LIFECYCLE = message({
  1: one('postStart', LIFECYCLE_HANDLER),
  2: one('preStop', LIFECYCLE_HANDLER),
  3: text('stopSignal'),
})

const CONTAINER = message({
  1: text('name'),
  2: text('image'),
  3: texts('command'),
  4: texts('args'),
  5: text('workingDir'),
  6: opaques('ports'),
  7: list('env', ENV_VAR),
  8: opaque('resources'),
  9: opaques('volumeMounts'),
  10: one('livenessProbe', PROBE),
  11: one('readinessProbe', PROBE),
  12: one('lifecycle', LIFECYCLE),
  13: text('terminationMessagePath'),
  14: text('imagePullPolicy'),
  15: opaque('securityContext'),
  16: number('stdin'),
  17: number('stdinOnce'),
  18: number('tty'),
  19: opaques('envFrom'),
  20: text('terminationMessagePolicy'),
  21: opaques('volumeDevices'),
  22: one('startupProbe', PROBE),
  23: opaques('resizePolicy'),
  24: text('restartPolicy'),
  25: opaques('restartPolicyRules'),
})

const EPHEMERAL_CONTAINER_COMMON = message({
  1: text('name'),
  2: text('image'),
  3: texts('command'),
  4: texts('args'),
  5: text('workingDir'),
  6: opaques('ports'),
  7: list('env', ENV_VAR),
  8: opaque('resources'),
  9: opaques('volumeMounts'),
  10: one('livenessProbe', PROBE),
  11: one('readinessProbe', PROBE),
  12: one('lifecycle', LIFECYCLE),
  13: text('terminationMessagePath'),
  14: text('imagePullPolicy'),
  15: opaque('securityContext'),
  16: number('stdin'),
  17: number('stdinOnce'),
  18: number('tty'),
  19: opaques('envFrom'),
  20: text('terminationMessagePolicy'),
  21: opaques('volumeDevices'),
  22: one('startupProbe', PROBE),
  23: opaques('resizePolicy'),
  24: text('restartPolicy'),
  25: opaques('restartPolicyRules'),
})

const EPHEMERAL_CONTAINER = message({
  1: inline(EPHEMERAL_CONTAINER_COMMON),
  2: text('targetContainerName'),
})

const HOST_ALIAS = message({
  1: text('ip'),
  2: texts('hostnames'),
})

export const POD_SPEC = message({
  1: opaques('volumes'),
  2: list('containers', CONTAINER),
  3: text('restartPolicy'),
  4: number('terminationGracePeriodSeconds'),
  5: number('activeDeadlineSeconds'),
  6: text('dnsPolicy'),
  7: textMap('nodeSelector'),
  8: text('serviceAccountName'),
  9: text('serviceAccount'),
  10: text('nodeName'),
  11: number('hostNetwork'),
  12: number('hostPID'),
  13: number('hostIPC'),
  14: opaque('securityContext'),
  15: opaques('imagePullSecrets'),
  16: text('hostname'),
  17: text('subdomain'),
  18: opaque('affinity'),
  19: text('schedulerName'),
  20: list('initContainers', CONTAINER),
  21: number('automountServiceAccountToken'),
  22: opaques('tolerations'),
  23: list('hostAliases', HOST_ALIAS),
  24: text('priorityClassName'),
  25: number('priority'),
  26: opaque('dnsConfig'),
  27: number('shareProcessNamespace'),
  28: opaques('readinessGates'),
  29: text('runtimeClassName'),
  30: number('enableServiceLinks'),
  31: text('preemptionPolicy'),
  32: opaqueMap('overhead'),
  33: opaques('topologySpreadConstraints'),
  34: list('ephemeralContainers', EPHEMERAL_CONTAINER),
  35: number('setHostnameAsFQDN'),
  36: opaque('os'),
  37: number('hostUsers'),
  38: opaques('schedulingGates'),
  39: opaques('resourceClaims'),
  40: opaque('resources'),
  41: text('hostnameOverride'),
  43: opaque('schedulingGroup'),
  44: opaques('evictionResponders'),
})

export const POD_TEMPLATE_SPEC = message({
  1: metadata,
  2: one('spec', POD_SPEC),
})
