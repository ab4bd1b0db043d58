// Words that are in everybody's configuration, so that a value made of them alone is no secret to look for: English, of
// software, of Kubernetes and of AWS. Lower case; a value in any case is compared so.

const TEXT = `
a access account active actions add additional address addresses admin administrator agent alert alerts all allow allowed alpha always amazon an
analytics and annotation annotations any api apis app application applications apps archive argo argocd args artifact as asia
async at auth authentication authorization auto availability aws az azure backend backup backups balancer base bash basic batch be before
beta bin binary black block blue body boolean boot bootstrap border branch broker bucket build builder bundle bus by cache calico canary
capacity cassandra central cert certificate certificates certs chain change changed channel chart charts check checkout ci cilium class client
clients cloud cluster clusters cn code collector color com command common complete completed compute condition config configmap configuration
connect connection connections console consul consumer container containers content context control controller controllers cookie copy core
coredns count cpu create created creator cron cronjob current custom customer customers daemon daemonset dashboard data database databases
date db dbs de debug default defaults delete deleted demo deny deploy deployed deployment deployments desc description dev develop
development device dex digest dir direct directory disable disabled disk dns do docker document documents domain done down driver dual dump
east ebs ec2 ecr edge edit efs eks elastic elasticsearch elb email empty enable enabled encrypted encryption end endpoint endpoints engine
english entry env environment envoy error errors etc etcd eu europe event events example exec expired exporter external extra factory
failed failover false fargate fast feature features fetch field fields file files filter final first flag flags fluent fluentd fluentbit flux
folder for force format forward foundation frankfurt free from frontend full function gateway general generate generic get git github gitlab
global go good google grafana green group groups guest handler hash harbor head header headers health healthy hello helm help high history
home host hostname hosts hot html http https id identity ids if ignore image images import in index info infra infrastructure ingress
init initial input install instance instances int integration internal invalid invoice io ip ips is istio item items jaeger java job jobs
json key keycloak keys kafka kibana kind kube kubelet kubernetes label labels lambda last latest layer ldap leader learn legacy length level lib
library license lifecycle light limit limits linkerd linux list listen listener live load loader local locale localhost location lock log
logger logging login logs loki long low machine mail main maintenance manage managed management manager manifest map mariadb master
match max maximum me media member memcached memory message messages metadata metric metrics micro middleware migration min minimum minio
minute minutes mirror mode model module monitor monitoring mongo mongodb mount multi mutual my mysql name named names namespace namespaces
nat native nats network networks never new next nginx no node nodejs nodes none normal north not notification notifications null number
oauth object objects of off offline ok old on one online only opaque open operation operator opensearch option optional options or oracle
order orders org organization origin os other output overlay owner package page pages panel parameter parameters parent partition pass passwd
password passwords patch path payment payments pending percent performance persistent pgbouncer phase php ping pipeline plan platform plugin pod
pods policies policy pool port portal ports post postgres postgresql preview previous primary private process processor prod producer
product production products profile profiles progress project projects prom prometheus prop properties property protocol provider proxy public
pull push put python query queue quick quota rabbitmq random range rate raw rds read reader readonly ready real record records recovery red
redis ref reference refresh region regional registry reject release releases reload remote replica replicas replicaset replication repo report
reports repository request requests required reserved reset resource resources response rest restart restore result results retain retry
return review revision right role roles rollback rolling rollout root route router routes routing ruby rule rules run runner running runtime
s3 safe sample sandbox scale schedule scheduled scheduler schema scope script sdk search second secondary secret secrets section secure
security select selector self send sentinel server serverless servers service services session set settings setup sh shadow shard shared
shell shop short show sidecar sign signing simple single singapore site size slave slow small smtp sns snapshot socket some source south space
spark spec splunk spring sql sqlite sqs src ssh ssl ssm stable stack stage staging standard standby start started state stateful statefulset
static statistics status stg stop storage store stream string strong sts style sub subnet subnets subscription success sum super support
svc sync synced system systems table tag tags target task tasks team telemetry temp tempo template temporary tenant terraform test testing
tests text the third thread threads tier time timeout timestamp timezone title tls tmp to token tokens tool tools top topic topics total
tracing track traefik traffic transaction transfer transport trial true trust two type types ubuntu ui uid undefined unit unknown unused up
update updated updates upgrade upload upstream uri url urls us usage use user username users using utc utf utf8 uuid valid validate
validation validator value values var variable variables vault vendor verify version versions view viewer virginia virtual volume volumes vpc wait
warn warning warnings watch web webhook website webhooks west white wildcard window windows with worker workers workflow workflows
workload workloads workspace world write writer www xml yaml yes your zero zone zones zookeeper
`

export const WORDS: ReadonlySet<string> = new Set(TEXT.split(/\s+/).filter((word) => word !== ''))
