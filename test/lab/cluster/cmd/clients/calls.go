package main

import (
	"net/http"
	"net/http/httptrace"

	"k8s.io/client-go/rest"
)

// traced makes a "call" line of each API call's answer: below client-go's own retries, so that what it repairs shows.
// The connection is named by its local address. Config's clients share one transport, as a program's clients do.
func traced(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return calls{next} })
	return config
}

type calls struct{ next http.RoundTripper }

func (c calls) RoundTrip(request *http.Request) (*http.Response, error) {
	connection := ""
	// If the transport itself sends a request again, on another connection, the last one is named.
	watch := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		connection = got.Conn.LocalAddr().String()
	}}
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), watch))
	facts := map[string]any{"method": request.Method, "path": request.URL.Path, "query": request.URL.RawQuery}
	response, err := c.next.RoundTrip(request)
	facts["connection"] = connection
	if err != nil {
		facts["error"] = err.Error()
	} else {
		facts["status"] = response.StatusCode
		facts["protocol"] = response.Proto
		facts["type"] = response.Header.Get("Content-Type")
	}
	trace("call", facts)
	return response, err
}

func (c calls) WrappedRoundTripper() http.RoundTripper { return c.next }
