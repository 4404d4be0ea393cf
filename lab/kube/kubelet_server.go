//go:build !full

package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/kubernetes"
	certutil "k8s.io/client-go/util/cert"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
)

// serveKubelet serves the kubelet's port: who asks is judged anew for each request against the client CAs of that moment, as the real one
// does, so a kept connection gets 401 as soon as its certificate is no longer trusted. What is allowed is asked of the API server.
func serveKubelet(ctx context.Context, o kubeletOptions, config kubeletconfig.KubeletConfiguration, client kubernetes.Interface, pods *podKeeper) error {
	clientCA, err := dynamiccertificates.NewDynamicCAContentFromFile("client-ca-bundle", config.Authentication.X509.ClientCAFile)
	if err != nil {
		return err
	}
	go clientCA.Run(ctx, 1)
	backoff := wait.Backoff{Duration: 500 * time.Millisecond, Factor: 1.5, Jitter: 0.2, Steps: 5}
	allowed, err := authorizerfactory.DelegatingAuthorizerConfig{
		SubjectAccessReviewClient: client.AuthorizationV1(),
		AllowCacheTTL:             5 * time.Minute, DenyCacheTTL: 30 * time.Second,
		WebhookRetryBackoff: &backoff,
	}.New()
	if err != nil {
		return err
	}
	pair, err := selfSignedServingPair(o)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/pods", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, core.PodList{TypeMeta: meta.TypeMeta{APIVersion: "v1", Kind: "PodList"}, Items: pods.list()})
	})
	mux.HandleFunc("/containerLogs/", containerLogs)
	mux.HandleFunc("/whoami", whoami)
	handler := authenticated(x509.NewDynamic(clientCA.VerifyOptions, x509.CommonNameUserConversion), allowed, o.hostname, mux)

	address := net.JoinHostPort(config.Address, strconv.Itoa(int(config.Port)))
	server := &http.Server{Addr: address, Handler: handler, TLSConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*pair}, ClientAuth: tls.RequestClientCert,
	}}
	if config.HealthzPort != nil {
		go serveHealthz(net.JoinHostPort(config.HealthzBindAddress, strconv.Itoa(int(*config.HealthzPort))))
	}
	return server.ListenAndServeTLS("", "")
}

// serveHealthz is the kubelet's plain health port.
func serveHealthz(address string) {
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	fmt.Fprintln(os.Stderr, "kubelet: healthz:", http.ListenAndServe(address, ok))
}

// selfSignedServingPair is what kubelets of a default kubeadm cluster serve: made once per node, kept over restarts, under no CA of the cluster.
func selfSignedServingPair(o kubeletOptions) (*tls.Certificate, error) {
	cert, key := filepath.Join(o.certDir, "kubelet.crt"), filepath.Join(o.certDir, "kubelet.key")
	if pair, err := tls.LoadX509KeyPair(cert, key); err == nil {
		return &pair, nil
	}
	certPEM, keyPEM, err := certutil.GenerateSelfSignedCertKey(o.hostname, []net.IP{net.ParseIP(o.nodeIP)}, nil)
	if err != nil {
		return nil, err
	}
	if err := certutil.WriteCert(cert, certPEM); err != nil {
		return nil, err
	}
	if err := os.WriteFile(key, keyPEM, 0o600); err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	return &pair, err
}

type userKey struct{}

func authenticated(authn *x509.Authenticator, authz authorizer.Authorizer, node string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response, ok, err := authn.AuthenticateRequest(r)
		if err != nil || !ok {
			if err != nil {
				fmt.Fprintln(os.Stderr, "kubelet: unable to authenticate the request:", err)
			}
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		attributes := authorizer.AttributesRecord{
			User: response.User, Verb: verbOf(r.Method), APIVersion: "v1", Resource: "nodes", Subresource: "proxy", Name: node,
			ResourceRequest: true, Path: r.URL.Path,
		}
		decision, _, err := authz.Authorize(r.Context(), attributes)
		if err != nil {
			msg := fmt.Sprintf("Authorization error (user=%s, verb=%s, resource=nodes, subresource=proxy)", response.User.GetName(), attributes.Verb)
			fmt.Fprintln(os.Stderr, "kubelet:", msg, err)
			http.Error(w, msg, http.StatusInternalServerError)
			return
		}
		if decision != authorizer.DecisionAllow {
			http.Error(w, fmt.Sprintf("Forbidden (user=%s)", response.User.GetName()), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, response.User)))
	})
}

func verbOf(method string) string {
	switch method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	default:
		return "get"
	}
}

// containerLogs answers `kubectl logs`: one line, or with follow one a second until the caller goes.
func containerLogs(w http.ResponseWriter, r *http.Request) {
	follow, _ := strconv.ParseBool(r.URL.Query().Get("follow"))
	what := strings.TrimPrefix(r.URL.Path, "/containerLogs/")
	for {
		fmt.Fprintf(w, "%s %s\n", time.Now().UTC().Format(time.RFC3339Nano), what)
		if flusher, ok := w.(http.Flusher); ok {
			flusher.Flush()
		}
		if !follow {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// whoami says who the caller is to this kubelet, and by which certificate: not in a real one, for tests.
func whoami(w http.ResponseWriter, r *http.Request) {
	u, _ := r.Context().Value(userKey{}).(user.Info)
	leaf := r.TLS.PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	writeJSON(w, map[string]any{
		"user": u.GetName(), "groups": u.GetGroups(), "issuer": leaf.Issuer.String(), "sha256": hex.EncodeToString(sum[:]),
		"sent": len(r.TLS.PeerCertificates), "protocol": r.Proto,
	})
}
