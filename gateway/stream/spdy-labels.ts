// Which tape channel a SPDY stream's bytes belong to, for exec and attach and for port-forward, and where the client is told
// why something ends. Refuses streams that Kubernetes does not open.

import { CHANNEL } from '../../protocols/kube/channels.ts'
import { SpdyPortForward } from '../../protocols/kube/spdy-port-forward.ts'
import { type RemoteCommandOptions, SpdyRemoteCommand } from '../../protocols/kube/spdy-remote-command.ts'
import { SpdyStreamError } from '../../protocols/kube/spdy-stream-error.ts'
import type { SpdySide } from '../../protocols/kube/spdy-tunnel.ts'
import { failureStatus } from '../../protocols/kube/status.ts'
import type { SpdyEvent } from '../../protocols/spdy/events.ts'
import type { StreamRecorder } from './stream-protocol.ts'

type SynStream = Extract<SpdyEvent, { readonly type: 'synStream' }>
type Data = Extract<SpdyEvent, { readonly type: 'data' }>

/** Exec and attach, or port-forward: what a stream is, and which tape channel its bytes belong to. */
export interface Labels {
  /** Judges and records a stream's opening. */
  open(event: SynStream, fromClient: boolean): SpdyStreamError | undefined
  /** The tape channel of a piece, or the fault. */
  data(event: Data, fromClient: boolean): number | SpdyStreamError
  /** FIN without data, or RST_STREAM. */
  ended(streamId: number, fromClient: boolean): void
  reset(streamId: number): void
  /**
   * The stream on which the client of a forwarded connection is told what is wrong, 0 if it is not open; undefined where a
   * stream cannot end without the session.
   */
  errorStreamOf(streamId: number): number | undefined
  /** Says why the session ends, where its form has a place for that. */
  lastWords(client: SpdySide, message: string): void
}

/** Labels of exec and attach. */
export function remoteCommandLabels(options: RemoteCommandOptions): Labels {
  const command = new SpdyRemoteCommand(options)
  return {
    open(event, fromClient) {
      const channel = command.open(event, fromClient)
      return channel instanceof SpdyStreamError ? channel : undefined
    },
    data: (event, fromClient) => command.data(event, fromClient),
    ended: () => undefined,
    reset: () => undefined,
    errorStreamOf: () => undefined,
    lastWords(client, message) {
      const streamId = command.streamOf(CHANNEL.ERROR)
      if (streamId === undefined || !client.maySendOn(streamId)) return
      // Before v4 the error stream is plain text (client-go tools/remotecommand/errorstream.go).
      const payload = options.version >= 4 ? failureStatus(message) : new TextEncoder().encode(message)
      client.send({ type: 'data', streamId, payload, fin: true })
    },
  }
}

/** Labels of port-forward: a note says which connection goes to which port. */
export function portForwardLabels(recorder: StreamRecorder): Labels {
  const forward = new SpdyPortForward()
  return {
    open(event, fromClient) {
      const stream = forward.open(event, fromClient)
      if (stream instanceof SpdyStreamError) return stream
      const { connection, port, part } = stream
      if (part === 'data') recorder.note('forward.open', 'a connection to the pod', { connection, port })
      return undefined
    },
    data: (event, fromClient) => forward.data(event, fromClient),
    ended: (streamId, fromClient) => forward.ended(streamId, fromClient),
    reset: (streamId) => forward.reset(streamId),
    errorStreamOf: (streamId) => forward.errorStreamOf(streamId),
    lastWords: () => undefined,
  }
}
