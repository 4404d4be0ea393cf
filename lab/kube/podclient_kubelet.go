package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// kubeletClient reaches every kubelet through every API server: a pod's log, the node's proxy, exec, port-forward, and a log that is
// followed. Each API server is asked itself, without the Service: the certificate it presents to a kubelet belongs to their connection.
type kubeletClient struct {
	options podClientOptions
	report  *reporter
	streams *reporter

	lock sync.Mutex
	// agents has the pod on each node that is asked for, by the node's name.
	agents map[string]string
	// running has what was started, by pair.
	running map[string]bool
}

// agentLabel selects the pods of a DaemonSet, one on each node, that run this program in mode serve.
const (
	agentLabel     = "app=agent"
	agentContainer = "agent"
	agentPort      = "8080"
)

// kindOfStreams is the kind under which followed logs are reported: one that is cut is no failed request.
const kindOfStreams = "kubelet-stream"

func newKubeletClient(o podClientOptions, report *reporter) *kubeletClient {
	return &kubeletClient{
		options: o, report: report, streams: newReporter(kindOfStreams, os.Stdout),
		agents: map[string]string{}, running: map[string]bool{},
	}
}

// run looks every two seconds which API servers and agents there are, and starts what it has not started yet.
func (c *kubeletClient) run(ctx context.Context) {
	c.streams.say(map[string]any{"event": "start", "mode": "kubelet"})
	go c.streams.everySecond(ctx)
	go func() {
		for ctx.Err() == nil {
			if err := c.look(ctx); err != nil {
				fmt.Fprintln(os.Stderr, "pod-client: look:", err)
			}
			time.Sleep(2 * time.Second)
		}
	}()
}

func (c *kubeletClient) look(ctx context.Context) error {
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	servers, err := apiServersByNode(ctx, client)
	if err != nil {
		return err
	}
	pods, err := client.CoreV1().Pods(c.options.namespace).List(ctx, meta.ListOptions{LabelSelector: agentLabel})
	if err != nil {
		return err
	}
	agents := map[string]string{}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil && isReady(pod) {
			agents[pod.Spec.NodeName] = pod.Name
		}
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	c.agents = agents
	for from, server := range servers {
		for to := range agents {
			if pair := from + ">" + to; !c.running[pair] {
				c.running[pair] = true
				// The number of pairs is known only by and by; what is started first is paced for all that are there now.
				c.startPair(ctx, kubeletPair{client: c, name: pair, server: server, node: to}, len(servers)*len(agents))
			}
		}
	}
	return nil
}

// startPair shares the rate among the pairs: half of it logs, half the proxy, and a tenth of it again each for exec and port-forward,
// which cost the node a process and a connection of their own.
func (c *kubeletClient) startPair(ctx context.Context, pair kubeletPair, pairs int) {
	each := c.options.rate / float64(pairs)
	pair.http = kubeletHTTP()
	for what, share := range map[string]float64{"logs": 0.5, "proxy": 0.5, "exec": 0.1, "port-forward": 0.1} {
		act := pair.acts()[what]
		target := pair.name + " " + what
		pace(ctx, each*share, 1, func() {
			if agent := c.agentOn(pair.node); agent != "" {
				_ = c.report.attempt(target, func(ctx context.Context) error { return c.unlessGone(act(ctx, agent), pair.node, agent) })
			}
		})
	}
	go pair.follow(ctx)
}

func (c *kubeletClient) agentOn(node string) string {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.agents[node]
}

// unlessGone makes a failure none when the pod that was asked for has been replaced: that is looked up anew.
func (c *kubeletClient) unlessGone(err error, node, agent string) error {
	if err == nil {
		return nil
	}
	if lookErr := c.look(context.Background()); lookErr == nil && c.agentOn(node) != agent {
		return errGone
	}
	return err
}

func isReady(pod core.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == core.PodReady {
			return condition.Status == core.ConditionTrue
		}
	}
	return false
}

// apiServersByNode gives the URL of each API server, by the name of its node: the addresses of the Service "kubernetes" that are a node's.
func apiServersByNode(ctx context.Context, client kubernetes.Interface) (map[string]string, error) {
	slices, err := client.DiscoveryV1().EndpointSlices("default").List(ctx, meta.ListOptions{LabelSelector: "kubernetes.io/service-name=kubernetes"})
	if err != nil {
		return nil, err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, meta.ListOptions{})
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, node := range nodes.Items {
		for _, address := range node.Status.Addresses {
			if address.Type == core.NodeInternalIP {
				names[address.Address] = node.Name
			}
		}
	}
	servers := map[string]string{}
	for _, slice := range slices.Items {
		for _, endpoint := range slice.Endpoints {
			for _, address := range endpoint.Addresses {
				if name, known := names[address]; known && len(slice.Ports) > 0 && slice.Ports[0].Port != nil {
					servers[name] = "https://" + net.JoinHostPort(address, fmt.Sprint(*slice.Ports[0].Port))
				}
			}
		}
	}
	return servers, nil
}
