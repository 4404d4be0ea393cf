package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// pageAnswer is what a server pod answers; execAnswer what a command that is run in one is to print.
const (
	pageAnswer = "here is"
	execAnswer = "reroot lab"
)

// drainTime is how long a server pod that was told to end goes on serving: until every kube-proxy has heard of it.
const drainTime = 5 * time.Second

// servePages is the server behind the load's Service, and the agent on each node that API servers reach through its kubelet. It writes
// a line at its start and every two seconds after, for those who follow its log.
func servePages(ctx context.Context, listen string) error {
	name, _ := os.Hostname()
	mux := http.NewServeMux()
	mux.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) {
		if ctx.Err() != nil {
			http.Error(w, "about to end", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, pageAnswer, name) })
	server := &http.Server{Addr: listen, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		for {
			fmt.Println(pageAnswer, name, time.Now().UnixMilli())
			<-tick.C
		}
	}()
	go func() {
		<-ctx.Done()
		time.Sleep(drainTime)
		stop, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(stop)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serviceClient asks the server through its Service: a look-up of its name and a new connection each time.
func serviceClient(o podClientOptions, report *reporter) func(context.Context) {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialer.DialContext}}
	return func(ctx context.Context) {
		pace(ctx, o.rate, mostUnderWay, func() {
			_ = report.attempt("", func(ctx context.Context) error { return fetchPage(ctx, client, o.url) })
		})
	}
}

func fetchPage(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	body, err := answered(response)
	if err == nil && !strings.HasPrefix(body, pageAnswer) {
		return fmt.Errorf("another server answered: %.60q", body)
	}
	return err
}
