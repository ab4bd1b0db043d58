// The entries of a tape -> what happened, as rows a person reads: calls as kubectl lines with their answer, connections
// of a port-forward, notes, and how it ended. It keeps no bytes of bodies or streams, only their sums.

import { CHANNEL, FORWARD, FORWARD_BASE } from '../protocols/kube/channels.ts'
import { commandLine } from '../protocols/kube/command-line.ts'
import type { Entry, NoteBody, OriginalBody, RequestBody, SealBody } from '../protocols/tape/entry.ts'
import { ExitStatus, isOutput, runsOf } from './stream-runs.ts'

/** One request, from its head to the end of its answer or stream. Times in microseconds since the tape opened. */
export interface CallRow {
  readonly row: 'call'
  readonly micros: number
  readonly exchange: number
  /** "" while nobody could be identified. */
  readonly user: string
  /** The agent acting for the user, or "". */
  readonly actor: string
  /** kubectl-shaped and shell-quoted. */
  readonly line: string
  /** `ask`: it was put to people, who did not say yes in time. */
  readonly effect: 'allow' | 'deny' | 'ask' | undefined
  readonly rule: string
  readonly reason: string
  /** The approval or standing grant that it has to do with, or "". */
  readonly approval: string
  /** What the caller says of itself, each or "". */
  readonly run: string
  readonly intent: string
  readonly ticket: string
  /** The HTTP status, undefined while there was no answer. */
  readonly status: number | undefined
  readonly by: 'cluster' | 'gateway' | undefined
  /** To the last byte of the answer or stream. */
  readonly duration: number
  /** Bytes from the caller: the request body, or stdin, or data to the pod. */
  readonly sent: number
  /** Bytes to the caller: the response body, or stdout and stderr, or data from the pod. */
  readonly received: number
  /** True if the tape does not hold all of them (the body cap). */
  readonly cut: boolean
  /** True if a body ended before it was complete. */
  readonly broken: boolean
  /** The remote command's exit code, where there was one. */
  readonly exitCode: number | undefined
}

/** One connection of a port-forward. */
export interface ConnectionRow {
  readonly row: 'connection'
  readonly micros: number
  /** Counted from 0 on each tape. */
  readonly connection: number
  /** The pod's port, undefined if the tape does not say. */
  readonly port: number | undefined
  readonly sent: number
  readonly received: number
  /** What the pod's side reported as an error, in bytes. */
  readonly errorBytes: number
  readonly duration: number
}

export interface NoteRow {
  readonly row: 'note' | 'masked'
  readonly micros: number
  readonly code: string
  readonly text: string
  readonly facts: NonNullable<NoteBody['facts']>
}

export interface SealRow {
  readonly row: 'seal'
  readonly micros: number
  readonly reason: string
  readonly entries: number
}

export type TimelineRow = CallRow | ConnectionRow | NoteRow | SealRow

/**
 * The rows of a tape in the order in which they began. A row is given once it and all before it are complete, at the
 * latest with the tape's end; an open tape gives what it has. Throws DamagedTape.
 */
export async function* timeline(entries: AsyncIterable<Entry>): AsyncGenerator<TimelineRow> {
  const reading = new Reading()
  for await (const entry of entries) {
    reading.take(entry)
    yield* reading.complete()
  }
  yield* reading.rest()
}

/** The code of the note that the gateway writes for a connection of a port-forward. */
const CONNECTION_NOTE = 'forward.open'
/** Ports that a port-forward's line names. */
const PORTS = 16

const UNSAID = { run: '', intent: '', ticket: '' }

type Writable<Row> = { -readonly [K in keyof Row]: Row[K] }
type OpenRow = Writable<CallRow> | Writable<ConnectionRow> | NoteRow | SealRow

class Reading {
  readonly #rows: OpenRow[] = []
  readonly #calls = new Map<number, Writable<CallRow>>()
  readonly #connections = new Map<number, Writable<ConnectionRow>>()
  readonly #exit = new ExitStatus()
  /** The request of a port-forward, and the ports that its connections have used so far. */
  #forward: RequestBody | undefined
  readonly #ports = new Set<number>()
  /** Bodies and channels that are kept as they were. */
  readonly #originals = new Set<string>()
  /** The call whose stream this tape holds: the last one that was upgraded. */
  #streaming: Writable<CallRow> | undefined

  take(entry: Entry): void {
    switch (entry.kind) {
      case 'request':
        this.#request(entry.micros, entry.body)
        return
      case 'decision':
        this.#call(entry.body.exchange, (call) => {
          call.effect = entry.body.effect
          call.rule = entry.body.rule
          call.reason = entry.body.reason
          call.approval = entry.body.approval ?? ''
        })
        return
      case 'response':
        this.#call(entry.body.exchange, (call) => {
          call.status = entry.body.status
          call.by = entry.body.by
          call.duration = entry.micros - call.micros
          if (entry.body.status === 101) this.#streaming = call
        })
        return
      case 'requestBody':
      case 'responseBody':
        this.#body(entry)
        return
      case 'stream':
        for (const run of runsOf(entry.micros, entry.body)) this.#run(run.micros, run.channel, run.bytes)
        return
      case 'note':
      case 'masked':
        this.#note(entry.kind, entry.micros, entry.body)
        return
      case 'original':
        this.#original(entry.micros, entry.body)
        return
      case 'seal':
        this.#seal(entry.micros, entry.body)
        return
      default:
        return
    }
  }

  /** Takes the rows from the front that nothing can be added to. */
  *complete(): Generator<TimelineRow> {
    for (let row = this.#rows[0]; row !== undefined && !this.#isOpen(row); row = this.#rows[0]) {
      this.#rows.shift()
      yield row
    }
  }

  *rest(): Generator<TimelineRow> {
    if (this.#streaming !== undefined) this.#streaming.exitCode = this.#exit.code
    yield* this.#rows.splice(0)
  }

  #isOpen(row: OpenRow): boolean {
    if (row.row === 'call') return this.#calls.has(row.exchange)
    return row.row === 'connection' && this.#connections.has(row.connection)
  }

  #request(micros: number, body: RequestBody): void {
    const call: Writable<CallRow> = {
      row: 'call',
      micros,
      exchange: body.exchange,
      user: body.principal?.user ?? '',
      actor: body.principal?.actor ?? '',
      line: commandLine(body),
      effect: undefined,
      rule: '',
      reason: '',
      approval: '',
      ...(body.claims ?? UNSAID),
      status: undefined,
      by: undefined,
      duration: 0,
      sent: 0,
      received: 0,
      cut: false,
      broken: false,
      exitCode: undefined,
    }
    this.#calls.set(body.exchange, call)
    this.#rows.push(call)
    if (body.attributes?.verb === 'portforward') this.#forward = body
  }

  #call(exchange: number, change: (call: Writable<CallRow>) => void): void {
    const call = this.#calls.get(exchange)
    if (call !== undefined) change(call)
  }

  #body({ kind, micros, body }: Extract<Entry, { kind: 'requestBody' | 'responseBody' }>): void {
    const isResponse = kind === 'responseBody'
    this.#call(body.exchange, (call) => {
      if (isResponse) call.received += body.bytes.length
      else call.sent += body.bytes.length
      call.duration = micros - call.micros
      if (body.end === undefined) return
      if (isResponse) call.received = body.end.length
      else call.sent = body.end.length
      call.cut ||= body.end.cut
      call.broken ||= body.end.broken === true
      if (isResponse) this.#calls.delete(body.exchange)
    })
  }

  #run(micros: number, channel: number, bytes: Uint8Array): void {
    const call = this.#streaming
    const out = channel < FORWARD_BASE ? isOutput(channel) : (channel - FORWARD_BASE) % 4 === FORWARD.FROM_POD
    const into = channel < FORWARD_BASE ? channel === CHANNEL.STDIN : (channel - FORWARD_BASE) % 4 === FORWARD.TO_POD
    if (channel === CHANNEL.ERROR) this.#exit.take(bytes)
    if (call !== undefined) {
      if (out) call.received += bytes.length
      if (into) call.sent += bytes.length
      call.duration = micros - call.micros
    }
    if (channel < FORWARD_BASE) return
    const connection = this.#connection(Math.floor((channel - FORWARD_BASE) / 4), micros, undefined)
    if (out) connection.received += bytes.length
    else if (into) connection.sent += bytes.length
    else connection.errorBytes += bytes.length
    connection.duration = micros - connection.micros
  }

  #connection(number: number, micros: number, port: number | undefined): Writable<ConnectionRow> {
    let row = this.#connections.get(number)
    if (row === undefined) {
      row = { row: 'connection', micros, connection: number, port, sent: 0, received: 0, errorBytes: 0, duration: 0 }
      this.#connections.set(number, row)
      this.#rows.push(row)
    }
    row.port ??= port
    return row
  }

  #note(row: 'note' | 'masked', micros: number, body: NoteBody): void {
    const facts = body.facts ?? {}
    const number = facts.connection
    if (body.code === CONNECTION_NOTE && typeof number === 'number') {
      const port = typeof facts.port === 'number' ? facts.port : undefined
      this.#connection(number, micros, port)
      if (port !== undefined) this.#used(port)
      return
    }
    this.#rows.push({ row, micros, code: body.code, text: body.text, facts })
  }

  /** Once for each body and channel: that there is something for auditors. */
  #original(micros: number, { of, exchange, channel }: OriginalBody): void {
    const about = of === 'stream' ? { channel } : { exchange, of }
    const key = JSON.stringify(about)
    if (this.#originals.has(key)) return
    this.#originals.add(key)
    const text = 'what is masked is kept as it was, encrypted to auditors (tapes originals)'
    this.#rows.push({ row: 'note', micros, code: 'original', text, facts: about })
  }

  #used(port: number): void {
    if (this.#ports.has(port) || this.#ports.size >= PORTS) return
    this.#ports.add(port)
    const request = this.#forward
    if (request !== undefined && this.#streaming !== undefined) this.#streaming.line = commandLine(request, this.#ports)
  }

  #seal(micros: number, body: SealBody): void {
    for (const call of this.#calls.values()) call.duration = micros - call.micros
    if (this.#streaming !== undefined) this.#streaming.exitCode = this.#exit.code
    this.#calls.clear()
    this.#connections.clear()
    this.#rows.push({ row: 'seal', micros, reason: body.reason, entries: body.entries })
  }
}
