//go:build tools

// Package tools pins h2spec, the conformance tester for HTTP/2, for `go build` of its command.
package tools

import _ "github.com/summerwind/h2spec/cmd/h2spec"
