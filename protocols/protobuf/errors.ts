// What makes Kubernetes protobuf unreadable: one class, a rule for each check.

import { PeerError } from '../errors.ts'

/** A protobuf body that cannot be read with one meaning, that cannot be masked, or that is longer than is taken: 502. */
export class ProtobufError extends PeerError {
  readonly protocol = 'kubernetes'
  readonly code = 502
}

export function cut(): ProtobufError {
  return new ProtobufError('protobuf.cut', 'the bytes end before the message does')
}

export function noEnvelope(): ProtobufError {
  return new ProtobufError('protobuf.envelope.magic', 'something else than an object in its envelope')
}

export function wireType(): ProtobufError {
  return new ProtobufError('protobuf.field.wire_type', 'a field has another wire type than it is described with')
}

export function twice(): ProtobufError {
  return new ProtobufError('protobuf.field.twice', 'a field that decides what is masked is there twice')
}

export function unknown(): ProtobufError {
  return new ProtobufError('protobuf.field.unknown', 'a field may have to be masked and is not described')
}
