package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
)

// kubeletPair is one API server and one node.
type kubeletPair struct {
	client       *kubeletClient
	name         string
	server, node string
	http         *http.Client
}

// kubeletHTTP keeps its connections to the API server and reads its CA file at each new one.
func kubeletHTTP() *http.Client {
	trust := func() (*x509.CertPool, error) { return poolOf(serviceAccountDir + "/ca.crt") }
	return &http.Client{Transport: dialingTransport(trust, true)}
}

// acts are what is asked of the kubelet, by name; the argument is the agent's pod.
func (p kubeletPair) acts() map[string]func(context.Context, string) error {
	return map[string]func(context.Context, string) error{
		"logs": func(ctx context.Context, agent string) error {
			return p.get(ctx, p.pod(agent)+"/log?container="+agentContainer+"&tailLines=1")
		},
		"proxy": func(ctx context.Context, _ string) error {
			return p.get(ctx, p.server+"/api/v1/nodes/"+p.node+"/proxy/healthz")
		},
		"exec":         p.exec,
		"port-forward": p.forward,
	}
}

func (p kubeletPair) pod(agent string) string {
	return p.server + "/api/v1/namespaces/" + p.client.options.namespace + "/pods/" + agent
}

func (p kubeletPair) get(ctx context.Context, url string) error {
	response, err := sendWithToken(ctx, p.http, url)
	if err == nil {
		_, err = answered(response)
	}
	return err
}

// config is read anew each time, so that exec and port-forward trust what the CA file says now.
func (p kubeletPair) config() (*rest.Config, error) {
	config, err := rest.InClusterConfig()
	if err == nil {
		config.Host = p.server
	}
	return config, err
}

func (p kubeletPair) exec(ctx context.Context, agent string) error {
	config, err := p.config()
	if err != nil {
		return err
	}
	command := url.Values{"container": {agentContainer}, "stdout": {"true"}, "command": {"echo", execAnswer}}
	executor, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, p.pod(agent)+"/exec?"+command.Encode())
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out}); err != nil {
		return err
	}
	if got := strings.TrimSpace(out.String()); got != execAnswer {
		return fmt.Errorf("the command printed %.60q", got)
	}
	return nil
}

// forward opens a forwarding, fetches a page through it and closes it again.
func (p kubeletPair) forward(ctx context.Context, agent string) error {
	config, err := p.config()
	if err != nil {
		return err
	}
	target, err := url.Parse(p.pod(agent) + "/portforward")
	if err != nil {
		return err
	}
	dialer, err := portforward.NewSPDYOverWebsocketDialer(target, config)
	if err != nil {
		return err
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:" + agentPort}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- forwarder.ForwardPorts() }()
	defer close(stop)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-ready:
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return err
	}
	once := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return fetchPage(ctx, once, fmt.Sprintf("http://127.0.0.1:%d/", ports[0].Local))
}

// follow keeps a log open. Each line that comes is a success; a stream that is cut while the pod lives on is a failure, and so is one that
// brings nothing for as long as a request may take.
func (p kubeletPair) follow(ctx context.Context) {
	c, own, target := p.client, kubeletHTTP(), p.name+" follow"
	for ctx.Err() == nil {
		if agent := c.agentOn(p.node); agent != "" {
			// A failure has lasted since the last line that came.
			since := time.Now()
			err := p.followOnce(ctx, own, agent, func() { since = time.Now(); c.streams.enter(target, since, nil) })
			if ctx.Err() != nil {
				return
			}
			c.streams.enter(target, since, c.unlessGone(err, p.node, agent))
		}
		time.Sleep(time.Second)
	}
}

// followOnce reads to the end of the stream, which it never gives without an error.
func (p kubeletPair) followOnce(ctx context.Context, own *http.Client, agent string, line func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(requestTimeout, func() { cancel(context.DeadlineExceeded) })
	defer silent.Stop()
	began := time.Now()
	response, err := sendWithToken(ctx, own, p.pod(agent)+"/log?follow=true&tailLines=1&container="+agentContainer)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		_, err = answered(response)
		return err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		silent.Reset(requestTimeout)
		line()
	}
	err = lines.Err()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err == nil {
		err = io.EOF
	}
	return &cutStream{after: time.Since(began), cause: err}
}

type cutStream struct {
	after time.Duration
	cause error
}

func (c *cutStream) Error() string {
	return fmt.Sprintf("stream cut after %d s: %v", int(c.after.Seconds()), c.cause)
}
func (c *cutStream) Unwrap() error { return c.cause }
