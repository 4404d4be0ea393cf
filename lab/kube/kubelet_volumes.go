//go:build !full

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	volumeutil "k8s.io/kubernetes/pkg/volume/util"
)

// volumeKeeper keeps the projected volumes of pods: ConfigMap keys by a watch, service account tokens by TokenRequest, the namespace.
// A changed ConfigMap is written at once; a real kubelet takes up to its sync period and cache delay, a minute or two.
type volumeKeeper struct {
	client  kubernetes.Interface
	folder  string
	changed func(namespace string)

	lock    sync.Mutex
	tokens  map[string]heldToken
	watches map[string]*configMapWatch
}

type heldToken struct {
	token          string
	issued, expiry time.Time
}

// refreshAt is when a kubelet asks for the next token: at four fifths of its life.
func (t heldToken) refreshAt() time.Time { return t.issued.Add(t.expiry.Sub(t.issued) * 4 / 5) }

type configMapWatch struct {
	store cache.Store
	stop  context.CancelFunc
	users map[types.UID]bool
}

func newVolumeKeeper(client kubernetes.Interface, folder string, changed func(string)) *volumeKeeper {
	return &volumeKeeper{client: client, folder: folder, changed: changed, tokens: map[string]heldToken{}, watches: map[string]*configMapWatch{}}
}

// write brings all projected volumes of a pod up to date and says when a token is due (0: never).
func (v *volumeKeeper) write(ctx context.Context, pod *core.Pod) (time.Duration, error) {
	again := time.Duration(0)
	for _, volume := range pod.Spec.Volumes {
		if volume.Projected == nil {
			continue
		}
		payload := map[string]volumeutil.FileProjection{}
		for _, source := range volume.Projected.Sources {
			due, err := v.project(ctx, pod, source, payload)
			if err != nil {
				return 0, err
			}
			if due > 0 && (again == 0 || due < again) {
				again = due
			}
		}
		target := filepath.Join(v.folder, string(pod.UID), "volumes", "kubernetes.io~projected", volume.Name)
		if err := os.MkdirAll(target, 0o700); err != nil {
			return 0, err
		}
		writer, err := volumeutil.NewAtomicWriter(target, "pod "+pod.Namespace+"/"+pod.Name)
		if err != nil {
			return 0, err
		}
		if err := writer.Write(payload, nil); err != nil {
			return 0, err
		}
	}
	return again, nil
}

func (v *volumeKeeper) project(ctx context.Context, pod *core.Pod, source core.VolumeProjection, into map[string]volumeutil.FileProjection) (time.Duration, error) {
	put := func(path string, data []byte) { into[path] = volumeutil.FileProjection{Data: data, Mode: 0o600} }
	switch {
	case source.ConfigMap != nil:
		return 0, v.configMap(ctx, pod, source.ConfigMap, put)
	case source.ServiceAccountToken != nil:
		token, err := v.token(ctx, pod, source.ServiceAccountToken)
		if err != nil {
			return 0, err
		}
		put(source.ServiceAccountToken.Path, []byte(token.token))
		return max(time.Until(token.refreshAt()), time.Second), nil
	case source.DownwardAPI != nil:
		for _, item := range source.DownwardAPI.Items {
			if item.FieldRef == nil || item.FieldRef.FieldPath != "metadata.namespace" {
				return 0, fmt.Errorf("volume item %q: the stand-in kubelet projects metadata.namespace only", item.Path)
			}
			put(item.Path, []byte(pod.Namespace))
		}
		return 0, nil
	default:
		return 0, fmt.Errorf("a kind of projected volume that the stand-in kubelet does not know")
	}
}

func (v *volumeKeeper) configMap(ctx context.Context, pod *core.Pod, source *core.ConfigMapProjection, put func(string, []byte)) error {
	item, exists, err := v.watch(ctx, pod, source.Name).GetByKey(pod.Namespace + "/" + source.Name)
	if err != nil {
		return err
	}
	if !exists {
		return fmt.Errorf("ConfigMap %s is not there yet", source.Name)
	}
	data := item.(*core.ConfigMap).Data
	if len(source.Items) == 0 {
		for key, value := range data {
			put(key, []byte(value))
		}
	}
	for _, wanted := range source.Items {
		value, exists := data[wanted.Key]
		if !exists {
			return fmt.Errorf("ConfigMap %s has no key %s", source.Name, wanted.Key)
		}
		put(wanted.Path, []byte(value))
	}
	return nil
}

// watch follows one ConfigMap, as kubelets do: the node authorizer lets them see no others.
func (v *volumeKeeper) watch(ctx context.Context, pod *core.Pod, name string) cache.Store {
	v.lock.Lock()
	defer v.lock.Unlock()
	key := pod.Namespace + "/" + name
	if w, known := v.watches[key]; known {
		w.users[pod.UID] = true
		return w.store
	}
	namespace := pod.Namespace
	tell := func(any) { v.changed(namespace) }
	source := cache.NewListWatchFromClient(v.client.CoreV1().RESTClient(), "configmaps", namespace, fields.OneTermEqualSelector("metadata.name", name))
	store, controller := cache.NewInformerWithOptions(cache.InformerOptions{ListerWatcher: source, ObjectType: &core.ConfigMap{},
		Handler: cache.ResourceEventHandlerFuncs{AddFunc: tell, UpdateFunc: func(_, now any) { tell(now) }, DeleteFunc: tell}})
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	go controller.RunWithContext(watching)
	v.watches[key] = &configMapWatch{store: store, stop: stop, users: map[types.UID]bool{pod.UID: true}}
	return store
}

func (v *volumeKeeper) token(ctx context.Context, pod *core.Pod, source *core.ServiceAccountTokenProjection) (heldToken, error) {
	key := string(pod.UID) + "/" + source.Path
	v.lock.Lock()
	held, known := v.tokens[key]
	v.lock.Unlock()
	if known && time.Now().Before(held.refreshAt()) {
		return held, nil
	}
	request := &authentication.TokenRequest{Spec: authentication.TokenRequestSpec{
		ExpirationSeconds: source.ExpirationSeconds,
		BoundObjectRef:    &authentication.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
	}}
	if source.Audience != "" {
		request.Spec.Audiences = []string{source.Audience}
	}
	issued := time.Now()
	answer, err := v.client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, request, meta.CreateOptions{})
	if err != nil {
		return heldToken{}, err
	}
	held = heldToken{token: answer.Status.Token, issued: issued, expiry: answer.Status.ExpirationTimestamp.Time}
	v.lock.Lock()
	v.tokens[key] = held
	v.lock.Unlock()
	return held, nil
}

// release drops what was held for one pod, and the watches that no other pod uses.
func (v *volumeKeeper) release(uid types.UID) {
	v.lock.Lock()
	defer v.lock.Unlock()
	for key := range v.tokens {
		if filepath.Dir(key) == string(uid) {
			delete(v.tokens, key)
		}
	}
	for key, w := range v.watches {
		delete(w.users, uid)
		if len(w.users) == 0 {
			w.stop()
			delete(v.watches, key)
		}
	}
}
