//go:build !full

package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// processAnnotation names the process of the lab that a pod stands for. Its start is then reported as the container's start.
const (
	processAnnotation = "lab.reroot.dev/process"
	processEvery      = 500 * time.Millisecond
)

// postStatus reports a pod as running and ready: since started, or since now when no process stands behind it.
func (k *podKeeper) postStatus(ctx context.Context, pod *core.Pod, started time.Time) error {
	next := pod.DeepCopy()
	s := &next.Status
	if s.StartTime == nil {
		now := meta.Now()
		s.StartTime = &now
	}
	if started.IsZero() {
		started = s.StartTime.Time
	}
	s.Phase = core.PodRunning
	s.HostIP, s.HostIPs = k.options.nodeIP, []core.HostIP{{IP: k.options.nodeIP}}
	s.PodIP, s.PodIPs = k.options.nodeIP, []core.PodIP{{IP: k.options.nodeIP}}
	for _, kind := range []core.PodConditionType{core.PodReadyToStartContainers, core.PodInitialized, core.PodReady, core.ContainersReady} {
		setPodCondition(s, kind)
	}
	setContainerStatuses(next, started)
	if equality.Semantic.DeepEqual(pod.Status, *s) {
		return nil
	}
	_, err := k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, next, meta.UpdateOptions{})
	if errors.IsNotFound(err) {
		return nil
	}
	return err
}

func setPodCondition(s *core.PodStatus, kind core.PodConditionType) {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			if s.Conditions[i].Status != core.ConditionTrue {
				s.Conditions[i].Status, s.Conditions[i].LastTransitionTime = core.ConditionTrue, meta.Now()
			}
			return
		}
	}
	s.Conditions = append(s.Conditions, core.PodCondition{Type: kind, Status: core.ConditionTrue, LastTransitionTime: meta.Now()})
}

func setContainerStatuses(pod *core.Pod, started time.Time) {
	before := map[string]core.ContainerStatus{}
	for _, c := range pod.Status.ContainerStatuses {
		before[c.Name] = c
	}
	yes := true
	at := meta.NewTime(started.Truncate(time.Second))
	statuses := []core.ContainerStatus{}
	for _, c := range pod.Spec.Containers {
		restarts := before[c.Name].RestartCount
		if running := before[c.Name].State.Running; running != nil && !running.StartedAt.Equal(&at) {
			restarts++
		}
		statuses = append(statuses, core.ContainerStatus{Name: c.Name, Ready: true, Started: &yes, Image: c.Image, ImageID: c.Image, RestartCount: restarts,
			ContainerID: "stand-in://" + string(pod.UID) + "/" + strconv.Itoa(int(restarts)),
			State:       core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: at}}})
	}
	pod.Status.ContainerStatuses = statuses
}

// processStart is when the process that the pod stands for was started; zero while it is not there. watched: it has to be looked at again.
func processStart(rootDir string, pod *core.Pod) (started time.Time, watched bool) {
	name := pod.Annotations[processAnnotation]
	if name == "" {
		return time.Time{}, false
	}
	// The lab's layout: NODE/var/lib/kubelet beside NODE/run.
	raw, err := os.ReadFile(filepath.Join(rootDir, "../../../run", name+".pid"))
	if err != nil {
		return time.Time{}, true
	}
	return startOf(strings.TrimSpace(string(raw))), true
}

// startOf reads proc(5): field 22 of stat is the start in hundredths of a second after boot.
func startOf(pid string) time.Time {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return time.Time{}
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	ticks, _ := strconv.ParseInt(fields[19], 10, 64)
	system, _ := os.ReadFile("/proc/stat")
	for _, line := range strings.Split(string(system), "\n") {
		if boot, found := strings.CutPrefix(line, "btime "); found {
			seconds, _ := strconv.ParseInt(boot, 10, 64)
			return time.Unix(seconds, 0).Add(time.Duration(ticks) * 10 * time.Millisecond)
		}
	}
	return time.Time{}
}
