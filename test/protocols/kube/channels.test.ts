import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHANNEL, channelName, FORWARD, forwardChannel } from '../../../protocols/kube/channels.ts'

test('every channel of a tape has a name', () => {
  const names: readonly (readonly [channel: number, name: string])[] = [
    [CHANNEL.STDIN, 'stdin'],
    [CHANNEL.STDOUT, 'stdout'],
    [CHANNEL.STDERR, 'stderr'],
    [CHANNEL.ERROR, 'error'],
    [CHANNEL.RESIZE, 'resize'],
    [9, '9'],
    [forwardChannel(0, FORWARD.TO_POD), 'connection 0, to the pod'],
    [forwardChannel(0, FORWARD.FROM_POD), 'connection 0, from the pod'],
    [forwardChannel(7, FORWARD.ERROR_FROM_POD), 'connection 7, errors of the pod'],
    [forwardChannel(300, FORWARD.ERROR_TO_POD), 'connection 300, errors to the pod'],
  ]
  for (const [channel, name] of names) assert.equal(channelName(channel), name)
})
