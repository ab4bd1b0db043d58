// A method and a target: what is taken is read once, means what its parts say, and the target that goes upstream is read as
// the same request again.

import assert from 'node:assert/strict'
import { requestInfo } from '../../../gateway/request-info.ts'
import { choice } from '../machine.ts'
import type { Target } from '../target.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']
const UPGRADES = [undefined, 'websocket']
/** What goes upstream: origin-form, in Go's encoding, with nothing that a second reader could decode into a separator. */
const TARGET = /^\/[\w\-.~$&+,:=@%/]*(?:\?[!-~]*)?$/
const DECODES_TO_MORE = /%(?:00|2f|5c|25|3b|[01][0-9a-f]|7f)/i

const target: Target = {
  words: [
    '/api/v1/', '/apis/apps/v1/', 'namespaces/prod/', 'pods/p/', 'exec', 'portforward', 'proxy/', 'watch/', 'log', 'status',
    '%2f', '%2e', '%25', '%5c', '%00', '%C3%A9', '..', '//', ';', '#', '?', '&', '+', '%3D', 'watch=1', 'command=id', 'tty=1',
    'fieldSelector=', 'metadata.name%3Ddb', 'labelSelector=a%3Db', 'limit=5', 'container=c',
  ], // biome-ignore format: a list to look over, not to read
  run: (input) => {
    const [form, rest] = choice(input)
    const method = METHODS[form % METHODS.length]!
    const upgrade = UPGRADES[(form >> 3) % UPGRADES.length]
    const info = requestInfo(method, Buffer.from(rest).toString('latin1'), upgrade)
    if ('status' in info) return [`${info.status} ${info.rule}`]
    assert.match(info.target, TARGET)
    const [path = ''] = info.target.split('?')
    assert.doesNotMatch(path, DECODES_TO_MORE)
    assert.equal(decodeURIComponent(path), info.path)
    const segments = info.path.split('/').slice(1)
    if (segments.at(-1) === '') segments.pop()
    assert.ok(segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..'))
    for (const part of [info.namespace, info.resource, info.subresource]) {
      assert.ok(part === '' || segments.includes(part), 'an attribute that the path does not say')
    }
    assert.deepEqual(requestInfo(method, info.target, upgrade), info, 'what goes upstream is read as something else')
    return [
      info.verb,
      `${info.kubeVerb} ${info.isResource}`,
      `name ${info.name !== ''}`,
      `words ${info.command.length}`,
    ]
  },
}

export default target
