package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/retry"
)

// How long a watch is listened to.
const watchTime = time.Second

// readSecrets reads all Secrets in every way that client-go has, and then does what a controller does: an Update loop.
// Every octet of every answer is told as a "body" line.
func readSecrets(ctx context.Context, config *rest.Config, prefix string) error {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return bodies{next} })
	secrets := corev1.SchemeGroupVersion.WithResource("secrets")

	generic, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	if _, err := generic.Resource(secrets).List(ctx, metav1.ListOptions{}); err != nil {
		return fmt.Errorf("dynamic list: %w", err)
	}
	names, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	if _, err := names.Resource(secrets).List(ctx, metav1.ListOptions{}); err != nil {
		return fmt.Errorf("metadata list: %w", err)
	}

	binary := rest.CopyConfig(config)
	binary.ContentType = runtime.ContentTypeProtobuf
	binary.AcceptContentTypes = runtime.ContentTypeProtobuf
	client, err := kubernetes.NewForConfig(binary)
	if err != nil {
		return err
	}
	list, err := client.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("typed list: %w", err)
	}
	for _, secret := range list.Items {
		if !strings.HasPrefix(secret.Name, prefix) {
			continue
		}
		if _, err := client.CoreV1().Secrets(namespace).Get(ctx, secret.Name, metav1.GetOptions{}); err != nil {
			return fmt.Errorf("typed get: %w", err)
		}
	}
	if err := watchFor(ctx, client); err != nil {
		return err
	}
	return controller(ctx, client, prefix)
}

// watchFor lets an informer have its first list and what follows it.
func watchFor(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	factory := informers.NewSharedInformerFactory(client, 0)
	informer := factory.Core().V1().Secrets().Informer()
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return fmt.Errorf("the informer of Secrets did not sync")
	}
	trace("listed", map[string]any{"resource": "secrets", "count": len(informer.GetStore().List())})
	<-ctx.Done()
	factory.Shutdown()
	return nil
}

// controller labels a Secret as controllers do: read, change, Update, again on a conflict; and then by a patch. It tells how
// each ended.
func controller(ctx context.Context, client kubernetes.Interface, prefix string) error {
	name := prefix
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		secret, err := client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		secret.Labels = map[string]string{"updated": "yes"}
		_, err = client.CoreV1().Secrets(namespace).Update(ctx, secret, metav1.UpdateOptions{})
		return err
	})
	tell("update", err)
	_, err = client.CoreV1().Secrets(namespace).Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: prefix + "-made"},
		StringData: map[string]string{"made": "by-a-typed-client-7d1f"},
	}, metav1.CreateOptions{})
	tell("create", err)
	patch := []byte(`{"metadata":{"labels":{"patched":"yes"}}}`)
	_, err = client.CoreV1().Secrets(namespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	tell("patch", err)
	return nil
}

func tell(what string, err error) {
	message := ""
	if err != nil {
		message = err.Error()
	}
	trace("ended", map[string]any{"name": what, "message": message})
}

// bodies makes a "body" line of each answer's body, whole, in base64.
type bodies struct{ next http.RoundTripper }

func (b bodies) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(request)
	if err == nil {
		response.Body = &body{ReadCloser: response.Body, path: request.URL.Path, kind: response.Header.Get("Content-Type")}
	}
	return response, err
}

func (b bodies) WrappedRoundTripper() http.RoundTripper { return b.next }

type body struct {
	io.ReadCloser
	path, kind string
	octets     []byte
}

func (b *body) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	b.octets = append(b.octets, into[:n]...)
	return n, err
}

func (b *body) Close() error {
	trace("body", map[string]any{
		"path": b.path, "type": b.kind, "body": base64.StdEncoding.EncodeToString(b.octets),
	})
	return b.ReadCloser.Close()
}
