// One connection of a playbook's client: raw bytes out, and what comes back taken piece by piece, each wait with an end.

import assert from 'node:assert/strict'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Connecting } from './playbook.ts'

/** Long enough for a busy machine; what is waited for comes in milliseconds. */
export const PATIENCE_MILLIS = 5_000

export interface PlayAnswer {
  readonly status: number
  /** Lines of the head behind the first, as they came. */
  readonly fields: readonly string[]
  readonly body: Buffer
}

export interface Where {
  readonly host: string
  readonly port: number
  readonly ca: string
}

export class PlayClient {
  readonly socket: Socket | TLSSocket
  /** "127.0.0.1:51234", as the gateway names this client on its tapes. */
  address = ''
  isClosed = false
  #buffer = Buffer.alloc(0)
  #wake: () => void = () => undefined

  private constructor(socket: Socket | TLSSocket) {
    this.socket = socket
    socket.on('data', (bytes: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, bytes])
      this.#wake()
    })
    socket.on('error', () => undefined) // a reset is as good as an end
    socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
  }

  /** Resolves once connected, or closed again. */
  static async connect({ host, port, ca }: Where, how: Connecting): Promise<PlayClient> {
    const socket =
      how.plain === true
        ? connectTcp({ host, port, ...(how.from === undefined ? {} : { localAddress: how.from }) })
        : connectTls({
            host,
            port,
            ca,
            servername: how.serverName ?? 'localhost',
            checkServerIdentity: () => undefined,
            ...(how.alpn === undefined ? {} : { ALPNProtocols: [...how.alpn] }),
            ...(how.maxVersion === undefined ? {} : { minVersion: how.maxVersion, maxVersion: how.maxVersion }),
            ...(how.ciphers === undefined ? {} : { ciphers: how.ciphers }),
          })
    const client = new PlayClient(socket)
    const secured = how.plain === true ? 'connect' : 'secureConnect'
    await new Promise((resolve) => {
      socket.once(secured, resolve)
      socket.once('close', resolve)
    })
    client.address = `${socket.localAddress}:${socket.localPort}`
    return client
  }

  get alpn(): string | false {
    return 'alpnProtocol' in this.socket ? (this.socket.alpnProtocol ?? false) : false
  }

  /** Resolves once the bytes are with the kernel, or the connection is gone. */
  send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.destroyed || this.socket.writableEnded) resolve()
      else this.socket.write(bytes, () => resolve())
    })
  }

  /** Ends our side and waits for the other one's end. */
  async end(): Promise<void> {
    this.socket.end()
    await this.#until(() => this.isClosed, 'the gateway to close').catch(() => this.socket.destroy())
  }

  /** The next answer, whole. `method` HEAD has no body. */
  async answer(isHead = false): Promise<PlayAnswer> {
    await this.#until(() => this.#buffer.includes('\r\n\r\n'), 'an answer')
    const end = this.#buffer.indexOf('\r\n\r\n')
    const [start = '', ...fields] = this.#buffer.toString('latin1', 0, end).split('\r\n')
    assert.match(start, /^HTTP\/1\.1 \d{3} /)
    this.#buffer = this.#buffer.subarray(end + 4)
    const status = Number(start.slice(9, 12))
    const value = (name: string) => fields.find((line) => line.toLowerCase().startsWith(`${name}: `))
    if (isHead || status < 200 || status === 204 || status === 304) return { status, fields, body: Buffer.alloc(0) }
    if (value('transfer-encoding') !== undefined) return { status, fields, body: await this.#chunks() }
    return { status, fields, body: await this.bytes(Number(value('content-length')?.slice(16) ?? 0)) }
  }

  async bytes(length: number): Promise<Buffer> {
    await this.#until(() => this.#buffer.length >= length, `${length} bytes`)
    const bytes = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return bytes
  }

  /** All that comes until the end of the connection. */
  async rest(millis = PATIENCE_MILLIS): Promise<Buffer> {
    await this.#until(() => this.isClosed, 'the end of the connection', millis)
    return this.#buffer
  }

  async #chunks(): Promise<Buffer> {
    const pieces: Buffer[] = []
    for (;;) {
      await this.#until(() => this.#buffer.includes('\r\n'), 'a chunk')
      const line = this.#buffer.indexOf('\r\n')
      const size = Number.parseInt(this.#buffer.toString('latin1', 0, line), 16)
      await this.bytes(line + 2)
      const piece = await this.bytes(size + 2)
      if (size === 0) return Buffer.concat(pieces)
      pieces.push(piece.subarray(0, size))
    }
  }

  async #until(condition: () => boolean, what: string, millis = PATIENCE_MILLIS): Promise<void> {
    const deadline = performance.now() + millis
    while (!condition()) {
      const left = deadline - performance.now()
      const seen = JSON.stringify(this.#buffer.toString('latin1', 0, 300))
      assert.ok(left > 0 && !this.isClosed, `waited for ${what}; ${this.isClosed ? 'closed' : 'open'}, with ${seen}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}
