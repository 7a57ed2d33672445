package main

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

const ends, pairs = 4, 32

// ---- roundtrip; pinned: Go's scheduler has no cores to choose, but each may have a thread ----

var pinned = false

func echo(there, back chan int) {
	if pinned {
		runtime.LockOSThread()
	}
	for value := range there {
		back <- value
	}
	close(back)
}

func roundtrip(n int) {
	there, back := make(chan int), make(chan int)
	sum := 0
	if pinned {
		runtime.LockOSThread()
	}
	go echo(there, back)
	for i := 0; i < n; i++ {
		there <- i
		sum += <-back
	}
	close(there)
	<-back
	must(sum == n*(n-1)/2, "what comes back")
}

// ---- channel ----

func produce(there chan int, n int, wg *sync.WaitGroup) {
	for i := 0; i < n; i++ {
		there <- i
	}
	wg.Done()
}

func consume(there chan int, received *int64, wg *sync.WaitGroup) {
	sum := 0
	for value := range there {
		sum += value
	}
	atomic.AddInt64(received, int64(sum))
	wg.Done()
}

func channel(n int) {
	var producers, consumers sync.WaitGroup
	var received int64
	there := make(chan int, 128)
	each := n / ends
	for i := 0; i < ends; i++ {
		producers.Add(1)
		go produce(there, each, &producers)
		consumers.Add(1)
		go consume(there, &received, &consumers)
	}
	producers.Wait()
	close(there)
	consumers.Wait()
	must(int(received) == ends*(each*(each-1)/2), "what arrives")
}

// ---- mutex ----

var mutex sync.Mutex
var count int

func lockOften(n int, wg *sync.WaitGroup) {
	for i := 0; i < n; i++ {
		mutex.Lock()
		count++
		mutex.Unlock()
	}
	wg.Done()
}

func contend(n int) {
	var wg sync.WaitGroup
	count = 0
	wg.Add(2)
	go lockOften(n/2, &wg)
	go lockOften(n/2, &wg)
	wg.Wait()
	must(count == n/2*2, "the count")
}

// ---- wake ----

// Goroutines cannot be pinned: the sender computes on, so that another thread takes the receiver.
func wake(n int) {
	var wg sync.WaitGroup
	there := make(chan int64, 1)
	delay := make([]float64, 0, n)
	wg.Add(1)
	go func() {
		for sent := range there {
			delay = append(delay, float64(now()-sent)/1e3)
		}
		wg.Done()
	}()
	for i := 0; i < n; i++ {
		for until := now() + 200e3; now() < until; {
		}
		there <- now()
	}
	close(there)
	wg.Wait()
	report(percentile(delay, 0.5), "us", "cores-wake")
	report(percentile(delay, 0.99), "us", "cores-wake-p99")
}

// ---- scale ----

func ask(n int, wg *sync.WaitGroup) {
	there, back := make(chan int), make(chan int)
	sum := 0
	go echo(there, back)
	for i := 0; i < n; i++ {
		there <- i
		sum += <-back
	}
	must(sum == n*(n-1)/2, "what comes back")
	close(there)
	wg.Done()
}

func independent(procs, n int) int64 {
	var wg sync.WaitGroup
	runtime.GOMAXPROCS(procs)
	start := now()
	for i := 0; i < pairs; i++ {
		wg.Add(1)
		go ask(n/pairs, &wg)
	}
	wg.Wait()
	return now() - start
}

func scale(n int) {
	two := independent(2, n)
	one := independent(1, n)
	report(float64(one)/float64(two), "x", "cores-scale")
}

type mode struct {
	run func(n int)
	n   int
}

var modes = map[string]mode{
	"roundtrip": {roundtrip, 200000},
	"pinned":    {roundtrip, 50000},
	"channel":   {channel, 2000000},
	"mutex":     {contend, 4000000},
}

func main() {
	name := "roundtrip"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	must(runtime.NumCPU() >= 2, "there are two cores")
	if name == "scale" {
		scale(4000000)
		return
	}
	if name == "wake" {
		wake(3000)
		return
	}
	m, ok := modes[name]
	must(ok, "the mode is known")
	pinned = name == "pinned"
	m.run(m.n / 10)

	start := now()
	m.run(m.n)
	start = now() - start
	report(float64(start)/float64(m.n), "ns", "cores-%s", name)
}
