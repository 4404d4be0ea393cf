package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

// podClientOptions say what one pod of the load does. Rates are turns a second; every mode bounds what it has under way.
type podClientOptions struct {
	mode, kind, path, kubeconfig, caFile, url, listen, namespace string
	rate                                                         float64
}

const serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// requestTimeout bounds each request, as in the load's clients on the host.
const requestTimeout = 30 * time.Second

// maxRate keeps one pod from becoming a load of its own.
const maxRate = 50

// podClient is the program of the load's pods. Each mode is one kind of client; it writes JSON lines to standard output, which the
// container runtime keeps on the node: see reporter.
func podClient() int {
	var o podClientOptions
	flags := pflag.NewFlagSet("pod-client", pflag.ExitOnError)
	flags.StringVar(&o.mode, "mode", "", "kept, frozen, reread, kubeconfig, kubelet, service or serve")
	flags.StringVar(&o.kind, "kind", "", "name in the report (default: the mode)")
	flags.Float64Var(&o.rate, "rate", 10, "turns a second, at most 50")
	flags.StringVar(&o.path, "path", "", "what the API is asked for")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "of mode kubeconfig: read once")
	flags.StringVar(&o.caFile, "ca-file", serviceAccountDir+"/ca.crt", "of modes frozen and reread")
	flags.StringVar(&o.url, "url", "", "of mode service")
	flags.StringVar(&o.listen, "listen", ":8080", "of mode serve")
	flags.StringVar(&o.namespace, "namespace", "load", "of mode kubelet: where its agents are")
	_ = flags.Parse(os.Args[1:])
	if o.kind == "" {
		o.kind = o.mode
	}
	if o.rate <= 0 || o.rate > maxRate {
		fmt.Fprintf(os.Stderr, "pod-client: --rate %v: more than 0, at most %d\n", o.rate, maxRate)
		return 2
	}
	if err := runPodClient(o); err != nil {
		fmt.Fprintln(os.Stderr, "pod-client:", err)
		return 1
	}
	return 0
}

func runPodClient(o podClientOptions) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if o.mode == "serve" {
		return servePages(ctx, o.listen)
	}
	report := newReporter(o.kind, os.Stdout)
	start, err := podClientStart(o, report)
	if err != nil {
		return err
	}
	report.say(map[string]any{"event": "start", "mode": o.mode})
	start(ctx)
	go report.everySecond(ctx)
	// What a request under way comes to when its pod is told to end says nothing about the cluster, so nothing is waited for.
	<-ctx.Done()
	return nil
}

// podClientStart gives what starts the turns of a mode. An error here is one that no turn could mend.
func podClientStart(o podClientOptions, report *reporter) (func(context.Context), error) {
	switch o.mode {
	case "kept", "kubeconfig":
		return keptClient(o, report)
	case "frozen", "reread":
		return freshClient(o, report)
	case "kubelet":
		return func(ctx context.Context) { newKubeletClient(o, report).run(ctx) }, nil
	case "service":
		return serviceClient(o, report), nil
	}
	return nil, fmt.Errorf("no mode %q", o.mode)
}
