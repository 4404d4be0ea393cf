//go:build !full

package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
)

const (
	leaseEvery  = 10 * time.Second // a quarter of the lease, as the real kubelet does
	leaseLasts  = int32(40)
	statusEvery = 60 * time.Second
	retryEvery  = time.Second
)

// keepNode registers the Node, then keeps its status and its Lease until the context ends. Failures are said and tried again.
func keepNode(ctx context.Context, client kubernetes.Interface, o kubeletOptions, config kubeletconfig.KubeletConfiguration) {
	statusAt := time.Time{}
	for {
		wait := leaseEvery
		if time.Since(statusAt) > statusEvery {
			if err := postNodeStatus(ctx, client, o, config); err != nil {
				fmt.Fprintln(os.Stderr, "kubelet: node status:", err)
				wait = retryEvery
			} else {
				statusAt = time.Now()
			}
		}
		if err := renewNodeLease(ctx, client, o.hostname); err != nil {
			fmt.Fprintln(os.Stderr, "kubelet: node lease:", err)
			wait = retryEvery
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func postNodeStatus(ctx context.Context, client kubernetes.Interface, o kubeletOptions, config kubeletconfig.KubeletConfiguration) error {
	nodes := client.CoreV1().Nodes()
	node, err := nodes.Get(ctx, o.hostname, meta.GetOptions{})
	if errors.IsNotFound(err) {
		node, err = nodes.Create(ctx, &core.Node{ObjectMeta: meta.ObjectMeta{Name: o.hostname, Labels: map[string]string{
			core.LabelHostname:   o.hostname,
			core.LabelOSStable:   runtime.GOOS,
			core.LabelArchStable: runtime.GOARCH,
		}}}, meta.CreateOptions{})
	}
	if err != nil {
		return err
	}
	fillNodeStatus(&node.Status, o, config)
	_, err = nodes.UpdateStatus(ctx, node, meta.UpdateOptions{})
	return err
}

func fillNodeStatus(status *core.NodeStatus, o kubeletOptions, config kubeletconfig.KubeletConfiguration) {
	now := meta.Now()
	since := now
	for _, c := range status.Conditions {
		if c.Type == core.NodeReady && c.Status == core.ConditionTrue {
			since = c.LastTransitionTime
		}
	}
	status.Conditions = []core.NodeCondition{{
		Type: core.NodeReady, Status: core.ConditionTrue, Reason: "KubeletReady", Message: "the stand-in kubelet is running",
		LastHeartbeatTime: now, LastTransitionTime: since,
	}}
	status.Addresses = []core.NodeAddress{{Type: core.NodeInternalIP, Address: o.nodeIP}, {Type: core.NodeHostName, Address: o.hostname}}
	status.DaemonEndpoints.KubeletEndpoint.Port = config.Port
	status.Capacity = core.ResourceList{
		core.ResourceCPU: resource.MustParse("4"), core.ResourceMemory: resource.MustParse("8Gi"), core.ResourcePods: resource.MustParse("110"),
	}
	status.Allocatable = status.Capacity.DeepCopy()
	status.NodeInfo.KubeletVersion = version.Get().GitVersion
	status.NodeInfo.OperatingSystem, status.NodeInfo.Architecture = runtime.GOOS, runtime.GOARCH
	status.NodeInfo.ContainerRuntimeVersion = "stand-in://0"
	status.NodeInfo.OSImage = "lab"
}

func renewNodeLease(ctx context.Context, client kubernetes.Interface, name string) error {
	leases := client.CoordinationV1().Leases(core.NamespaceNodeLease)
	now, lasts := meta.NewMicroTime(time.Now()), leaseLasts
	lease, err := leases.Get(ctx, name, meta.GetOptions{})
	if errors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordination.Lease{
			ObjectMeta: meta.ObjectMeta{Name: name, Namespace: core.NamespaceNodeLease},
			Spec:       coordination.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &lasts, RenewTime: &now},
		}, meta.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = &name, &lasts, &now
	_, err = leases.Update(ctx, lease, meta.UpdateOptions{})
	return err
}
