// Command reverseproxy is the usual Go answer to the same job, as a peer for the benchmark: net/http/httputil's
// ReverseProxy behind TLS, HTTP/1.1 or HTTP/2 towards the client as it likes, recording nothing. Upgrades need
// HTTP/1.1 towards the cluster, and HTTP/1.1 is the faster for the rest, so it is that for everything.
//
// usage: reverseproxy KEY CERT CA UPSTREAM_PORT
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	key, cert, ca, port := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	pem, err := os.ReadFile(ca)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "https", Host: "localhost:" + port})
	proxy.FlushInterval = -1
	proxy.Transport = &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: pool, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(64)},
		MaxIdleConnsPerHost: 256,
		DisableCompression:  true,
		DialContext:         (&net.Dialer{}).DialContext,
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	server := &http.Server{Handler: proxy}
	log.Fatal(server.ServeTLS(listener, cert, key))
}
