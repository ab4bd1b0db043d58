package main

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/features"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

var watched = []schema.GroupVersionResource{
	corev1.SchemeGroupVersion.WithResource("pods"),
	corev1.SchemeGroupVersion.WithResource("configmaps"),
}

// watchObjects traces what happens to whole objects until ctx ends.
func watchObjects(ctx context.Context, config *rest.Config) error {
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	return watch(ctx, func(resource schema.GroupVersionResource) (cache.SharedIndexInformer, error) {
		informer, err := factory.ForResource(resource)
		if err != nil {
			return nil, err
		}
		return informer.Informer(), nil
	}, factory.Start)
}

// watchMetadata lists metadata once, as a garbage collector does at its start, then traces what happens to it.
func watchMetadata(ctx context.Context, config *rest.Config) error {
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	for _, resource := range watched {
		list, err := client.Resource(resource).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		trace("listed", map[string]any{"resource": resource.Resource, "count": len(list.Items)})
	}
	factory := metadatainformer.NewSharedInformerFactory(client, 0)
	return watch(ctx, func(resource schema.GroupVersionResource) (cache.SharedIndexInformer, error) {
		return factory.ForResource(resource).Informer(), nil
	}, factory.Start)
}

type informerOf func(schema.GroupVersionResource) (cache.SharedIndexInformer, error)

// watch starts an informer for each resource and traces "synced" when all have their first list, and from its start each
// "add", "update" and "delete".
func watch(ctx context.Context, of informerOf, start func(<-chan struct{})) error {
	if !features.FeatureGates().Enabled(features.WatchListClient) {
		return errors.New("this client-go does not ask for watch-list by itself")
	}
	var synced []cache.InformerSynced
	for _, resource := range watched {
		informer, err := of(resource)
		if err != nil {
			return err
		}
		err = informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
			fail(fmt.Errorf("watch of %s: %w", resource.Resource, err))
		})
		if err != nil {
			return err
		}
		registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { traceObject("add", resource.Resource, object) },
			UpdateFunc: func(_, object any) { traceObject("update", resource.Resource, object) },
			DeleteFunc: func(object any) { traceObject("delete", resource.Resource, object) },
		})
		if err != nil {
			return err
		}
		synced = append(synced, registration.HasSynced)
	}
	start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return errors.New("not synced")
	}
	trace("synced", nil)
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

func traceObject(event, resource string, object any) {
	if missed, ok := object.(cache.DeletedFinalStateUnknown); ok {
		fail(fmt.Errorf("the deletion of %s %s was seen only by a new list", resource, missed.Key))
		return
	}
	of, err := meta.Accessor(object)
	if err != nil {
		fail(err)
		return
	}
	trace(event, map[string]any{"resource": resource, "name": of.GetName()})
}
