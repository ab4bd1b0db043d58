import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CommandFailed } from '../../cli/exit-codes.ts'
import { shellWords } from '../../cli/policy-cases.ts'
import { planOf } from '../../cli/policy-kubectl.ts'

const NS = '/api/v1/namespaces'
const APPS = '/apis/apps/v1/namespaces'

const FILES: Readonly<Record<string, string>> = {
  'deployment.yaml':
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {replicas: 3}\n',
  'two.yaml':
    'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n\n---\napiVersion: example.com/v1beta1\nkind: Policy\nmetadata: {generateName: p-}\n',
  'list.json':
    '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}]}',
  'nameless.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: {}\n',
  'kindless.yaml': 'hello: world\n',
  'broken.yaml': 'a: [1\n',
  'empty.yaml': '',
}

function requests(line: string): string[] {
  const { requests } = planOf(shellWords(line) as string[], (path) => FILES[path] as string)
  return requests.map(({ method, target, upgrade, contentType, body }) => {
    const type = contentType === undefined || contentType === 'application/json' ? '' : ` (${contentType})`
    return `${method} ${target}${upgrade === undefined ? '' : ` ${upgrade}`}${body === undefined ? '' : ` ${body}`}${type}`
  })
}

const DEPLOYMENT =
  '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"},"spec":{"replicas":3}}'
const STRATEGIC = '(application/strategic-merge-patch+json)'

const plans: readonly (readonly [line: string, ...requests: readonly string[]])[] = [
  ['get pods', `GET ${NS}/default/pods`],
  ['kubectl get po -A', 'GET /api/v1/pods'],
  ['get pods -n prod -l "app in (a, b)"', `GET ${NS}/prod/pods?labelSelector=app+in+%28a%2C+b%29`],
  ['get pod x -nprod -oyaml', `GET ${NS}/prod/pods/x`],
  ['get pods x y --namespace=prod', `GET ${NS}/prod/pods/x`, `GET ${NS}/prod/pods/y`],
  ['get pod/x deploy/y', `GET ${NS}/default/pods/x`, `GET ${APPS}/default/deployments/y`],
  ['get svc,ingress', `GET ${NS}/default/services`, 'GET /apis/networking.k8s.io/v1/namespaces/default/ingresses'],
  ['get nodes', 'GET /api/v1/nodes'],
  ['get ns prod', 'GET /api/v1/namespaces/prod'],
  ['get deployment.apps web', `GET ${APPS}/default/deployments/web`],
  ['get widgets.example.com', 'GET /apis/example.com/v1/namespaces/default/widgets'],
  ['get widgets.v1beta1.example.com w', 'GET /apis/example.com/v1beta1/namespaces/default/widgets/w'],
  ['get pods --field-selector metadata.name=x', `GET ${NS}/default/pods?fieldSelector=metadata.name%3Dx`],
  ['get deploy web --subresource=scale', `GET ${APPS}/default/deployments/web/scale`],
  ['get pods -w', `GET ${NS}/default/pods`, `GET ${NS}/default/pods?watch=true`],
  ['get pod x -w', `GET ${NS}/default/pods/x`, `GET ${NS}/default/pods?fieldSelector=metadata.name%3Dx&watch=true`],
  ['get pods --watch=false', `GET ${NS}/default/pods`],
  ['list secrets -A', 'GET /api/v1/secrets'],
  ['watch secrets', `GET ${NS}/default/secrets?watch=true`],
  ['get --raw /healthz?verbose=1', 'GET /healthz?verbose=1'],
  ['GET /api/v1/pods?limit=5', 'GET /api/v1/pods?limit=5'],
  ['delete pod x -n prod', `DELETE ${NS}/prod/pods/x`],
  ['delete pod x --dry-run=server', `DELETE ${NS}/default/pods/x?dryRun=All`],
  ['delete pods --all -n prod', `GET ${NS}/prod/pods`, `DELETE ${NS}/prod/pods`],
  [
    'delete pods -l app=a',
    `GET ${NS}/default/pods?labelSelector=app%3Da`,
    `DELETE ${NS}/default/pods?labelSelector=app%3Da`,
  ],
  ['delete -f deployment.yaml', `DELETE ${APPS}/shop/deployments/web`],
  ['create -f deployment.yaml', `POST ${APPS}/shop/deployments ${DEPLOYMENT}`],
  ['create namespace shop', 'POST /api/v1/namespaces {"metadata":{"name":"shop"}}'],
  ['create token bot -n ci', `POST ${NS}/ci/serviceaccounts/bot/token {"kind":"TokenRequest","spec":{}}`],
  [
    'apply -f deployment.yaml',
    `GET ${APPS}/shop/deployments/web`,
    `POST ${APPS}/shop/deployments ${DEPLOYMENT}`,
    `PATCH ${APPS}/shop/deployments/web ${DEPLOYMENT} ${STRATEGIC}`,
  ],
  [
    'apply --server-side --dry-run=server -f deployment.yaml',
    `PATCH ${APPS}/shop/deployments/web?fieldManager=kubectl&dryRun=All ${DEPLOYMENT} (application/apply-patch+yaml)`,
  ],
  [
    'create -f two.yaml -f list.json',
    'POST /api/v1/namespaces {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}',
    'POST /apis/example.com/v1beta1/namespaces/default/policies {"apiVersion":"example.com/v1beta1","kind":"Policy","metadata":{"generateName":"p-"}}',
    `POST ${NS}/default/secrets {"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}`,
  ],
  ['replace -f deployment.yaml', `PUT ${APPS}/shop/deployments/web ${DEPLOYMENT}`],
  ['patch deploy web -p \'{"spec":{}}\'', `PATCH ${APPS}/default/deployments/web {"spec":{}} ${STRATEGIC}`],
  [
    'patch deploy web --type=json --subresource scale -p []',
    `PATCH ${APPS}/default/deployments/web/scale [] (application/json-patch+json)`,
  ],
  [
    'exec -it web -c main -- sh -c "a b"',
    `GET ${NS}/default/pods/web`,
    `GET ${NS}/default/pods/web/exec?command=sh&command=-c&command=a+b&container=main&stdin=true&stdout=true&tty=true websocket`,
  ],
  [
    'attach pod/web -n prod',
    `GET ${NS}/prod/pods/web`,
    `GET ${NS}/prod/pods/web/attach?stdout=true&stderr=true websocket`,
  ],
  ['port-forward web 8080:80', `GET ${NS}/default/pods/web`, `GET ${NS}/default/pods/web/portforward websocket`],
  [
    'logs -f -p web -c main',
    `GET ${NS}/default/pods/web`,
    `GET ${NS}/default/pods/web/log?container=main&follow=true&previous=true`,
  ],
  [
    'cp prod/web:/etc/passwd here',
    `GET ${NS}/prod/pods/web`,
    `GET ${NS}/prod/pods/web/exec?command=tar&command=cf&command=-&command=%2Fetc%2Fpasswd&stdout=true&stderr=true websocket`,
  ],
  [
    'cp here web:/tmp/x --no-preserve',
    `GET ${NS}/default/pods/web`,
    `GET ${NS}/default/pods/web/exec?command=test&command=-d&command=%2Ftmp%2Fx&stdout=true&stderr=true websocket`,
    `GET ${NS}/default/pods/web/exec?command=tar&command=--no-same-permissions&command=--no-same-owner&command=-xmf&command=-&command=-C&command=%2Ftmp&stdin=true&stdout=true&stderr=true websocket`,
  ],
]

for (const [line, ...expected] of plans) {
  test(`planned: ${line}`, () => assert.deepEqual(requests(line), expected))
}

const refused: readonly (readonly [line: string, why: RegExp])[] = [
  ['', /name a command of kubectl/],
  ['scale deploy web', /"scale" is not understood here: get, list/],
  ['GET /api extra', /something behind the path/],
  ['get', /name what it is for/],
  ['get gizmos', /write RESOURCE.GROUP/],
  ['get pod/', /not TYPE\/NAME/],
  ['get pods --prune', /--prune is not a flag/],
  ['get pods -Z', /-Z is not a flag/],
  ['get pods -n', /-n needs a value/],
  ['delete pods', /name what to delete/],
  ['delete pod x --dry-run=client', /changes nothing/],
  ['delete pod x --dry-run', /changes nothing/],
  ['delete pod x --dry-run=maybe', /none, client or server/],
  ['create pod x y', /behind the name/],
  ['apply deploy', /name what to apply/],
  ['patch deploy web', /needs -p/],
  ['patch deploy web -p {} --type=odd', /strategic, merge or json/],
  ['exec web', /behind "--"/],
  ['exec deploy/web -- sh', /name a pod/],
  ['exec web extra -- sh', /behind the pod/],
  ['logs', /name a pod/],
  ['cp a b', /one side is/],
  ['cp a:/x b:/y', /one side is/],
  ['create -f nameless.yaml', /holds a Pod without a name/],
  ['create -f kindless.yaml', /without apiVersion and kind/],
  ['create -f broken.yaml', /not valid YAML/],
  ['create -f empty.yaml', /name what it is for/],
]

for (const [line, why] of refused) {
  test(`not understood: ${line}`, () => {
    assert.throws(
      () => requests(line),
      (error) => error instanceof CommandFailed && why.test(error.message),
    )
  })
}

test('what only a cluster knows is said', () => {
  const { notes } = planOf(['delete', 'widgets.example.com', '--all'], () => '')
  assert.match(notes.join('\n'), /is a guess[\s\S]*one by one/)
})

test('words that were quoted for a shell come back', () => {
  const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (words) => {
      assert.deepEqual(shellWords(words.map(quote).join(' ')), words)
    }),
  )
  assert.deepEqual(shellWords('a  "b \\" c"d \\\'e \'\''), ['a', 'b " cd', "'e", ''])
  for (const open of ["a 'b", 'a "b', 'a \\']) assert.equal(shellWords(open), undefined, open)
})
