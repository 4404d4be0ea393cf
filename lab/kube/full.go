//go:build full

package main

import (
	"context"
	"fmt"

	"k8s.io/component-base/cli"
	kubeproxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	realkubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// The flavour of the full lab, where containers run: the real kubelet in place of the stand-in, and kube-proxy.
func init() {
	components["kube-proxy"] = func() int { return cli.Run(kubeproxy.NewProxyCommand()) }
	components["names"] = names
}

func kubelet() int { return cli.Run(realkubelet.NewKubeletCommand(context.Background())) }

// names lists what this program can be started as, for whoever makes links or images of it.
func names() int {
	for name := range components {
		fmt.Println(name)
	}
	return 0
}
