// Command spdypeer is moby/spdystream, the SPDY library of Kubernetes, as a peer for tests: it speaks SPDY/3.1 on
// standard input and output, and tells what it saw as JSON lines on standard error.
//
//	spdypeer server         accepts streams, replies, and sends each stream's data and headers back to it
//	spdypeer client [SEED]  opens the streams of kubectl exec and checks that what it sends comes back
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/moby/spdystream"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: spdypeer server | client [SEED]"))
	}
	switch os.Args[1] {
	case "server":
		serve()
	case "client":
		seed := int64(1)
		if len(os.Args) > 2 {
			var err error
			if seed, err = strconv.ParseInt(os.Args[2], 10, 64); err != nil {
				fail(err)
			}
		}
		call(rand.New(rand.NewSource(seed)))
	default:
		fail(fmt.Errorf("unknown mode"))
	}
}

// serve echoes until the client goes away.
func serve() {
	conn, err := spdystream.NewConnection(stdio{}, true)
	if err != nil {
		fail(err)
	}
	var streams sync.WaitGroup
	conn.Serve(func(stream *spdystream.Stream) {
		trace("open", stream, map[string]any{"headers": stream.Headers()})
		if err := stream.SendReply(http.Header{}, false); err != nil {
			fail(err)
		}
		streams.Add(1)
		go func() {
			defer streams.Done()
			echo(stream)
		}()
		go func() {
			for {
				headers, err := stream.ReceiveHeader()
				if err != nil {
					return
				}
				trace("headers", stream, map[string]any{"headers": headers})
				if err := stream.SendHeader(headers, false); err != nil {
					return
				}
			}
		}()
	})
	streams.Wait()
	trace("done", nil, nil)
}

// echo sends a stream's data back to it, ends it when the peer does, and traces their digest.
func echo(stream *spdystream.Stream) {
	digest := sha256.New()
	length := 0
	for {
		data, err := stream.ReadData()
		if err != nil {
			break
		}
		digest.Write(data)
		length += len(data)
		if err := stream.WriteData(data, false); err != nil {
			break
		}
	}
	trace("read", stream, map[string]any{"length": length, "sha256": hex.EncodeToString(digest.Sum(nil))})
	_ = stream.Close()
}

// call does what kubectl exec does with an echoing server: streams one after the other, data, pings, half-close, reset.
func call(random *rand.Rand) {
	conn, err := spdystream.NewConnection(stdio{}, false)
	if err != nil {
		fail(err)
	}
	go conn.Serve(spdystream.NoOpStreamHandler)

	streams := map[string]*spdystream.Stream{}
	for _, label := range []string{"error", "stdin", "stdout", "resize"} {
		stream, err := conn.CreateStream(http.Header{"Streamtype": []string{label}}, nil, false)
		if err != nil {
			fail(err)
		}
		if err := stream.WaitTimeout(10 * time.Second); err != nil {
			fail(fmt.Errorf("no reply for %s: %w", label, err))
		}
		trace("replied", stream, map[string]any{"label": label})
		streams[label] = stream
	}

	// Header blocks in the middle of the session: both contexts must still be in step afterwards.
	for turn := 0; turn < 3; turn++ {
		headers := http.Header{"X-Turn": []string{strconv.Itoa(turn), "second value"}, "Streamtype": []string{"resize"}}
		if err := streams["stdout"].SendHeader(headers, false); err != nil {
			fail(err)
		}
		back, err := streams["stdout"].ReceiveHeader()
		if err != nil {
			fail(err)
		}
		trace("headers", streams["stdout"], map[string]any{"headers": back})
	}

	var group sync.WaitGroup
	for _, label := range []string{"stdin", "resize"} {
		stream := streams[label]
		frames := make([][]byte, 20)
		sent := sha256.New()
		total := 0
		for n := range frames {
			frames[n] = make([]byte, random.Intn(40_000))
			random.Read(frames[n])
			sent.Write(frames[n])
			total += len(frames[n])
		}
		trace("sent", stream, map[string]any{"length": total, "sha256": hex.EncodeToString(sent.Sum(nil))})
		group.Add(2)
		go func() {
			defer group.Done()
			for _, frame := range frames {
				if err := stream.WriteData(frame, false); err != nil {
					fail(err)
				}
			}
			if err := stream.Close(); err != nil {
				fail(err)
			}
		}()
		go func() {
			defer group.Done()
			received := sha256.New()
			length, err := io.Copy(received, stream)
			if err != nil {
				fail(err)
			}
			trace("read", stream, map[string]any{"length": length, "sha256": hex.EncodeToString(received.Sum(nil))})
		}()
	}
	for n := 0; n < 3; n++ {
		if _, err := conn.Ping(); err != nil {
			fail(err)
		}
		trace("pong", nil, nil)
	}
	group.Wait()
	for _, label := range []string{"error", "stdout"} {
		if err := streams[label].Reset(); err != nil {
			fail(err)
		}
	}
	if err := conn.CloseWait(); err != nil {
		fail(err)
	}
	trace("done", nil, nil)
}

var traceLock sync.Mutex

func trace(event string, stream *spdystream.Stream, facts map[string]any) {
	line := map[string]any{"event": event}
	if stream != nil {
		line["stream"] = stream.Identifier()
	}
	for name, value := range facts {
		line[name] = value
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	traceLock.Lock()
	defer traceLock.Unlock()
	_, _ = os.Stderr.Write(append(text, '\n'))
}

func fail(err error) {
	trace("failed", nil, map[string]any{"error": err.Error()})
	os.Exit(1)
}

// stdio is the connection: spdystream asks for a net.Conn, and uses it to read, write and close.
type stdio struct{}

func (stdio) Read(bytes []byte) (int, error)     { return os.Stdin.Read(bytes) }
func (stdio) Write(bytes []byte) (int, error)    { return os.Stdout.Write(bytes) }
func (stdio) Close() error                       { return os.Stdout.Close() }
func (stdio) LocalAddr() net.Addr                { return &net.UnixAddr{Name: "stdio", Net: "unix"} }
func (stdio) RemoteAddr() net.Addr               { return &net.UnixAddr{Name: "stdio", Net: "unix"} }
func (stdio) SetDeadline(_ time.Time) error      { return nil }
func (stdio) SetReadDeadline(_ time.Time) error  { return nil }
func (stdio) SetWriteDeadline(_ time.Time) error { return nil }
