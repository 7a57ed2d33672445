package main

import (
	"math"
	"runtime"
	"sync"
)

const (
	longShare = 0.005
	shortNs   = 1e3
	longNs    = 1e6
	load      = 0.7
	gapNs     = (shortNs*(1-longShare) + longNs*longShare) / load
)

type request struct {
	arrival, service float64 // ns; the first from the start
	done             float64
}

var start int64
var speed float64

var state uint64 = 1

// Evenly between 0 and 1, neither of them.
func chance() float64 {
	state = state*6364136223846793005 + 1442695040888963407
	return (float64(state>>33) + 0.5) / 0x1p31
}

func serve(r *request, wg *sync.WaitGroup) {
	spin(int(r.service / 1e3 * speed))
	r.done = float64(now() - start)
	wg.Done()
}

func plan(n int) []request {
	requests := make([]request, n)
	at := 0.0
	for i := range requests {
		at -= math.Log(chance()) * gapNs
		requests[i].arrival = at
		requests[i].service = shortNs
		if chance() < longShare {
			requests[i].service = longNs
		}
	}
	return requests
}

func arrive(requests []request) {
	var wg sync.WaitGroup
	start = now()
	for i := range requests {
		for float64(now()-start) < requests[i].arrival {
			runtime.Gosched()
		}
		wg.Add(1)
		go serve(&requests[i], &wg)
	}
	wg.Wait()
}

func main() {
	n := number(2, 200000)
	requests := plan(n)
	slowdowns := make([]float64, n)
	speed = spinSpeed()
	arrive(requests[:n/20])
	arrive(requests)
	for i, r := range requests {
		slowdowns[i] = (r.done - r.arrival) / r.service
		must(slowdowns[i] > 0, "all are served")
	}
	report(percentile(slowdowns, 0.999), "x", "bimodal")
	report(percentile(slowdowns, 0.5), "x", "bimodal-p50")
}
