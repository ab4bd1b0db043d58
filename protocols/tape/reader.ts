// What readers of tapes need of a store, be it LevelDB or a map in memory: one value by its key, and ranges of them in
// the order of keys. The keys are those of keys.ts.

export interface KeyValueReader {
  /** The value, or undefined if there is none. */
  get(key: string): Promise<Uint8Array | undefined>
  /** Pairs with `from` <= key < `to` in the order of the keys' UTF-8 bytes, or from the end in reverse. */
  entries(
    from: string,
    to: string,
    options?: { readonly reverse?: boolean; readonly limit?: number },
  ): AsyncIterable<readonly [key: string, value: Uint8Array]>
}
