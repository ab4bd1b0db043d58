// Command requestinfo says how the API server reads request lines. It takes {"method","target"} as JSON lines on stdin
// and answers each with one JSON line: the RequestInfo that k8s.io/apiserver derives, whether the request is
// long-running, and for exec and attach the options that the registry decodes; or {"error"}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/server/filters"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
)

type question struct {
	Method string `json:"method"`
	Target string `json:"target"`
}

type answer struct {
	Error       string   `json:"error,omitempty"`
	IsResource  bool     `json:"isResource"`
	KubeVerb    string   `json:"kubeVerb"`
	APIPrefix   string   `json:"apiPrefix"`
	APIGroup    string   `json:"apiGroup"`
	APIVersion  string   `json:"apiVersion"`
	Namespace   string   `json:"namespace"`
	Resource    string   `json:"resource"`
	Subresource string   `json:"subresource"`
	Name        string   `json:"name"`
	Parts       []string `json:"parts"`
	Path        string   `json:"path"`
	LongRunning bool     `json:"longRunning"`
	Session     *session `json:"session,omitempty"`
}

type session struct {
	Command   []string `json:"command"`
	Container string   `json:"container"`
	Stdin     bool     `json:"stdin"`
	Stdout    bool     `json:"stdout"`
	Stderr    bool     `json:"stderr"`
	TTY       bool     `json:"tty"`
}

// The API server's own settings (pkg/server/config.go, pkg/controlplane/apiserver/config.go).
var (
	resolver = &request.RequestInfoFactory{
		APIPrefixes:          sets.NewString("api", "apis"),
		GrouplessAPIPrefixes: sets.NewString("api"),
	}
	longRunning = filters.BasicLongRunningRequestCheck(
		sets.NewString("watch", "proxy"),
		sets.NewString("attach", "exec", "proxy", "log", "portforward"),
	)
)

func main() {
	// The resolver logs each query that does not decode.
	klog.SetSlogLogger(slog.New(slog.DiscardHandler))
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, "requestinfo:", err)
			os.Exit(1)
		}
		if err := encoder.Encode(read(asked)); err != nil {
			os.Exit(1)
		}
	}
}

func read(asked question) answer {
	// As the server reads it from a connection, request line and all.
	head := asked.Method + " " + asked.Target + " HTTP/1.1\r\nHost: x\r\n\r\n"
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if err != nil {
		return answer{Error: err.Error()}
	}
	info, err := resolver.NewRequestInfo(req)
	if err != nil {
		return answer{Error: err.Error()}
	}
	result := answer{
		IsResource:  info.IsResourceRequest,
		KubeVerb:    info.Verb,
		APIPrefix:   info.APIPrefix,
		APIGroup:    info.APIGroup,
		APIVersion:  info.APIVersion,
		Namespace:   info.Namespace,
		Resource:    info.Resource,
		Subresource: info.Subresource,
		Name:        info.Name,
		Parts:       info.Parts,
		Path:        info.Path,
		LongRunning: longRunning(req, info),
	}
	result.Session, err = sessionOf(req, info)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return result
}

// sessionOf decodes the query as the connect handlers of pods/exec and pods/attach do.
func sessionOf(req *http.Request, info *request.RequestInfo) (*session, error) {
	query := req.URL.Query()
	switch {
	case !info.IsResourceRequest:
		return nil, nil
	case info.Subresource == "exec":
		var options corev1.PodExecOptions
		err := legacyscheme.ParameterCodec.DecodeParameters(query, corev1.SchemeGroupVersion, &options)
		return &session{options.Command, options.Container, options.Stdin, options.Stdout, options.Stderr, options.TTY}, err
	case info.Subresource == "attach":
		var options corev1.PodAttachOptions
		err := legacyscheme.ParameterCodec.DecodeParameters(query, corev1.SchemeGroupVersion, &options)
		return &session{nil, options.Container, options.Stdin, options.Stdout, options.Stderr, options.TTY}, err
	}
	return nil, nil
}
