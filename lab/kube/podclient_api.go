package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// mostUnderWay is how many requests a kind with a connection for each has under way at most: more would only make a busy machine worse.
const mostUnderWay = 40

// keptClient asks over one kept connection, with client-go as it is: in-cluster configuration (its CA file is read again every five
// minutes since client-go 0.36, feature ClientsAllowCARotation, and never before), or a kubeconfig that is read once, as kube-vip reads admin.conf.
func keptClient(o podClientOptions, report *reporter) (func(context.Context), error) {
	config, err := rest.InClusterConfig()
	if o.mode == "kubeconfig" {
		config, err = clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	}
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 2*maxRate, 4*maxRate
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	ask := client.CoreV1().RESTClient()
	return func(ctx context.Context) {
		pace(ctx, o.rate, 1, func() {
			_ = report.attempt("", func(ctx context.Context) error {
				return ask.Get().AbsPath(o.path).MaxRetries(0).Do(ctx).Error()
			})
		})
	}, nil
}

// freshClient makes a new connection for each request and sends the token as its file is then. It trusts the CA as it was at its start
// (frozen, as client-go before 0.36) or as its file is at the moment of the connection (reread).
func freshClient(o podClientOptions, report *reporter) (func(context.Context), error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" {
		return nil, errors.New("KUBERNETES_SERVICE_HOST is not set: this mode runs in a pod")
	}
	trust := func() (*x509.CertPool, error) { return poolOf(o.caFile) }
	if o.mode == "frozen" {
		pool, err := trust()
		if err != nil {
			return nil, err
		}
		trust = func() (*x509.CertPool, error) { return pool, nil }
	}
	client := &http.Client{Transport: dialingTransport(trust, false)}
	url := "https://" + net.JoinHostPort(host, port) + o.path
	return func(ctx context.Context) {
		pace(ctx, o.rate, mostUnderWay, func() {
			_ = report.attempt("", func(ctx context.Context) error {
				response, err := sendWithToken(ctx, client, url)
				if err == nil {
					_, err = answered(response)
				}
				return err
			})
		})
	}, nil
}

// dialingTransport asks for its trust at each new connection. No session is resumed, for that would hide a change of trust.
func dialingTransport(trust func() (*x509.CertPool, error), keep bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return &http.Transport{
		DisableKeepAlives:   !keep,
		MaxIdleConnsPerHost: 8,
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			pool, err := trust()
			if err != nil {
				return nil, err
			}
			raw, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			host, _, _ := net.SplitHostPort(address)
			conn := tls.Client(raw, &tls.Config{RootCAs: pool, ServerName: host, MinVersion: tls.VersionTLS12})
			if err := conn.HandshakeContext(ctx); err != nil {
				_ = raw.Close()
				return nil, err
			}
			return conn, nil
		},
	}
}

func sendWithToken(ctx context.Context, client *http.Client, url string) (*http.Response, error) {
	token, err := os.ReadFile(serviceAccountDir + "/token")
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	return client.Do(request)
}

func poolOf(file string) (*x509.CertPool, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%s: no certificate in it", file)
	}
	return pool, nil
}

// pace starts act so many times a second, in the background, whatever became of the turn before; one that finds `most` under way is left out.
func pace(ctx context.Context, perSecond float64, most int, act func()) {
	room := make(chan struct{}, most)
	tick := time.NewTicker(time.Duration(float64(time.Second) / perSecond))
	go func() {
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			select {
			case room <- struct{}{}:
				go func() { defer func() { <-room }(); act() }()
			default:
			}
		}
	}()
}
