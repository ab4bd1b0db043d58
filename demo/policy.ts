// The demo's access policies, as the YAML that a user would write. The agent reads, works in `default`, needs a yes for a
// shell, and cannot change `prod`; a deny wins over every allow, so that it holds for an agent whoever it works for.

/** Before the demo's own cluster. */
export const DEMO_POLICY = `apiVersion: sallyport/v1
kind: AccessPolicy
default: {reads: allow, writes: deny, streams: deny}
rules:
- name: agents-do-not-touch-prod
  subjects: [{actor: "*"}]
  verbs: [create, update, patch, delete, deletecollection, exec, attach, portforward, proxy]
  namespaces: [prod]
  effect: deny
- name: agents-shells-need-a-yes
  subjects: [{actor: "*"}]
  verbs: [exec]
  commands: [{argv: [sh, "..."]}, {argv: [bash, "..."]}]
  effect: requireApproval
  approval: {approvers: [{group: "oidc:sre"}], wait: 120s, validFor: 10m, uses: 1}
- name: developers
  subjects: [{group: "oidc:developers"}]
  verbs: ["*"]
  effect: allow
`

/** Before a cluster of the user's own: an agent only reads. */
export const OWN_CLUSTER_POLICY = `apiVersion: sallyport/v1
kind: AccessPolicy
default: {reads: allow, writes: deny, streams: deny}
rules:
- name: agents-only-read
  subjects: [{actor: "*"}]
  verbs: [create, update, patch, delete, deletecollection, exec, attach, portforward, proxy]
  effect: deny
- name: agents-read-no-secrets
  subjects: [{actor: "*"}]
  verbs: [get, list, watch]
  resources: [secrets]
  effect: deny
- name: developers
  subjects: [{group: "oidc:developers"}]
  verbs: ["*"]
  effect: allow
`
