// Every bound on what a peer may make us hold, count or wait for, by name, with its default and the reason for it.
// Protocol machines take the group they need; the gateway takes the whole object. Times are in milliseconds, sizes in
// bytes. Sources: the budgets of the security bar, kube-apiserver's own limits, and the figures named at each line.
// The configuration may set those of the groups in CONFIGURABLE, once, before anything is opened (`setLimits`).

const defaults = {
  http1: {
    /** Request or status line. kube-apiserver takes 1 MiB of headers in all; kubectl's longest exec lines are below 8 KiB. */
    startLine: 16_384,
    /** All field lines of one message, with their line ends. */
    fieldBytes: 65_536,
    /** Field lines of one message (the five X-Stream-Protocol-Version lines of SPDY count five). */
    fieldCount: 128,
    /** Hex digits of a chunk size, leading zeros included. Chunk extensions are refused (Kestrel CVE-2025-55315), so a line is no longer. */
    chunkDigits: 16,
    /** Trailer fields, bytes. Kubernetes sends trailers only through proxy subresources. */
    trailerBytes: 8_192,
    /** Pipelined bytes held while a request is being answered; past it the socket is paused. */
    heldBytes: 65_536,
    /** 1xx answers of the cluster before the final one. */
    informational: 8,
  },
  hpack: {
    /** Our decoder's dynamic table, the default of SETTINGS_HEADER_TABLE_SIZE (RFC 9113 section 6.5.2), in RFC 7541's own count. */
    tableSize: 4_096,
    /** The most that our encoder uses of the peer's table, whatever the peer allows. */
    encoderTableSize: 4_096,
    /** A field block's field lines, each counted as they come out, every reference too (CVE-2026-49975: 2 bytes name 4 KiB). */
    fieldCount: 128,
    /** Octets of all names and values of a block once decoded, with RFC 7541's 32 for each line. */
    fieldBytes: 65_536,
  },
  http2: {
    /** Streams of a client at once; agents hold hundreds of watches on one connection (client-go asks for 250 by default). */
    streams: 256,
    /** What a client may send on one stream, and on all, before credit is given back. */
    streamWindow: 65_535,
    connectionWindow: 1_048_576,
    /** The same for a cluster's answers: larger, since distance costs throughput. A stalled client holds one stream's worth. */
    clusterStreamWindow: 262_144,
    clusterConnectionWindow: 4_194_304,
    /** SETTINGS_MAX_FRAME_SIZE: the smallest that is allowed towards clients, more from clusters. */
    frame: 16_384,
    clusterFrame: 65_536,
    /** CONTINUATION frames of one block (CVE-2024-27316, CVE-2023-45288), and a block's octets before it is decoded. */
    continuations: 8,
    blockBytes: 65_536,
    /** Streams in one interval that were reset, by either side (CVE-2023-44487 Rapid Reset, CVE-2025-8671 MadeYouReset). */
    resets: 100,
    /** PING and SETTINGS frames of a peer in one interval (CVE-2019-9512, CVE-2019-9515). */
    pings: 100,
    settings: 20,
    /** Frames in one interval that move nothing: empty DATA, PRIORITY, unknown types (CVE-2019-9518, CVE-2019-9513). */
    emptyFrames: 1_000,
    /** Entries of one SETTINGS frame. */
    settingsEntries: 32,
    /** Over how long these are counted. */
    intervalMillis: 10_000,
    /** Body bytes held for want of window on one stream: a whole request body, or what a paused source has still sent. */
    heldBytes: 4_194_304,
    /** Of a body that comes behind its answer, until the client is told to keep the rest. */
    unwantedBytes: 16_384,
    /** A stalled reader of a watch or log is waited for while the connection holds no more than this. */
    stalledBytes: 2_097_152,
    /** The client's preface and first SETTINGS. */
    prefaceMillis: 5_000,
    /** PING on a cluster's connection after this silence, and until when it must be answered. */
    pingMillis: 30_000,
    pongMillis: 15_000,
  },
  websocket: {
    /** One frame. The API server cuts the session above 32 MiB (x/net/websocket); kubectl's frames are below 33 KiB. */
    frame: 33_554_432,
    /** Frames of one fragmented message (ws CVE-2026-48779). */
    fragments: 1_024,
    /**
     * Control frames in a row without data of the same direction in between. An exec whose client only listens sends
     * nothing but kubectl's ping every 5 s: this is 91 h of them, or 18 h of one a second.
     */
    controlFrames: 65_536,
  },
  spdy: {
    /** Payload of a control frame. moby/spdystream takes 16 MiB; Kubernetes' are below 200 bytes. */
    controlFrame: 65_536,
    /** Payload of a data frame: the format's own bound. Data passes in pieces, so it costs no memory. */
    dataFrame: 16_777_215,
    /** A header block once inflated (CVE-2026-35469 was the lack of it). */
    inflatedBlock: 262_144,
    /** Names in one header block. */
    headerCount: 64,
    /** Streams open at once: exec has five, a port-forward two for each connection. */
    streams: 256,
    /** Entries of a SETTINGS frame. */
    settings: 32,
  },
  kubernetes: {
    /** The Status on the error stream, bytes. */
    status: 65_536,
    /** The resize messages not yet complete, bytes. */
    resize: 1_024,
    /** argv of one exec: words, and bytes in all. Linux' own ARG_MAX is 2 MiB, but the request line bounds it first. */
    commandWords: 1_024,
    /** One event of a watch over WebSocket, which is held until it is whole: as one object of a masked list. */
    watchEvent: 16_777_216,
  },
  tape: {
    /** One entry as stored, bytes: 64 KiB of stream or body, a request head, or a whole request body with room to spare. */
    entry: 8_388_608,
    /** Nesting of an entry's msgpack. */
    depth: 16,
    /** Stream bytes joined into one entry. */
    joinBytes: 65_536,
    /** How long a joined entry stays open. */
    joinMillis: 10,
    /** Pieces joined into one entry: each has three numbers of its own. */
    joinPieces: 256,
    /** Join buffers kept for the next stream that moves; 4 MiB. */
    joinBuffers: 64,
    /** Collected without anybody waiting, this much is written before joinMillis: a larger batch is no faster. */
    batchBytes: 1_048_576,
    /** How far behind the log its signed checkpoint may be. */
    checkpointMillis: 1_000,
    /** How often open tapes tell the log how far they are. */
    headMillis: 60_000,
    /** After a failure of the store: the wait before it is opened again, doubled each time up to the longest. */
    reopenMillis: 100,
    reopenLongestMillis: 10_000,
    /** How often the disk is looked at for room for the ballast, while there is none. */
    ballastMillis: 60_000,
    /** A segment file of long entries is followed by a new one past this. */
    segmentBytes: 268_435_456,
    /** After this an API tape is followed by a new one. */
    rotateBytes: 268_435_456,
    rotateMillis: 3_600_000,
    /** Accepted but not yet on disk, over all tapes; past it sources are paused. */
    backlogBytes: 16_777_216,
    /** `group` durability's promise: accepted bytes are on disk within this, or sources are paused. */
    groupMillis: 250,
  },
  gateway: {
    /** TLS handshake to its end. */
    handshakeMillis: 5_000,
    /** From the first wait for a request to the end of its head. */
    headMillis: 10_000,
    /** A kept connection without a request. */
    idleMillis: 180_000,
    /** A request body, whole: the API server's own limit (apiserver config.go MaxRequestBodyBytes). */
    requestBody: 3_145_728,
    /** Request bodies that are being collected, over all connections: 21 of the largest. */
    bodiesBytes: 67_108_864,
    /** The lowest rate of a request body, bytes a second, after the first 10 s. */
    requestBodyRate: 1_024,
    /** A bearer token. EKS tokens are up to 4 KiB. */
    token: 16_384,
    /** Client connections in all. */
    connections: 10_000,
    /** Client connections that have not yet been identified. */
    unidentified: 1_000,
    /** The same two for one address. Behind a load balancer that hides addresses all clients share one: raise them there. */
    addressConnections: 2_000,
    addressUnidentified: 200,
    /** Requests under way of one user: an agent's few hundred watches, several times over. */
    userRequests: 2_048,
    /** Memory of the process in percent of what it may have: new requests are refused, then strangers' connections dropped. */
    shedPercent: 85,
    dropPercent: 95,
    /** Bytes that the process may have; 0: the container's limit, or else half of the machine's memory. */
    memoryBytes: 0,
    /** How often memory is looked at. */
    memoryMillis: 1_000,
    /** To the cluster: connect with TLS. */
    dialMillis: 10_000,
    /** To the first byte of an answer of a request that is not long-running (the API server cuts at 60 s). */
    answerMillis: 75_000,
    /** How often a request is sent that a cluster says it has not processed (GOAWAY, REFUSED_STREAM). */
    tries: 3,
    /** Idle pooled connections to one cluster, and how long one is kept (the API server keeps them 90 s or more). */
    pooled: 64,
    pooledMillis: 30_000,
    /** One run of a kubeconfig's exec plugin (the aws CLI takes one to three seconds), and what it may print. */
    credentialMillis: 15_000,
    credentialBytes: 65_536,
    /** A credential is renewed this long before it ends, or at three quarters of a shorter life. */
    credentialMarginMillis: 60_000,
    /** A plugin is not run again within this after a failed run, or for a fresh credential that the cluster refused. */
    credentialRetryMillis: 2_000,
    /** A token file's modification time is looked at no more often than this. */
    tokenFileMillis: 1_000,
    /** A kubeconfig, or a file that it names. */
    kubeconfigBytes: 1_048_576,
    /** A reader that takes nothing of an answer, until it is cut off (CVE-2019-9517, CVE-2026-49975: windows held at zero). */
    stalledMillis: 30_000,
    /** How long a stream may go on after SIGTERM. */
    drainMillis: 10_000,
    /** From our end of a socket to the peer's; then it is destroyed. */
    closeMillis: 5_000,
    /** The same behind a peer's fault. */
    faultMillis: 500,
    /** A socket's unwritten bytes before its source is paused. */
    writeBuffer: 1_048_576,
  },
  authn: {
    /** Verified tokens that are remembered; a token is verified again once it has been pushed out. */
    identities: 4_096,
    /** A fetch of an issuer's discovery document or keys, from its start to its last byte. */
    fetchMillis: 5_000,
    /** One such document, bytes. Large tenants publish some dozens of keys of 2 KiB. */
    documentBytes: 262_144,
    /** Keys of one issuer, and those tried for a token that names none. */
    keys: 128,
    keysTried: 8,
    /** Keys are fetched again at this age, while the old ones go on serving. */
    keysMillis: 600_000,
    /** With the issuer down, keys older than this are no longer believed. */
    keysStaleMillis: 86_400_000,
    /** A token with an unknown key makes the issuer be asked at most once in this time (a storm of made-up key ids). */
    unknownKeyMillis: 60_000,
    /** An issuer that did not answer is not asked again within this. */
    retryMillis: 2_000,
    /** How far the issuer's clock may be ahead of ours (`nbf`, `iat`). An end (`exp`) has no such grace. */
    skewMillis: 10_000,
  },
  mask: {
    /** A masked body that is no list: etcd takes objects of 1.5 MiB, Tables and aggregated APIs are longer. */
    object: 16_777_216,
    /** One object of a masked list: each byte of the 1.5 MiB that etcd takes may be six in JSON ("<" is \u003c to Go). */
    item: 16_777_216,
    /**
     * A masked list in protobuf, which is held to its end: its length stands before it. 10,000 Secrets of three values of a
     * kilobyte are 32 MB; who lists more asks for pages, for JSON or for a watch, none of which is held.
     */
    list: 67_108_864,
    /** Nesting of a masked body: CRD schemas nest some dozens of levels. */
    depth: 512,
    /**
     * Messages within one another that a search of a body in protobuf goes into without a description. Each costs another
     * look at the same bytes.
     */
    guesses: 16,
    /** Bytes of a key, and of a number, in a masked body. */
    key: 65_536,
    number: 1_024,
    /** A body in YAML: a Secret of 1 MiB is 1.4 of base64. It is held whole, as text, tokens and nodes. */
    yaml: 2_097_152,
    /** Its parts (words, colons, blanks, line ends), each of which costs its reader up to 8 µs: some 10,000 lines, half a second. */
    yamlTokens: 65_536,
    /**
     * A body that comes compressed may become so many bytes, and so many for each byte that it is: lists of objects that are
     * much alike are 10 to 50 times as long as their gzip, bombs 1,000 times.
     */
    inflated: 1_048_576,
    inflatedRatio: 128,
    /** Bytes of an answer that are encrypted together where originals are kept: held in memory until they are. */
    original: 1_048_576,
    /** Keys that originals are encrypted to: 0.1 ms each for every piece. */
    recipients: 8,
    /** What is held back of a stream passes after this much quiet: an echo must not be felt, a log line may wait. */
    terminalQuietMillis: 20,
    quietMillis: 200,
    /** What was masked on a channel of a stream is told to the tape in one entry for so long, so that matches do not flood it. */
    maskedMillis: 250,
  },
  detect: {
    /** Bytes before a place that a matcher may look back on: the longest name in front of a value, with room. */
    lookBehind: 256,
    /** Laid out text kept from call to call, bytes: a read of a socket, and what is held. */
    scratch: 262_144,
    /** Values learned at most, and the bytes for them: those used longest ago go first. */
    learned: 10_000,
    learnedBytes: 33_554_432,
    /** A longer value is learned in pieces; this, six times over in the longest of escapes, is the most that is held for one. */
    learnedPiece: 1_536,
    /** Secrets within a value, base64 or JSON one in another: docker's auth within .dockerconfigjson is at three. */
    learnedDepth: 4,
    /** Shorter values are not learned: they would be found everywhere. */
    learnedShortest: 6,
    /** An assigned value is judged by its first bytes; a longer one is masked on as it comes. */
    assigned: 256,
    /** White space between a name and what is assigned to it: kubectl describe lines values up. */
    assignedSpace: 64,
    /** A token's header (JOSE), and the lines between a key's BEGIN and its body. */
    tokenHeader: 2_048,
    keyHeader: 1_024,
    /** The user and password in front of the host of a connection string. */
    userInfo: 512,
    /** Text around a keyword in which a custom pattern is looked for, and custom patterns. */
    patternWindow: 512,
    patterns: 128,
    /** A terminal's control string (a title, a link); what goes on past it is taken for text. */
    controlString: 4_096,
    /** What is no text within a value, beyond what colours each of its characters on a terminal: a title, with room. */
    between: 8_192,
  },
  learn: {
    /** Secrets in one page of the gateway's own list: client-go asks for 500, which may be 500 MiB. */
    pageSize: 100,
    /** A page without its elements. */
    pageHead: 65_536,
    /** A page must have come, and a watch that was to end have ended, in so long. */
    pageMillis: 60_000,
    /** A watch lasts this long up to twice as long, as client-go's do; then it goes on from where it stood. */
    watchSeconds: 300,
    /** Between the end of a watch and the next, up to twice as long. */
    resumeMillis: 1_000,
    /** After a failure, doubled each time, up to twice as long by chance (client-go reflector). */
    retryMillis: 800,
    retryLongestMillis: 30_000,
  },
  policy: {
    /** A denial's message, bytes. */
    message: 1_024,
    /**
     * What the conditions of one decision may cost together, in steps of about 100 ns: turns of a loop in CEL, characters
     * under a pattern. Past it a denial meets and an allow does not hold.
     */
    steps: 200_000,
    /** An exec's argv as a line, characters, that patterns of rules are tried on. A longer one a denial meets, an allow does not hold. */
    commandLength: 4_096,
    /** Nesting of loops in a condition, and its nodes: a condition is a sentence, not a program. */
    loops: 3,
    nodes: 1_000,
    /** Values and depth of a body that a rule reads: a large custom resource definition has some tens of thousands. */
    bodyValues: 250_000,
    bodyDepth: 128,
    /** A body in YAML that is not JSON too, characters: its parser is slow, and kubectl sends JSON. */
    yamlLength: 65_536,
    /** The path of an operation in a JSON patch, characters. */
    patchPath: 1_024,
    /** A directory of policy files. */
    files: 256,
  },
  approvals: {
    /** Requests for a yes that nobody has answered yet: of one user, and in all. `kubectl delete` of some dozen pods asks for each. */
    userPending: 32,
    pending: 1_000,
    /** Calls that wait for an answer, and bytes of the bodies that they hold: 21 of the largest. */
    parked: 256,
    parkedBytes: 67_108_864,
    /** What people are shown of a call: the wait for each question to the cluster, its answer, and the names of a collection. */
    previewMillis: 5_000,
    previewBytes: 1_048_576,
    previewObjects: 500,
    /** How long a request may be answered, if its rule does not let the call wait longer. */
    pendingMillis: 3_600_000,
    /** The same call gets the same no for this long, and is not put to people again: kubectl repeats a refused exec as SPDY. */
    denialMillis: 60_000,
    /** A call made again within this after its wait ran out is told at once, for the same reason. */
    fallbackMillis: 2_000,
    /** What is over is kept for this long, and no more of it than so many, with so many characters of what people were shown. */
    keptMillis: 604_800_000,
    kept: 10_000,
    keptText: 33_554_432,
    /** Characters of a reason or a ticket, of another text of a summary, and of its diff. */
    reason: 1_000,
    text: 4_096,
    diff: 65_536,
    /** A standing grant's longest time, its words of each kind, and those in force or asked for. */
    grantMillis: 43_200_000,
    grantWords: 64,
    grants: 1_000,
    /** Locks in force, and characters of a locked name. */
    locks: 1_000,
    lockName: 512,
    /** After a failed write: the wait before the journal is opened again, doubled each time up to the longest. */
    reopenMillis: 100,
    reopenLongestMillis: 10_000,
    /** How often what ends by the clock is looked for: a wait, a yes, a grant. */
    lookMillis: 250,
    /** Counters of budgets, and those of one user: runs are the caller's own names. */
    budgetKeys: 10_000,
    userBudgetKeys: 256,
    /** Parts of a sliding window: what is spent comes back a part or two late, never early. */
    budgetParts: 60,
    /** Names of namespaces in one counter. */
    budgetNames: 1_000,
    /** What nobody waits for is on its way to the disk within this: at most 250 ms are lost. */
    budgetMillis: 100,
    /** Shorter windows are not kept on disk: a start takes longer. */
    budgetKeptMillis: 2_000,
    /** Webhooks hear of a spent counter at most once in this time: who is over a budget goes on trying. */
    budgetTellMillis: 60_000,
    /** Messages that wait to be sent, and the length of one. */
    outbox: 1_000,
    message: 262_144,
    /** One try to send; the wait after the first failure, doubled up to the longest; and until when it is tried. */
    sendMillis: 10_000,
    retryMillis: 1_000,
    retryLongestMillis: 300_000,
    tryMillis: 86_400_000,
    /** A signed answer's age, either way; its length; and the answers remembered so that none comes twice. */
    answerMillis: 300_000,
    answerBytes: 16_384,
    /** Refused answers in a minute that are on the control tape: whoever reaches the admin API can make them. */
    refusedNotes: 60,
    nonces: 10_000,
  },
  admin: {
    /** Connections to the admin API: people, one scraper, probes. */
    connections: 128,
    /** Tapes or leaves being read out at once; each holds one entry. */
    transfers: 16,
    /** A request's body: an answer, a lock, or a grant of some dozens of words. */
    bodyBytes: 16_384,
    /** Requests under way of one user, streams of approvals among them. */
    userRequests: 16,
    /** Streams of approvals in all, and the lines that one holds for a reader beyond what stands at its beginning. */
    watches: 64,
    watchLines: 256,
    /** How often such a stream says that it is alive. */
    pingMillis: 15_000,
  },
} as const

/** The same groups with other figures: what a machine takes, so that a test can use small ones. */
export type Limits = {
  readonly [G in keyof typeof defaults]: { readonly [Name in keyof (typeof defaults)[G]]: number }
}

/** What a configuration may set. The others belong to formats: a tape written with one must be readable with another. */
export const CONFIGURABLE = ['http1', 'hpack', 'http2', 'websocket', 'spdy', 'gateway', 'authn'] as const

/** Some figures of some groups. */
export type LimitChanges = { readonly [G in (typeof CONFIGURABLE)[number]]?: Partial<Limits[G]> | undefined }

export const limits: Limits = structuredClone(defaults)

/** Replaces figures for the whole process. Only at its start: what is open has read some of them already. */
export function setLimits(changes: LimitChanges): void {
  for (const group of CONFIGURABLE) Object.assign(limits[group], changes[group])
}
