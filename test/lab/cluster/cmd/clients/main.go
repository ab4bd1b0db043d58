// Command clients is client-go at work, for testing what stands in front of an API server: informers, a metadata client,
// writers and many execs at once. It tells what it saw and each API call it made as JSON lines on standard output.
//
//	clients -kubeconfig FILE informer                    pods and configmaps, watch-list, protobuf; until stdin ends
//	clients -kubeconfig FILE metadata                    the same objects' metadata only; a list, then until stdin ends
//	clients -kubeconfig FILE [-count N] [-prefix P] writes    creates, gets, updates and deletes N configmaps
//	clients -kubeconfig FILE [-count N] [-spdy] execs    N at once, each with its own output, input and exit status
//	clients -kubeconfig FILE [-prefix P] secrets         reads all Secrets in every way, and updates the one called P
//
// It exits with 0 if no client returned an error. Errors that client-go keeps to itself are "error" lines.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	namespace = "default"
	// timeLimit is for all that a process does: if something hangs, the test is told.
	timeLimit = 2 * time.Minute
)

func main() {
	if err := run(); err != nil {
		fail(err)
		os.Exit(1)
	}
	trace("done", nil)
}

func run() error {
	kubeconfig := flag.String("kubeconfig", "", "the kubeconfig of the server and the user")
	count := flag.Int("count", 50, "how many configmaps or execs")
	prefix := flag.String("prefix", "write", "what the names of the configmaps begin with")
	spdy := flag.Bool("spdy", false, "execs over SPDY/3.1 instead of WebSockets")
	flag.Parse()

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1 // no throttling: the server is what is tested
	ctx, cancel := context.WithTimeoutCause(context.Background(), timeLimit, errors.New("it took too long"))
	defer cancel()
	switch mode := flag.Arg(0); mode {
	case "informer":
		return watchObjects(untilInputEnds(ctx), traced(config))
	case "metadata":
		return watchMetadata(untilInputEnds(ctx), traced(config))
	case "writes":
		return write(ctx, traced(config), *prefix, *count)
	case "secrets":
		return readSecrets(ctx, config, *prefix)
	case "execs":
		return execAll(ctx, rest.CopyConfig(config), *count, *spdy)
	default:
		return fmt.Errorf("no such mode: %q", mode)
	}
}

// untilInputEnds is how a test ends what would watch for ever.
func untilInputEnds(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	return ctx
}

var traceLock sync.Mutex

func trace(event string, facts map[string]any) {
	line := map[string]any{"event": event}
	for name, value := range facts {
		line[name] = value
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	traceLock.Lock()
	defer traceLock.Unlock()
	_, _ = os.Stdout.Write(append(text, '\n'))
}

func fail(err error) {
	trace("error", map[string]any{"error": err.Error()})
}
