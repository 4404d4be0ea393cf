package main

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"
)

// failuresEachSecond are written one by one; more of them in the same second are only counted, so that a client which nothing lets in
// any more does not fill its node's disk.
const failuresEachSecond = 20

// reporter writes what a client did, one JSON object a line:
//
//	{"seq":1,"t":MS,"kind":K,"event":"start",...}                                at its start
//	{"seq":9,"t":MS,"kind":K,"ok":{"TARGET":[MS,...]},"waitMs":MS}               each second; "omitted" and "cut" where there were any
//	{"seq":8,"t":MS,"kind":K,"failed":{"target":T,"class":C,"text":S,"ms":MS}}   at once
//
// Times are milliseconds since the epoch. Numbers go up by one from 1, so that a reader who begins anew knows what it has.
type reporter struct {
	kind string

	lock     sync.Mutex
	out      *json.Encoder
	seq      int64
	ok       map[string][]int64
	failures int
	omitted  map[string]int
	cut      int
	underWay map[int64]time.Time
	nextTurn int64
}

func newReporter(kind string, out io.Writer) *reporter {
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	return &reporter{kind: kind, out: lines, ok: map[string][]int64{}, omitted: map[string]int{}, underWay: map[int64]time.Time{}}
}

// say must not be called with the lock held.
func (r *reporter) say(line map[string]any) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.write(line)
}

func (r *reporter) write(line map[string]any) {
	r.seq++
	line["seq"], line["t"], line["kind"] = r.seq, time.Now().UnixMilli(), r.kind
	_ = r.out.Encode(line)
}

// attempt times one request and enters what came of it. errGone is no failure: what was asked had been deleted.
func (r *reporter) attempt(target string, act func(context.Context) error) error {
	return r.within(requestTimeout, target, act)
}

func (r *reporter) within(limit time.Duration, target string, act func(context.Context) error) error {
	since := time.Now()
	r.lock.Lock()
	r.nextTurn++
	turn := r.nextTurn
	r.underWay[turn] = since
	r.lock.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), limit)
	err := act(ctx)
	cancel()

	r.lock.Lock()
	delete(r.underWay, turn)
	r.lock.Unlock()
	r.enter(target, since, err)
	return err
}

func (r *reporter) enter(target string, since time.Time, err error) {
	ms := time.Since(since).Milliseconds()
	r.lock.Lock()
	defer r.lock.Unlock()
	switch {
	case err == nil:
		r.ok[target] = append(r.ok[target], ms)
	case err == errGone:
		r.cut++
	case r.failures >= failuresEachSecond:
		r.omitted[target]++
	default:
		r.failures++
		class, text := classifyFailure(err)
		r.write(map[string]any{"failed": map[string]any{"target": target, "class": class, "text": text, "ms": ms}})
	}
}

func (r *reporter) everySecond(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.second()
		}
	}
}

func (r *reporter) second() {
	r.lock.Lock()
	defer r.lock.Unlock()
	line := map[string]any{"ok": r.ok, "waitMs": r.oldestWait()}
	if len(r.omitted) > 0 {
		line["omitted"] = r.omitted
	}
	if r.cut > 0 {
		line["cut"] = r.cut
	}
	r.write(line)
	r.ok, r.omitted, r.failures, r.cut = map[string][]int64{}, map[string]int{}, 0, 0
}

func (r *reporter) oldestWait() int64 {
	var oldest int64
	for _, since := range r.underWay {
		oldest = max(oldest, time.Since(since).Milliseconds())
	}
	return oldest
}
