// Pods as objects -> pods that run: each container with a command is a local process in a temporary folder of its own,
// with a log and, for attach, its input. It does the kubelet's part: it starts what is created, reports what ends, and
// ends what is deleted.

import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ContainerLog } from './container-log.ts'
import { at, isObject, type KubeObject, listAt, textAt } from './object.ts'
import { type Exit, LocalProcess, type ProcessListener, type TerminalSize } from './process.ts'
import { RESOURCES, type Resource } from './resources.ts'
import { ApiError } from './status.ts'
import type { ObjectStore } from './store.ts'

const PODS = RESOURCES.find(({ plural }) => plural === 'pods') as Resource
const SECRETS = RESOURCES.find(({ plural }) => plural === 'secrets') as Resource
export const NODE_NAME = 'demo-node'
/** A container's terminal before anybody has attached to it. */
const FIRST_SIZE: TerminalSize = { columns: 80, rows: 24 }

export interface Container {
  readonly name: string
  readonly tty: boolean
  readonly stdin: boolean
  readonly log: ContainerLog
  /** The container's own process; undefined for one that has no command and only waits. */
  readonly process: LocalProcess | undefined
  /** Everybody who is attached. */
  readonly attached: Set<ProcessListener>
  exit: Exit | undefined
}

interface Running {
  readonly folder: string
  readonly containers: ReadonlyMap<string, Container>
}

export class Pods {
  readonly #store: ObjectStore
  readonly #folder: string
  /** By uid. */
  readonly #running = new Map<string, Running>()
  /** Processes of exec, which end with their pod. */
  readonly #executions = new Map<LocalProcess, string>()
  readonly #killAll = (): void => this.#kill()
  readonly #unsubscribe: () => void

  /** Pods' folders are made under `folder`. */
  constructor(store: ObjectStore, folder: string) {
    this.#store = store
    this.#folder = folder
    this.#unsubscribe = store.onChange(({ type, resource, object }) => {
      if (resource !== PODS) return
      if (type === 'ADDED') this.#start(object)
      if (type === 'DELETED') this.#stop(object)
    })
    process.once('exit', this.#killAll)
  }

  /** The container of that name, or the pod's first one. Throws ApiError (404, 400). */
  container(namespace: string, pod: string, name: string): Container {
    const running = this.#find(namespace, pod)
    const container = name === '' ? [...running.containers.values()][0] : running.containers.get(name)
    if (container === undefined) throw new ApiError('BadRequest', `container ${name} is not valid for pod ${pod}`)
    return container
  }

  /** Runs a command in a pod's folder. Throws ApiError (404, 400). */
  execute(
    target: { namespace: string; pod: string; container: string },
    argv: readonly string[],
    terminal: TerminalSize | undefined,
    listener: ProcessListener,
  ): LocalProcess {
    const { namespace, pod } = target
    const { name } = this.container(namespace, pod, target.container)
    const object = this.#store.get(PODS, namespace, pod)
    const { uid } = object.metadata
    const started = new LocalProcess(
      {
        argv,
        directory: join(this.#find(namespace, pod).folder, name),
        environment: this.#environment(object, name),
        terminal,
      },
      {
        ...listener,
        exited: (exit) => {
          this.#executions.delete(started)
          listener.exited(exit)
        },
      },
    )
    this.#executions.set(started, uid)
    return started
  }

  /** Ends all processes. The folders stay: they belong to whoever gave the place. */
  close(): void {
    this.#unsubscribe()
    process.off('exit', this.#killAll)
    this.#kill()
    this.#running.clear()
  }

  #find(namespace: string, pod: string): Running {
    const running = this.#running.get(this.#store.get(PODS, namespace, pod).metadata.uid)
    if (running === undefined) throw new ApiError('BadRequest', `pod ${pod} is not running`)
    return running
  }

  #start(pod: KubeObject): void {
    const { uid, name, namespace } = pod.metadata
    const folder = join(this.#folder, uid)
    const containers = new Map<string, Container>()
    this.#running.set(uid, { folder, containers })
    for (const spec of listAt(pod, 'spec.containers')) {
      const container = this.#startContainer(pod, spec, folder)
      containers.set(container.name, container)
    }
    // After the creation has been told to all watchers, as from a kubelet.
    setImmediate(() => this.#report(namespace ?? '', name, uid))
  }

  #startContainer(pod: KubeObject, spec: unknown, folder: string): Container {
    const { uid, name: podName, namespace } = pod.metadata
    const name = textAt(spec, 'name')
    const directory = join(folder, name)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const argv = [...listAt(spec, 'command'), ...listAt(spec, 'args')].map(String)
    const tty = at(spec, 'tty') === true
    const stdin = at(spec, 'stdin') === true
    const log = new ContainerLog()
    const attached = new Set<ProcessListener>()
    const listener: ProcessListener = {
      output(stream, bytes) {
        log.append(bytes, Date.now())
        for (const one of attached) one.output(stream, bytes)
      },
      drained() {
        for (const one of attached) one.drained?.()
      },
      exited: (exit) => {
        container.exit = exit
        log.end(Date.now())
        for (const one of [...attached]) one.exited(exit)
        this.#report(namespace ?? '', podName, uid)
      },
    }
    const process =
      listAt(spec, 'command').length === 0
        ? undefined
        : new LocalProcess(
            {
              argv,
              directory,
              environment: this.#environment(pod, name),
              terminal: tty ? FIRST_SIZE : undefined,
            },
            listener,
          )
    if (!stdin) process?.endInput()
    const container: Container = { name, tty, stdin, log, process, attached, exit: undefined }
    return container
  }

  #stop(pod: KubeObject): void {
    const { uid } = pod.metadata
    const running = this.#running.get(uid)
    this.#running.delete(uid)
    for (const { process } of running?.containers.values() ?? []) process?.kill()
    for (const [execution, owner] of this.#executions) if (owner === uid) execution.kill()
    if (running !== undefined) rmSync(running.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  /** Writes a pod's status as it is now. */
  #report(namespace: string, name: string, uid: string): void {
    const running = this.#running.get(uid)
    const pod = this.#store.find(PODS, namespace, name)
    if (running === undefined || pod === undefined || pod.metadata.uid !== uid) return
    const { resourceVersion: _, ...metadata } = pod.metadata
    const spec = { ...(pod.spec as object), nodeName: NODE_NAME }
    this.#store.update(PODS, namespace, {
      ...pod,
      metadata,
      spec,
      status: statusOf(pod, [...running.containers.values()]),
    })
  }

  /** What a container sees: the way to this machine's programs, what its spec names, and nothing else of this machine. */
  #environment(pod: KubeObject, container: string): Record<string, string> {
    const { uid, name } = pod.metadata
    const spec = listAt(pod, 'spec.containers').find((one) => textAt(one, 'name') === container)
    const own = listAt(spec, 'env').map((one) => [textAt(one, 'name'), this.#valueOf(pod, one)] as const)
    return {
      ...Object.fromEntries(own),
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      HOME: join(this.#folder, uid, container),
      HOSTNAME: name,
      CONTAINER_NAME: container,
      LANG: 'C.UTF-8',
      PS1: `${name}:$ `,
    }
  }

  /** Of an environment variable: what its spec says, or what the Secret has that it refers to. */
  #valueOf(pod: KubeObject, variable: unknown): string {
    const secret = textAt(variable, 'valueFrom.secretKeyRef.name')
    if (secret === '') return textAt(variable, 'value')
    const data = at(this.#store.find(SECRETS, pod.metadata.namespace ?? '', secret), 'data')
    const value = isObject(data) ? data[textAt(variable, 'valueFrom.secretKeyRef.key')] : undefined
    return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : ''
  }

  #kill(): void {
    for (const { containers } of this.#running.values()) for (const { process } of containers.values()) process?.kill()
    for (const execution of this.#executions.keys()) execution.kill()
  }
}

function statusOf(pod: KubeObject, containers: readonly Container[]): Record<string, unknown> {
  const started = pod.metadata.creationTimestamp
  const ended = containers.length > 0 && containers.every(({ exit }) => exit !== undefined)
  const failed = containers.some(({ exit }) => exit !== undefined && codeOf(exit) !== 0)
  const ready = !ended && containers.every(({ exit }) => exit === undefined)
  const condition = (type: string, status: boolean): unknown => ({
    type,
    status: status ? 'True' : 'False',
    lastTransitionTime: started,
  })
  return {
    phase: !ended ? 'Running' : failed ? 'Failed' : 'Succeeded',
    conditions: [
      condition('Initialized', true),
      condition('Ready', ready),
      condition('ContainersReady', ready),
      condition('PodScheduled', true),
    ],
    hostIP: '127.0.0.1',
    podIP: '127.0.0.1',
    podIPs: [{ ip: '127.0.0.1' }],
    startTime: started,
    qosClass: 'BestEffort',
    containerStatuses: containers.map(({ name, exit }) => ({
      name,
      ready: exit === undefined,
      started: exit === undefined,
      restartCount: 0,
      image: imageOf(pod, name),
      imageID: '',
      containerID: `demo://${pod.metadata.uid}/${name}`,
      state:
        exit === undefined
          ? { running: { startedAt: started } }
          : {
              terminated: {
                exitCode: codeOf(exit),
                reason: codeOf(exit) === 0 ? 'Completed' : 'Error',
                startedAt: started,
              },
            },
    })),
  }
}

function codeOf(exit: Exit): number {
  return 'code' in exit ? exit.code : 127
}

function imageOf(pod: KubeObject, container: string): string {
  return textAt(
    listAt(pod, 'spec.containers').find((spec) => textAt(spec, 'name') === container),
    'image',
  )
}
