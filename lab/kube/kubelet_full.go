//go:build full

package main

import (
	"context"

	"k8s.io/component-base/cli"
	kubeproxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	realkubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// The flavour of the full lab, where containers run: the real kubelet in place of the stand-in, and kube-proxy.
func init() {
	components["kube-proxy"] = func() int { return cli.Run(kubeproxy.NewProxyCommand()) }
}

func kubelet() int { return cli.Run(realkubelet.NewKubeletCommand(context.Background())) }
