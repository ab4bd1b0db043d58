// The contract that every protocol machine keeps: bytes in, events out; commands in, bytes out.
// A machine has no socket, timer, clock, randomness, logger or promise; what it needs of those is an argument.

/**
 * One side of one protocol on one connection, as pure state.
 *
 * Order of calls, each time bytes arrive: `receive`, act on every event (which may call `send`), then `takeOutput`
 * once. Views inside events are borrowed from the chunk that was received: they are valid until the next `receive`,
 * and who keeps one copies it.
 */
export interface Connection<Event, Command> {
  /**
   * Takes what the peer sent. Never throws for what the peer did: a fault is the last event (`failed`), after all that
   * came before it, and from then on the machine is inert.
   */
  receive(bytes: Uint8Array): readonly Event[]
  /** The peer will send no more (FIN). A fault where the protocol was in the middle of something. */
  receiveEnd(): readonly Event[]
  /** Throws MisuseError if the command is out of turn. */
  send(command: Command): void
  /** What to write now: commands' bytes and the protocol's own replies, in order. */
  takeOutput(): readonly Uint8Array[]
}
