package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"
	admission "k8s.io/api/admission/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

// webhook is a validating admission webhook and a CRD conversion webhook, small enough to read:
// it allows everything, converts by renaming the version, and counts what it was asked.
// Its serving pair is taken up again whenever one of the two files changes and the two fit together.
func webhook() int {
	flags := pflag.NewFlagSet("webhook", pflag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:9443", "host:port to serve HTTPS on")
	cert := flags.String("tls-cert-file", "", "PEM file: the serving certificate and its intermediates")
	key := flags.String("tls-private-key-file", "", "PEM file: its private key")
	_ = flags.Parse(os.Args[1:])

	pair := &reloadedPair{certFile: *cert, keyFile: *key}
	if _, err := pair.get(nil); err != nil {
		fmt.Fprintln(os.Stderr, "webhook:", err)
		return 1
	}
	var counts webhookCounts
	mux := http.NewServeMux()
	mux.HandleFunc("/validate", counts.validate)
	mux.HandleFunc("/convert", counts.convert)
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/counts", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]int64{"validated": counts.validated.Load(), "converted": counts.converted.Load()})
	})
	server := &http.Server{Addr: *listen, Handler: mux, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get}}
	ctx := genericapiserver.SetupSignalContext()
	go func() {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = server.Shutdown(stop)
	}()
	if err := server.ListenAndServeTLS("", ""); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, "webhook:", err)
		return 1
	}
	return 0
}

type webhookCounts struct{ validated, converted atomic.Int64 }

func (c *webhookCounts) validate(w http.ResponseWriter, r *http.Request) {
	var review admission.AdmissionReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Request == nil {
		http.Error(w, "an AdmissionReview with a request is needed", http.StatusBadRequest)
		return
	}
	c.validated.Add(1)
	review.Response = &admission.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	review.Request = nil
	writeJSON(w, review)
}

func (c *webhookCounts) convert(w http.ResponseWriter, r *http.Request) {
	var review apiextensions.ConversionReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Request == nil {
		http.Error(w, "a ConversionReview with a request is needed", http.StatusBadRequest)
		return
	}
	c.converted.Add(1)
	response := &apiextensions.ConversionResponse{UID: review.Request.UID, Result: meta.Status{Status: meta.StatusSuccess}}
	for _, raw := range review.Request.Objects {
		var object unstructured.Unstructured
		if err := object.UnmarshalJSON(raw.Raw); err != nil {
			response.Result = meta.Status{Status: meta.StatusFailure, Message: err.Error()}
			break
		}
		object.SetAPIVersion(review.Request.DesiredAPIVersion)
		response.ConvertedObjects = append(response.ConvertedObjects, runtime.RawExtension{Object: &object})
	}
	review.Request, review.Response = nil, response
	writeJSON(w, review)
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// reloadedPair is a certificate and key that follow their files. A pair that does not fit is left alone: the last good one is served.
type reloadedPair struct {
	certFile, keyFile string

	lock  sync.Mutex
	stamp string
	pair  *tls.Certificate
}

func (p *reloadedPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	stamp := stampOf(p.certFile) + stampOf(p.keyFile)
	if p.pair != nil && stamp == p.stamp {
		return p.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return p.pair, ifNil(p.pair, err)
	}
	p.pair, p.stamp = &pair, stamp
	return p.pair, nil
}

func ifNil(pair *tls.Certificate, err error) error {
	if pair == nil {
		return err
	}
	return nil
}

// stampOf changes whenever a file's content may have changed: a rename brings another inode time, a write another change time.
func stampOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "away;"
	}
	return fmt.Sprintf("%d,%d,%+v;", info.ModTime().UnixNano(), info.Size(), info.Sys())
}
