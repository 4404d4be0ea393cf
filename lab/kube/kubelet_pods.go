//go:build !full

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// podKeeper does for the pods bound to this node what a kubelet does, but for running them: their volumes, their status, their end.
type podKeeper struct {
	client  kubernetes.Interface
	options kubeletOptions
	queue   workqueue.TypedRateLimitingInterface[string]
	store   cache.Store
	volumes *volumeKeeper

	lock sync.Mutex
	uids map[string]types.UID // namespace/name to the incarnation whose folder stands
}

func newPodKeeper(client kubernetes.Interface, o kubeletOptions) *podKeeper {
	k := &podKeeper{client: client, options: o, uids: map[string]types.UID{},
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](100*time.Millisecond, 5*time.Second))}
	k.volumes = newVolumeKeeper(client, filepath.Join(o.rootDir, "pods"), k.enqueueNamespace)
	return k
}

func (k *podKeeper) list() []core.Pod {
	pods := []core.Pod{}
	if k.store == nil {
		return pods
	}
	for _, item := range k.store.List() {
		pods = append(pods, *item.(*core.Pod))
	}
	return pods
}

func (k *podKeeper) run(ctx context.Context) {
	enqueue := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			k.queue.Add(key)
		}
	}
	source := cache.NewListWatchFromClient(k.client.CoreV1().RESTClient(), "pods", meta.NamespaceAll,
		fields.OneTermEqualSelector("spec.nodeName", k.options.hostname))
	store, controller := cache.NewInformerWithOptions(cache.InformerOptions{ListerWatcher: source, ObjectType: &core.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{AddFunc: enqueue, UpdateFunc: func(_, now any) { enqueue(now) }, DeleteFunc: enqueue}})
	k.store = store
	go controller.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), controller.HasSynced) {
		return
	}
	k.removeOrphans()
	go func() { <-ctx.Done(); k.queue.ShutDown() }()
	for k.next(ctx) {
	}
}

func (k *podKeeper) next(ctx context.Context) bool {
	key, stopped := k.queue.Get()
	if stopped {
		return false
	}
	defer k.queue.Done(key)
	again, err := k.sync(ctx, key)
	if err != nil {
		fmt.Fprintf(os.Stderr, "kubelet: pod %s: %v\n", key, err)
		k.queue.AddRateLimited(key)
		return true
	}
	k.queue.Forget(key)
	if again > 0 {
		k.queue.AddAfter(key, again)
	}
	return true
}

// sync brings one pod to where it should be, and says after which time to look again (0: only when something changes).
func (k *podKeeper) sync(ctx context.Context, key string) (time.Duration, error) {
	item, exists, err := k.store.GetByKey(key)
	if err != nil {
		return 0, err
	}
	if !exists {
		return 0, k.forget(key, "")
	}
	pod := item.(*core.Pod)
	if err := k.forget(key, pod.UID); err != nil {
		return 0, err
	}
	if pod.DeletionTimestamp != nil || pod.Status.Phase == core.PodFailed || pod.Status.Phase == core.PodSucceeded {
		return 0, k.end(ctx, key, pod)
	}
	k.lock.Lock()
	k.uids[key] = pod.UID
	k.lock.Unlock()
	again, err := k.volumes.write(ctx, pod)
	if err != nil {
		return 0, err
	}
	started, watched := processStart(k.options.rootDir, pod)
	if watched && (again == 0 || again > processEvery) {
		again = processEvery
	}
	if watched && started.IsZero() {
		return again, nil // not there yet, or between two starts
	}
	return again, k.postStatus(ctx, pod, started)
}

// end lets a pod go that is being deleted: no container runs, so its end is at once.
func (k *podKeeper) end(ctx context.Context, key string, pod *core.Pod) error {
	if err := k.forget(key, ""); err != nil {
		return err
	}
	if pod.DeletionTimestamp == nil {
		return nil
	}
	now := int64(0)
	err := k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name,
		meta.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &meta.Preconditions{UID: &pod.UID}})
	if errors.IsNotFound(err) || errors.IsConflict(err) {
		return nil
	}
	return err
}

// forget removes the folder of a pod's former incarnation: any but keep.
func (k *podKeeper) forget(key string, keep types.UID) error {
	k.lock.Lock()
	uid, known := k.uids[key]
	if known && uid != keep {
		delete(k.uids, key)
	}
	k.lock.Unlock()
	if !known || uid == keep {
		return nil
	}
	k.volumes.release(uid)
	return os.RemoveAll(filepath.Join(k.options.rootDir, "pods", string(uid)))
}

// removeOrphans takes away folders of pods that ended while no kubelet ran.
func (k *podKeeper) removeOrphans() {
	bound := map[string]bool{}
	for _, pod := range k.list() {
		bound[string(pod.UID)] = true
	}
	folders, _ := os.ReadDir(filepath.Join(k.options.rootDir, "pods"))
	for _, folder := range folders {
		if !bound[folder.Name()] {
			_ = os.RemoveAll(filepath.Join(k.options.rootDir, "pods", folder.Name()))
		}
	}
}

func (k *podKeeper) enqueueNamespace(namespace string) {
	for _, pod := range k.list() {
		if pod.Namespace == namespace {
			k.queue.Add(pod.Namespace + "/" + pod.Name)
		}
	}
}
