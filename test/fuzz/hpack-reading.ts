// What the npm package hpack.js reads in field blocks, one behind the other on one table.

import { createRequire } from 'node:module'

interface Decompressor {
  write(block: Uint8Array): boolean
  /** Without a callback its faults are events. */
  execute(done?: (error: Error | null) => void): void
  read(): { readonly name: string; readonly value: string } | null
  on(event: 'error', fault: (error: Error) => void): this
}

/** A CommonJS package without types. */
const { decompressor } = createRequire(import.meta.url)('hpack.js') as {
  decompressor: { create(options: { table: { maxSize: number } }): Decompressor }
}

export class PeerHpackDecoder {
  readonly #peer: Decompressor
  #fault: Error | undefined

  constructor(tableSize: number) {
    this.#peer = decompressor.create({ table: { maxSize: tableSize } })
    this.#peer.on('error', (error) => {
      this.#fault = error
    })
  }

  /** Names and values, or its fault. */
  decode(block: Uint8Array): readonly string[] | Error {
    this.#peer.write(Buffer.from(block))
    this.#peer.execute()
    const fields: string[] = []
    for (let field = this.#peer.read(); field !== null; field = this.#peer.read()) fields.push(field.name, field.value)
    return this.#fault ?? fields
  }
}
