// Words that are in everybody's configuration, so that a value made of them alone is no secret to look for: English, of
// software, of AWS, and all that Kubernetes' API calls its fields, kinds, reasons and events: who may write a Secret must not
// take such a word out of everybody's answers. Lower case; a value in any case is compared so.

const TEXT = `
a able acceptable accepted access account acquire action actions active add added additional address addresses admin administrator admission
admit affinity after age agent aggregation ago agreement alert alerts alias aliases all allocatable allocate allocated allocation
allocations allow allowed alpha already always amazon an analytics and annotation annotations anti any anyway api apiextensions apis
apiv3schema app application applications apply approval approved apps architecture archive argo argocd args armor array artifact as asia
assigned assured async at attach attachable attached attacher attachment attestations attribute attributes audience audiences audit auth
authenticated authentication authorization auto automount autoscaler availability available average avoid awaiting aws az azure back backend
background backoff backup backups bad balancer base bash basic batch be before begin behavior best beta bidirectional bin binary bind
binding binds black block blue body bookmark bookmarks bool boolean boot bootstrap border borrowing bound branch breaking broker bucket
budget build builder bundle burstable bus by bytes ca cache caching calico canary canceled candidate capabilities capacity cassandra catch
categories cause causes cel central ceph cephfs cert certificate certificates certs chain change changed channel chap char chart charts
check checking checkout ci cid cidr cilium cinder claim claims class client clients close cloud cluster clusters cn code codes collector
collision color column columns com command commitment common compatibility complete completed completion completions component composite
compute concurrency condition conditions config configmap configmaps configuration conflict conformant connect connection connections
console constraint constraints consul consumed consumer consumes consumption container containers content context continue control
controlled controller controllers conversion converted cookie copy core coredns count counter counters cpu crash create created creating
creation creator credential criteria crl cron cronjob cross crt csi current custom customer customers customresourcecleanup daemon daemonset
dangling dashboard data database databases dataset date db dbs de deadline deallocation debug decipher declared decodable dedicated default
defaults deferred definition definitions degraded delay delete deleted deletion demo denied deny dependencies dependents deploy deployed
deployment deployments deprecated deprecation derived desc described description desired detach details dev develop development device
devices dex digest digital dir direct directory disable disabled discovery disk disrupted disruption disruptions distinct distinguisher
distribution divisor dns do docker dockercfg dockerconfigjson docs document documentation documents does domain domains done down downward
drain drained driver drivers dry dual due dump duplicate duration during east ebs ec2 ecr edge edit effect effects effort efs egress eks
elastic elasticsearch elb email empty emulation enable enabled encipher encipherment encoding encrypted encryption end endpoint endpoints
engine english entity entry env environment envoy ephemeral equal equivalent error errors escalation established etag etc etcd eu europe
evaluation event events evicted eviction exact exactly example exceeded except exclude exclusive exec execute execution exempt exist exists
exit expand expansion expected expiration expired expires exporter expr expression expressions extended external extra factory fail failed
failover failure fallback false families family fargate fast fc feature features fetch field fields file files filesystem filter final
finalizers finished first fixed flag flags flex flocker flow flowcontrol fluent fluentbit fluentd flux folder follow for forbid forbidden
force foreground format forward found foundation fqdn frankfurt free freshness from frontend fs full fully function further gang gate gated
gates gateway gce general generate generation generic get git github gitlab global glusterfs gmsa go gone good google grace graceful grafana
green group groups grpc guaranteed guest hand handle handler handlers harbor hardware hash head header headers health healthy heartbeat
hello helm help high hints history holder home horizontal host hostname hostnames hosts hot hpa html http https huge hugepages i id
identifier identity ids if ignore ignored image images immediate immutable impersonate import in inaccessible inactive include incomplete
index indexed indexes infeasible info infra infrastructure ingress init initial initialized initially initiator inline input insecure
install instance instances insufficient int integration intent interface internal interrupted invalid invoice involved io ip ipc ips ipsec
is iscsi issued istio item items jaeger java job jobs json k8s kafka kernel key keycloak keyring keys kibana killing kind known kube
kubeconfig kubelet kubernetes label labeled labels lambda large last latest layer ldap leader learn lease legacy lendable length level lib
library license lifecycle light limit limited limits lines link linkerd links linux list listen listener live liveness load loadbalancers
loader local locale localhost location lock log logger logging login logs loki long loop loss low lower ls machine mail main maintenance
manage managed management manager manifest manual many map mapped mapping mappings mariadb master match matching max maximum me media medium
member memcached memory message messages met meta metadata method metric metrics micro microsoft middleware migrating migration min minimum
minio minute minutes mirror mismatch misscheduled missing mixed mode model modes modified modify modifying module mongo mongodb monitor
monitoring monitors mount mounts multi multiple multiplier mutating mutation mutations mutual my mysql name named names nameservers
namespace namespaced namespaces nat native nats needed net netscape network networks never new next nfs nginx no node nodejs nodeports nodes
noexec nominal nominated non none normal north nosniff nosuid not notification notifications ns null nullable number oauth object objects
observed ocsp of off offline ok old older oldest on once one online only opaque open opensearch operating operation operations operator
option optional options or oracle order ordered orders ordinals org organization origin orphan os other output overhead overlay override
owner package page pages panel parallel parallelism param parameter parameters parent parsing partial partially partition pass passwd
password passwords patch path paths pattern paused payment payments pd peer pending per percent percentage performance period persistent
persistentvolumeclaims pf pgbouncer phase photon php pid ping pipeline pkix plaintext plan planned platform plugin plural pod pods policies
policy pool port portal portals ports portworx possession possible post postgres postgresql potential pre precedence preconditions preempt
preemption prefer preference preferred prefix prepare present preserve pressure prevent preview previous primary printer priority private
privatekey privilege privileged probe proc process processor prod producer product production products profile profiles progress progressing
project projected projection projects prom prometheus proof prop propagation properties property props protection protocol provider
provisioner proxy ps public publish pull pulled pulling push put python qos quantity query queue queues queuing quick quobyte quota rabbitmq
random range ranges rate ratio raw rbd rds reached read reader readiness readonly ready real reason reclaim record records recovery recreate
recursive recycle red redis ref reference references refresh regarding region regional registry reinvocation reject related release released
releases reload remaining remote renew replace replacement replica replicas replicaset replication replicationcontrollers repo report
reporting reports repository republish request requested requester requesters requests require required requirement requirements requires
reserved reset resize resizing resource resourcequotas resources resp responder responders response rest restart restarting restarts restore
result results retain retention retry return reused review revision right role roles rollback rolling rollout root route router routes
routing row rs ruby rule rules run runner running runtime s3 safe same sample sandbox scale scaled scaling schedule scheduled scheduler
scheduling schema scheme scope scoped scopes script sdk search searches seccomp second secondary seconds secret secrets section secure
security select selectable selection selector selectors self send sentinel serialized series served server serverless servers service
services serving session set settings setup sh shadow shard share shareable shared shares shell shop short show shutdown side sidecar
sigabrt sigalrm sigbus sigchld sigcld sigcont sigfpe sighup sigill sigint sigiot sigkill sign signal signature signer signing sigpipe
sigpoll sigprof sigpwr sigquit sigrtmax sigrtmin sigsegv sigstkflt sigstop sigsys sigterm sigtrap sigtstp sigttin sigttou sigurg sigusr1
sigusr2 sigvtalrm sigwinch sigxcpu sigxfsz simple since singapore single singular site size skew skip slave sleep slice slow small smtp
snapshot sns socket some source sources south space spark spec splunk spread spring sql sqlite sqs src ssh ssl ssm stabilization stable
stack stage staging standard standby start started starting startup state stateful statefulset static statistics status statuses stderr
stdin stdout stg stop storage storageos store stored strategy stream strict string strings strong structural sts stub style sub subdomain
subject subjects subnet subnets subresource subresources subscription subset subsets succeeded success successful sufficient suitable sum
summary super supplemental support supported surge suspend suspended svc swap sync synced sysctl sysctls system systems table tag tags tail
taint taints target task tasks tcp team teapot telemetry temp template templates tempo temporary tenant term terminal terminated terminating
termination terms terraform test testing tests text than the third thread threads threshold tier time timeout timestamp timestamping
timestamps timezone title tls tmp to token tokens tolerance toleration tolerations too tool tools top topic topics topologies topology total
tracing track traefik traffic transaction transfer transition transitions transport trial true trust ttl tunnel two type typed types ubuntu
ui uid unauthorized unavailable unconfined uncounted undefined unexpected unhealthy unique unit unknown unmasked unprepare unreachable
unsatisfiable unschedulable unsupported unused unverified up update updated updates upgrade upload upstream ur uri url urls us usage usages
use user username users using utc utf utf8 utilization uuid valid validate validating validation validations validator value values var
variable variables vary vault vendor verify version versions view viewer virginia virtual volume volumes vpc vsphere wait waiting warn
warning warnings watch web webhook webhooks website weight weighted west when white wildcard window windows with withdrawn worker workers
workflow workflows working workload workloads workspace world write writer ww www xml yaml yes your zero zone zones zookeeper
`

export const WORDS: ReadonlySet<string> = new Set(TEXT.split(/\s+/).filter((word) => word !== ''))
