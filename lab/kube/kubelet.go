//go:build !full

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"
)

// kubeletOptions are the flags of the real kubelet that the stand-in understands.
type kubeletOptions struct {
	kubeconfig, config, rootDir, certDir, nodeIP, hostname string
}

// kubelet stands in for a kubelet where no container can run. On the wire and on disk it is one: it registers its Node and keeps its
// Lease with the client certificate in kubelet-client-current.pem (read at its start only), serves HTTPS and judges every request against
// clientCAFile (taken up again when it changes), and keeps the projected volumes of the pods bound to its node. It starts no containers,
// rotates no certificate by itself, and knows no bearer tokens on its port.
func kubelet() int {
	var o kubeletOptions
	flags := pflag.NewFlagSet("kubelet", pflag.ExitOnError)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig with the API server's address and CA")
	flags.StringVar(&o.config, "config", "", "KubeletConfiguration file")
	flags.StringVar(&o.rootDir, "root-dir", "/var/lib/kubelet", "folder for pods")
	flags.StringVar(&o.certDir, "cert-dir", "", "folder for certificates (default: pki below --root-dir)")
	flags.StringVar(&o.nodeIP, "node-ip", "", "the node's address")
	flags.StringVar(&o.hostname, "hostname-override", "", "the node's name (default: the host's)")
	_ = flags.Parse(os.Args[1:])
	if o.certDir == "" {
		o.certDir = filepath.Join(o.rootDir, "pki")
	}
	if o.hostname == "" {
		o.hostname, _ = os.Hostname()
	}
	if err := runKubelet(genericapiserver.SetupSignalContext(), o); err != nil {
		fmt.Fprintln(os.Stderr, "kubelet:", err)
		return 1
	}
	return 0
}

func runKubelet(ctx context.Context, o kubeletOptions) error {
	raw, err := os.ReadFile(o.config)
	if err != nil {
		return err
	}
	var config kubeletconfig.KubeletConfiguration
	if err := yaml.UnmarshalStrict(raw, &config); err != nil {
		return fmt.Errorf("%s: %w", o.config, err)
	}
	restConfig, err := staticClientConfig(o.kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(restConfig)
	if err != nil {
		return err
	}
	pods := newPodKeeper(client, o)
	failed := make(chan error, 1)
	go func() { failed <- serveKubelet(ctx, o, config, client, pods) }()
	go keepNode(ctx, client, o, config)
	go pods.run(ctx)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// staticClientConfig freezes the kubeconfig's files into bytes: like the real kubelet with rotateCertificates, which builds its transport
// once from a fixed pool (pkg/kubelet/certificate/transport.go), nothing here is read again before a restart.
func staticClientConfig(path string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, err
	}
	for _, source := range []struct {
		file *string
		data *[]byte
	}{
		{&config.CAFile, &config.CAData},
		{&config.CertFile, &config.CertData},
		{&config.KeyFile, &config.KeyData},
	} {
		if *source.file == "" {
			continue
		}
		if *source.data, err = os.ReadFile(*source.file); err != nil {
			return nil, err
		}
		*source.file = ""
	}
	config.UserAgent = "kubelet/stand-in"
	config.QPS, config.Burst = 50, 100
	return config, nil
}
