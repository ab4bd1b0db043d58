package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand"
	"net/http"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/client-go/util/exec"
)

// outputLength is what each exec writes to stdout, in octets, and inputLength what it reads and writes to stderr.
const (
	outputLength = 64 << 10
	inputLength  = 48 << 10
)

// execAll runs count commands in the pod "shell", all at once, and checks each one's bytes and exit status.
func execAll(ctx context.Context, config *rest.Config, count int, spdy bool) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	errs := make([]error, count)
	var running sync.WaitGroup
	for n := range count {
		running.Go(func() {
			if err := execOne(ctx, config, client, n, spdy); err != nil {
				errs[n] = fmt.Errorf("exec %d: %w", n, err)
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// execOne is exec number n: numbers from (n+1) million on its stdout, its input back on stderr, and a status of its own.
func execOne(ctx context.Context, config *rest.Config, client kubernetes.Interface, n int, spdy bool) error {
	from := (n + 1) * 1_000_000
	status := n%100 + 1
	command := fmt.Sprintf("seq %d %d | head -c %d; cat >&2; exit %d", from, from+outputLength, outputLength, status)
	var numbers strings.Builder
	for number := from; numbers.Len() < outputLength; number++ {
		fmt.Fprintln(&numbers, number)
	}
	expected := []byte(numbers.String()[:outputLength])
	input := make([]byte, inputLength)
	rand.New(rand.NewSource(int64(n))).Read(input)

	request := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name("shell").
		SubResource("exec").VersionedParams(&corev1.PodExecOptions{
		Container: "main", Command: []string{"sh", "-c", command}, Stdin: true, Stdout: true, Stderr: true,
	}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, request.URL().String())
	if spdy {
		executor, err = remotecommand.NewSPDYExecutor(config, http.MethodPost, request.URL())
	}
	if err != nil {
		return err
	}
	var stdout, stderr bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{
		Stdin: bytes.NewReader(input), Stdout: &stdout, Stderr: &stderr,
	})
	var exit utilexec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("no exit status: %w", err)
	}
	if exit.ExitStatus() != status {
		return fmt.Errorf("exit status %d, expected %d", exit.ExitStatus(), status)
	}
	if !bytes.Equal(stdout.Bytes(), expected) {
		return fmt.Errorf("another stdout came: %d octets of %d", stdout.Len(), len(expected))
	}
	if !bytes.Equal(stderr.Bytes(), input) {
		return fmt.Errorf("another input came back: %d octets of %d", stderr.Len(), len(input))
	}
	trace("exec", map[string]any{
		"command": "sh -c " + command, "stdin": digest(input), "stdout": digest(stdout.Bytes()), "stderr": digest(stderr.Bytes()),
	})
	return nil
}

func digest(octets []byte) string {
	sum := sha256.Sum256(octets)
	return hex.EncodeToString(sum[:])
}
