// Command protobuf says how the API server writes and reads Kubernetes protobuf. `protobuf vectors` prints objects, lists
// and watch events in protobuf beside the JSON of the same, by the API server's own serializers; `protobuf schema` prints
// every message below the kinds that are masked, from the Go types' tags. `protobuf read` takes protobuf in base64, one a
// line, and answers each with the JSON of what the API server reads in it, or {"error"}.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	jsonserializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
)

var (
	toProtobuf = protobuf.NewSerializerWithOptions(scheme.Scheme, scheme.Scheme, protobuf.SerializerOptions{StreamingCollectionsEncoding: true})
	toJSON     = jsonserializer.NewSerializerWithOptions(jsonserializer.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, jsonserializer.SerializerOptions{})
)

func main() {
	if err := metav1.AddMetaToScheme(scheme.Scheme); err != nil {
		fail(err)
	}
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: protobuf vectors|schema|read"))
	}
	switch os.Args[1] {
	case "vectors":
		print(vectors())
	case "schema":
		print(messages())
	case "read":
		read()
	default:
		fail(fmt.Errorf("unknown command %q", os.Args[1]))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func print(value any) {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", "\t")
	if err := out.Encode(value); err != nil {
		fail(err)
	}
}

func read() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		data, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil {
			fail(err)
		}
		object, kind, err := toProtobuf.Decode(data, nil, nil)
		if err != nil {
			said, _ := json.Marshal(map[string]string{"error": err.Error()})
			fmt.Fprintf(out, "%s\n", said)
			continue
		}
		object.GetObjectKind().SetGroupVersionKind(*kind)
		out.Write(encoded(toJSON, object))
	}
}

type vector struct {
	Name     string `json:"name"`
	Shape    string `json:"shape"`
	Protobuf string `json:"protobuf"`
	JSON     string `json:"json"`
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

func meta(name, uid string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: name, Namespace: "default", UID: types.UID(uid), ResourceVersion: "7", Generation: 2,
		CreationTimestamp: metav1.NewTime(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)),
		Labels:            map[string]string{"app": "db", "tier": "back"},
		Annotations:       map[string]string{"note": "é", lastApplied: `{"kind":"Secret","stringData":{"a":"hunter2"},"data":{"b":"eHl6"}}`},
		Finalizers:        []string{"keep.example.com/it"},
		OwnerReferences:   []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "p", UID: "u0", Controller: ptr.To(true)}},
		ManagedFields: []metav1.ManagedFieldsEntry{{
			Manager: "kubectl", Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "v1", FieldsType: "FieldsV1",
			FieldsV1: metav1.NewFieldsV1(`{"f:data":{".":{},"f:password":{}}}`),
		}},
	}
}

func podSpec() corev1.PodSpec {
	probe := corev1.ProbeHandler{
		HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(80), HTTPHeaders: []corev1.HTTPHeader{{Name: "Authorization", Value: "Bearer probe-secret"}}},
	}
	env := []corev1.EnvVar{
		{Name: "PASSWORD", Value: "hunter2"},
		{Name: "EMPTY"},
		{Name: "FROM", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}, Key: "password"}}},
	}
	return corev1.PodSpec{
		Volumes: []corev1.Volume{
			{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "db"}}},
			{Name: "e", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
		InitContainers: []corev1.Container{{Name: "init", Image: "busybox", Command: []string{"sh", "-c", "echo init-secret"}}},
		Containers: []corev1.Container{
			{
				Name: "main", Image: "db:1", Command: []string{"db"}, Args: []string{"--password", "hunter2", ""}, Env: env,
				EnvFrom:       []corev1.EnvFromSource{{Prefix: "X_", SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}}}},
				Resources:     corev1.ResourceRequirements{Limits: corev1.ResourceList{"cpu": resource.MustParse("100m")}},
				Ports:         []corev1.ContainerPort{{ContainerPort: 5432, Protocol: "TCP"}},
				LivenessProbe: &corev1.Probe{ProbeHandler: probe, PeriodSeconds: 3},
				Lifecycle:     &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"kill", "token"}}}},
			},
			{Name: "side", Image: "side:1", Env: []corev1.EnvVar{{Name: "TOKEN", Value: "side-secret"}}},
		},
		EphemeralContainers: []corev1.EphemeralContainer{{
			EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: "busybox", Args: []string{"debug-secret"}, Env: env[:1]},
			TargetContainerName:      "main",
		}},
		NodeSelector: map[string]string{"disk": "ssd"}, ServiceAccountName: "default", NodeName: "node-1",
		ImagePullSecrets: []corev1.LocalObjectReference{{Name: "registry"}},
		Tolerations:      []corev1.Toleration{{Key: "a", Operator: "Exists", TolerationSeconds: ptr.To(int64(300))}},
		HostAliases:      []corev1.HostAlias{{IP: "10.0.0.1", Hostnames: []string{"db.local"}}},
	}
}

func template() corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "db"}}, Spec: podSpec()}
}

func selector() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}
}

func secret(name, uid string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: meta(name, uid), Type: corev1.SecretTypeOpaque, Immutable: ptr.To(true),
		Data:       map[string][]byte{"password": []byte("hunter2"), "binary": {0, 0xff, 0x80}, "empty": {}, "tls.key": bytes.Repeat([]byte("k"), 300)},
		StringData: map[string]string{"plain": "xyz"},
	}
}

func objects() map[string]runtime.Object {
	listMeta := metav1.ListMeta{ResourceVersion: "9", Continue: "more"}
	revision := runtime.RawExtension{Raw: []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"main","env":[{"name":"PASSWORD","value":"hunter2"}]}]}}}}`)}
	when := metav1.NewTime(time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC))
	jobSpec := batchv1.JobSpec{Parallelism: ptr.To(int32(1)), Template: template()}
	return map[string]runtime.Object{
		"Secret":           secret("db", "u1"),
		"Secret, bare":     &corev1.Secret{},
		"Secret, nil data": &corev1.Secret{Data: map[string][]byte{"nil": nil}},
		"SecretList":       &corev1.SecretList{ListMeta: listMeta, Items: []corev1.Secret{*secret("db", "u1"), *secret("web", "u2"), {}}},
		"SecretList, none": &corev1.SecretList{},
		"ConfigMap":        &corev1.ConfigMap{ObjectMeta: meta("c", "u3"), Data: map[string]string{"app.conf": "password=hunter2"}, BinaryData: map[string][]byte{"bin": {1, 2, 0xff}}},
		"ConfigMapList":    &corev1.ConfigMapList{ListMeta: listMeta, Items: []corev1.ConfigMap{{ObjectMeta: meta("c", "u3"), Data: map[string]string{"a": "b"}}}},
		"ServiceAccount":   &corev1.ServiceAccount{ObjectMeta: meta("sa", "u4"), Secrets: []corev1.ObjectReference{{Name: "sa-token"}}},
		"Pod": &corev1.Pod{ObjectMeta: meta("p", "u5"), Spec: podSpec(), Status: corev1.PodStatus{
			Phase: "Running", Message: "fine", PodIP: "10.1.0.1", StartTime: &when,
			Conditions:        []corev1.PodCondition{{Type: "Ready", Status: "True", LastTransitionTime: when}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "main", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: when}}}},
		}},
		"PodList":               &corev1.PodList{ListMeta: listMeta, Items: []corev1.Pod{{ObjectMeta: meta("p", "u5"), Spec: podSpec()}}},
		"PodTemplate":           &corev1.PodTemplate{ObjectMeta: meta("t", "u6"), Template: template()},
		"ReplicationController": &corev1.ReplicationController{ObjectMeta: meta("rc", "u7"), Spec: corev1.ReplicationControllerSpec{Selector: map[string]string{"app": "db"}, Template: ptr.To(template())}},
		"Event": &corev1.Event{ObjectMeta: meta("e", "u8"), InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "p"}, Reason: "Failed",
			Message: `Invalid value: "hunter2"`, Source: corev1.EventSource{Component: "kubelet"}, FirstTimestamp: when, Count: 3, Type: "Warning"},
		"events.k8s.io Event": &eventsv1.Event{ObjectMeta: meta("e", "u8"), EventTime: metav1.NewMicroTime(when.Time), ReportingController: "kubelet",
			Action: "Start", Reason: "Failed", Regarding: corev1.ObjectReference{Kind: "Pod", Name: "p"}, Note: "token=hunter2", Type: "Warning"},
		"Deployment":         &appsv1.Deployment{ObjectMeta: meta("d", "u9"), Spec: appsv1.DeploymentSpec{Replicas: ptr.To(int32(2)), Selector: selector(), Template: template()}},
		"StatefulSet":        &appsv1.StatefulSet{ObjectMeta: meta("ss", "u10"), Spec: appsv1.StatefulSetSpec{Selector: selector(), Template: template(), ServiceName: "db", VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data"}}}}},
		"DaemonSet":          &appsv1.DaemonSet{ObjectMeta: meta("ds", "u11"), Spec: appsv1.DaemonSetSpec{Selector: selector(), Template: template()}},
		"ReplicaSet":         &appsv1.ReplicaSet{ObjectMeta: meta("rs", "u12"), Spec: appsv1.ReplicaSetSpec{Selector: selector(), Template: template()}},
		"ControllerRevision": &appsv1.ControllerRevision{ObjectMeta: meta("cr", "u13"), Data: revision, Revision: 4},
		"Job":                &batchv1.Job{ObjectMeta: meta("j", "u14"), Spec: jobSpec},
		"CronJob":            &batchv1.CronJob{ObjectMeta: meta("cj", "u15"), Spec: batchv1.CronJobSpec{Schedule: "@daily", JobTemplate: batchv1.JobTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "db"}}, Spec: jobSpec}}},
		"TokenRequest": &authenticationv1.TokenRequest{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: "default"},
			Spec:   authenticationv1.TokenRequestSpec{Audiences: []string{"api"}, ExpirationSeconds: ptr.To(int64(3600)), BoundObjectRef: &authenticationv1.BoundObjectReference{Kind: "Pod", Name: "p", UID: "u5"}},
			Status: authenticationv1.TokenRequestStatus{Token: "eyJhbGciOi.eyJzdWIi.c2ln", ExpirationTimestamp: when}},
		"TokenReview": &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: "eyJhbGciOi.eyJzdWIi.c2ln", Audiences: []string{"api"}},
			Status: authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{Username: "u", Groups: []string{"g"}, Extra: map[string]authenticationv1.ExtraValue{"k": {"v", "w"}}}}},
		"CertificateSigningRequest": &certificatesv1.CertificateSigningRequest{ObjectMeta: metav1.ObjectMeta{Name: "csr", UID: "u16"},
			Spec: certificatesv1.CertificateSigningRequestSpec{Request: []byte("-----BEGIN CERTIFICATE REQUEST-----\n"), SignerName: "example.com/s", Usages: []certificatesv1.KeyUsage{"client auth"}}},
		"PartialObjectMetadata":     withKind(&metav1.PartialObjectMetadata{ObjectMeta: meta("db", "u1")}, "PartialObjectMetadata"),
		"PartialObjectMetadataList": withKind(&metav1.PartialObjectMetadataList{ListMeta: listMeta, Items: []metav1.PartialObjectMetadata{{ObjectMeta: meta("db", "u1")}}}, "PartialObjectMetadataList"),
		"Status":                    status(),
		"DeleteOptions":             withKindOf(&metav1.DeleteOptions{GracePeriodSeconds: ptr.To(int64(1)), Preconditions: metav1.NewUIDPreconditions("u1"), DryRun: []string{"All"}}, schema.GroupVersion{Version: "v1"}, "DeleteOptions"),
		"Service":                   &corev1.Service{ObjectMeta: meta("svc", "u17"), Spec: corev1.ServiceSpec{ClusterIP: "10.2.0.1", Ports: []corev1.ServicePort{{Port: 80}}}},
	}
}

func status() *metav1.Status {
	return &metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Message: `secrets "db" not found`, Reason: "NotFound", Code: 404,
		Details: &metav1.StatusDetails{Name: "db", Kind: "secrets", Causes: []metav1.StatusCause{{Type: "FieldValueInvalid", Message: `Invalid value: "hunter2"`, Field: "data"}}}}
}

func withKind[T runtime.Object](object T, kind string) T {
	return withKindOf(object, schema.GroupVersion{Group: "meta.k8s.io", Version: "v1"}, kind)
}

func withKindOf[T runtime.Object](object T, version schema.GroupVersion, kind string) T {
	object.GetObjectKind().SetGroupVersionKind(version.WithKind(kind))
	return object
}

func typed(object runtime.Object) runtime.Object {
	if object.GetObjectKind().GroupVersionKind().Kind == "" {
		kinds, _, err := scheme.Scheme.ObjectKinds(object)
		if err != nil {
			fail(err)
		}
		object.GetObjectKind().SetGroupVersionKind(kinds[0])
	}
	return object
}

func encoded(to runtime.Encoder, object runtime.Object) []byte {
	var out bytes.Buffer
	if err := to.Encode(object, &out); err != nil {
		fail(err)
	}
	return out.Bytes()
}

func vectors() []vector {
	var all []vector
	made := objects()
	names := make([]string, 0, len(made))
	for name := range made {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		object := typed(made[name])
		shape := "object"
		if strings.HasSuffix(strings.SplitN(name, ",", 2)[0], "List") {
			shape = "list"
		}
		all = append(all, vector{name, shape, base64.StdEncoding.EncodeToString(encoded(toProtobuf, object)), string(encoded(toJSON, object))})
	}
	bookmark := typed(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "12", Annotations: map[string]string{"k8s.io/initial-events-end": "true"}}})
	return append(all, watch("a watch of Secrets",
		event{"ADDED", typed(secret("db", "u1"))}, event{"MODIFIED", typed(secret("db", "u1"))}, event{"DELETED", typed(secret("db", "u1"))},
		event{"BOOKMARK", bookmark}, event{"ERROR", status()}),
		watch("a watch of metadata", event{"ADDED", withKind(&metav1.PartialObjectMetadata{ObjectMeta: meta("db", "u1")}, "PartialObjectMetadata")}))
}

type event struct {
	kind   string
	object runtime.Object
}

// As the watch handler does: the object in its envelope, within a bare WatchEvent, within a frame.
func watch(name string, events ...event) vector {
	var inProtobuf, inJSON bytes.Buffer
	frames := protobuf.LengthDelimitedFramer.NewFrameWriter(&inProtobuf)
	raw := protobuf.NewRawSerializer(scheme.Scheme, scheme.Scheme)
	for _, event := range events {
		within := &metav1.WatchEvent{Type: event.kind, Object: runtime.RawExtension{Raw: encoded(toProtobuf, event.object)}}
		if _, err := frames.Write(encoded(raw, within)); err != nil {
			fail(err)
		}
		within.Object.Raw = encoded(toJSON, event.object)
		text, err := json.Marshal(within)
		if err != nil {
			fail(err)
		}
		inJSON.Write(append(text, '\n'))
	}
	return vector{name, "watch", base64.StdEncoding.EncodeToString(inProtobuf.Bytes()), inJSON.String()}
}

type schemaOut struct {
	Kinds map[string]string `json:"kinds"`
	// The fields of a message by number: the name in JSON ("" where its fields are those of the message around it), and
	// what it holds: text, bytes, number, or the name of a message; "map " and "list " before it.
	Messages map[string]map[string]string `json:"messages"`
	// Registered kinds, but for options, whose metadata is not field 1, or whose items are not field 2.
	Unlike []string `json:"unlike"`
}

func messages() schemaOut {
	out := schemaOut{Kinds: map[string]string{}, Messages: map[string]map[string]string{}, Unlike: []string{}}
	var open []reflect.Type
	for _, object := range objects() {
		object = typed(object)
		kind := object.GetObjectKind().GroupVersionKind()
		of := reflect.TypeOf(object).Elem()
		out.Kinds[kind.GroupVersion().String()+" "+kind.Kind] = nameOf(of)
		open = append(open, of)
	}
	open = append(open, reflect.TypeOf(metav1.WatchEvent{}), reflect.TypeOf(runtime.Unknown{}))
	for len(open) > 0 {
		of := open[0]
		open = open[1:]
		if _, known := out.Messages[nameOf(of)]; known {
			continue
		}
		fields := map[string]string{}
		out.Messages[nameOf(of)] = fields
		if isSpecial(of) {
			continue
		}
		for at := range of.NumField() {
			number, tagged, isTagged := tags(of.Field(at))
			if !isTagged {
				continue
			}
			name, below := typeOf(of.Field(at).Type)
			fields[number] = tagged + " " + name
			if below != nil {
				open = append(open, below)
			}
		}
	}
	for kind, of := range scheme.Scheme.AllKnownTypes() {
		if !strings.HasSuffix(kind.Kind, "Options") && kind.Kind != "WatchEvent" && isUnlike(of) {
			out.Unlike = append(out.Unlike, kind.GroupVersion().String()+" "+kind.Kind)
		}
	}
	sort.Strings(out.Unlike)
	return out
}

func isUnlike(of reflect.Type) bool {
	isList := strings.HasSuffix(of.Name(), "List")
	isLike := false
	for at := range of.NumField() {
		number, _, isTagged := tags(of.Field(at))
		if !isTagged {
			continue
		}
		switch of.Field(at).Name {
		case "ObjectMeta":
			isLike = isLike || (!isList && number == "1")
		case "Items":
			isLike = isLike || (isList && number == "2")
		}
	}
	return !isLike
}

// "core/v1.Secret": two groups have a v1.Event.
func nameOf(of reflect.Type) string {
	parts := strings.Split(of.PkgPath(), "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/") + "." + of.Name()
}

func tags(of reflect.StructField) (number, name string, isTagged bool) {
	tag, isTagged := of.Tag.Lookup("protobuf")
	if !isTagged || tag == "-" {
		return "", "", false
	}
	name, options, _ := strings.Cut(of.Tag.Get("json"), ",")
	if strings.Contains(options, "inline") {
		name = ""
	}
	number = strings.Split(tag, ",")[1]
	if _, err := strconv.Atoi(number); err != nil {
		fail(err)
	}
	return number, name, true
}

// Messages that JSON writes as something else than an object.
func isSpecial(of reflect.Type) bool {
	switch of.Name() {
	case "Time", "MicroTime", "Quantity", "IntOrString", "RawExtension", "FieldsV1", "Duration":
		return true
	}
	return of.Kind() != reflect.Struct
}

func typeOf(of reflect.Type) (string, reflect.Type) {
	switch of.Kind() {
	case reflect.Pointer:
		return typeOf(of.Elem())
	case reflect.String:
		return "text", nil
	case reflect.Slice:
		if of.Elem().Kind() == reflect.Uint8 {
			return "bytes", nil
		}
		// A list with a name of its own is a message that holds one (ExtraValue).
		if of.Name() != "" && of.Elem().Kind() == reflect.String && strings.HasSuffix(of.Name(), "ExtraValue") {
			return nameOf(of), of
		}
		name, below := typeOf(of.Elem())
		return "list " + name, below
	case reflect.Map:
		name, below := typeOf(of.Elem())
		return "map " + name, below
	case reflect.Struct:
		return nameOf(of), of
	default:
		return "number", nil
	}
}
