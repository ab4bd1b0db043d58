// What an object or a patch asks of the node that runs it: privilege, the host's namespaces, the host's files, more
// capabilities. It looks at every depth, so that no kind with a pod template in it, and no form of a patch, is missed.

import { limits } from '../../protocols/limits.ts'
import type { Value } from './request-object.ts'

/** A set of these. */
const PRIVILEGED = 1
const HOST_NAMESPACES = 2
const HOST_PATH = 4
const CAPABILITIES = 8

export const podSpecConditions = {
  /** A container with securityContext.privileged, or hostProcess on Windows; ephemeral ones too. */
  privileged: (object: Value): boolean => (asksOf(object) & PRIVILEGED) !== 0,
  /** hostNetwork, hostPID or hostIPC. */
  hostNamespaces: (object: Value): boolean => (asksOf(object) & HOST_NAMESPACES) !== 0,
  /** A hostPath volume. */
  hostPath: (object: Value): boolean => (asksOf(object) & HOST_PATH) !== 0,
  /** securityContext.capabilities.add with something in it. */
  addsCapabilities: (object: Value): boolean => (asksOf(object) & CAPABILITIES) !== 0,
} as const

/** Nobody can say: a JSON patch that moves what is there already. */
export class CannotTell extends Error {}

/** Values live as long as their request; several conditions of several rules look at each. */
const seen = new WeakMap<object, number>()

function asksOf(object: Value): number {
  if (typeof object !== 'object' || object === null) return 0
  let found = seen.get(object)
  if (found === undefined) {
    found = Array.isArray(object) && object.some(isOperation) ? inPatch(object) : inValue(object)
    seen.set(object, found)
  }
  return found
}

function inValue(value: Value): number {
  let found = 0
  const open: Value[] = [value]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (Array.isArray(at)) {
      for (const inner of at as readonly Value[]) if (isContainer(inner)) open.push(inner)
    } else if (at instanceof Map) {
      for (const [key, inner] of at as ReadonlyMap<string, Value>) {
        found |= asked(key, inner)
        // The schema of a custom resource names fields and asks for nothing.
        if (isContainer(inner) && key !== 'openAPIV3Schema') open.push(inner)
      }
    }
  }
  return found
}

function isContainer(value: Value): boolean {
  return typeof value === 'object' && value !== null
}

function asked(key: string, value: Value): number {
  switch (key) {
    case 'privileged':
    case 'hostProcess':
      return value === true ? PRIVILEGED : 0
    case 'hostNetwork':
    case 'hostPID':
    case 'hostIPC':
      return value === true ? HOST_NAMESPACES : 0
    case 'hostPath':
      return value instanceof Map ? HOST_PATH : 0
    case 'capabilities': {
      const add = value instanceof Map ? (value.get('add') as Value | undefined) : undefined
      return Array.isArray(add) && add.length > 0 ? CAPABILITIES : 0
    }
    default:
      return 0
  }
}

function isOperation(value: Value): value is ReadonlyMap<string, Value> {
  return value instanceof Map && value.has('op') && value.has('path')
}

/** A JSON patch (RFC 6902): each operation as the part of the object that it writes. */
function inPatch(operations: readonly Value[]): number {
  let found = 0
  for (const operation of operations) {
    if (!isOperation(operation)) throw new CannotTell()
    const path = operation.get('path')
    if (typeof path !== 'string' || path.length > limits.policy.patchPath) throw new CannotTell()
    switch (operation.get('op')) {
      case 'add':
      case 'replace':
        found |= inPart(path, operation.get('value') ?? null)
        break
      case 'remove':
      case 'test':
        break
      default:
        // What is moved or copied is not in the request.
        if (!path.startsWith('/metadata/')) throw new CannotTell()
    }
  }
  return found
}

function inPart(path: string, value: Value): number {
  let part = value
  const steps = path.split('/').slice(1)
  for (const step of steps.reverse()) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    // ".../capabilities/add/-" and ".../capabilities/add/0" put one more into the list.
    part = /^(?:-|\d+)$/.test(key) ? [part] : new Map([[key, part]])
  }
  return inValue(part)
}
