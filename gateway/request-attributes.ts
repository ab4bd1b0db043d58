// What a request asks of Kubernetes, parsed once: policy judges it, the tape keeps it, the upstream path is rebuilt from it.

/** Kubernetes' RequestInfo (apiserver pkg/endpoints/request/requestinfo.go) with the gateway's own verbs for streams. */
export interface RequestAttributes {
  /** False for paths outside /api and /apis. */
  readonly isResource: boolean
  /**
   * get, list, watch, create, update, patch, delete, deletecollection; `exec`, `attach`, `portforward`, `proxy` for
   * what those subresources are, whatever the method; for non-resource requests the lower-case method.
   */
  readonly verb: string
  /** The verb by Kubernetes' own rule (GET exec is "get"): what the API server will authorise. */
  readonly kubeVerb: string
  readonly apiPrefix: string
  readonly apiGroup: string
  readonly apiVersion: string
  readonly namespace: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
  /** The path segments after the resource, as parsed. */
  readonly parts: readonly string[]
  /** The decoded path, rebuilt. For people and policy; never a request line: it may hold "?" and spaces. */
  readonly path: string
  /** The query as received, without "?"; checked for well-formedness. */
  readonly query: string
  /** What goes upstream, in origin-form: the parsed path, encoded canonically, and the query. */
  readonly target: string
  /** For exec: argv, in order. */
  readonly command: readonly string[]
  /** For exec and attach: the container asked for, or "". */
  readonly container: string
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
  /** watch, log (followed or not), exec, attach, portforward, proxy: no 60 s limit (kube-apiserver's LongRunningFunc). */
  readonly longRunning: boolean
}
