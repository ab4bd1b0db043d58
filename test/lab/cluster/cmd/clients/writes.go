package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const writers = 8

// write takes count configmaps, named PREFIX-0 and on, through create, get, update and delete. Several are under way at
// once, so that over HTTP/2 they share a connection.
func write(ctx context.Context, config *rest.Config, prefix string, count int) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	numbers := make(chan int)
	go func() {
		defer close(numbers)
		for n := range count {
			numbers <- n
		}
	}()
	var once sync.Once
	var first error
	var running sync.WaitGroup
	for range writers {
		running.Go(func() {
			for n := range numbers {
				if err := writeOne(ctx, client, fmt.Sprintf("%s-%d", prefix, n)); err != nil {
					fail(err)
					once.Do(func() { first = err })
				}
			}
		})
	}
	running.Wait()
	return first
}

func writeOne(ctx context.Context, client kubernetes.Interface, name string) error {
	configmaps := client.CoreV1().ConfigMaps(namespace)
	// Larger than a frame, so that its DATA is in pieces.
	value := strings.Repeat(name+" ", 40_000/len(name))
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"value": value}}
	if _, err := configmaps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	object, err := configmaps.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get %s: %w", name, err)
	}
	if object.Data["value"] != value {
		return fmt.Errorf("get %s: another value came back", name)
	}
	object.Data["more"] = "yes"
	if _, err := configmaps.Update(ctx, object, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("update %s: %w", name, err)
	}
	if err := configmaps.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}
