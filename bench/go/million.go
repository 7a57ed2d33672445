package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

var work = make(chan int)
var arrived, sum int64

func worker(wg *sync.WaitGroup) {
	atomic.AddInt64(&arrived, 1)
	value := <-work
	atomic.AddInt64(&sum, int64(value))
	wg.Done()
}

// What Linux has given the process, in bytes.
func memory() float64 {
	var all, resident int
	file, err := os.Open("/proc/self/statm")
	must(err == nil, "/proc/self/statm")
	_, err = fmt.Fscan(file, &all, &resident)
	must(err == nil, "/proc/self/statm")
	file.Close()
	return float64(resident * os.Getpagesize())
}

func create(wg *sync.WaitGroup, n int) int64 {
	start := now()
	arrived = 0
	for i := 0; i < n; i++ {
		wg.Add(1)
		go worker(wg)
	}
	for atomic.LoadInt64(&arrived) < int64(n) {
		runtime.Gosched()
	}
	return now() - start
}

func wake(wg *sync.WaitGroup, n int) int64 {
	start := now()
	sum = 0
	for i := 0; i < n; i++ {
		work <- i
	}
	wg.Wait()
	must(sum == int64(n)*int64(n-1)/2, "everybody came back")
	return now() - start
}

func main() {
	n := number(1, 1000000)
	var wg sync.WaitGroup
	create(&wg, 100)
	wake(&wg, 100)

	before := memory()
	created := create(&wg, n)
	bytes := memory() - before
	woken := wake(&wg, n)
	again := create(&wg, n)
	wake(&wg, n)
	report(bytes/float64(n), "B", "memory")
	report(float64(created)/float64(n), "ns", "memory-create")
	report(float64(woken)/float64(n), "ns", "memory-wake")
	report(float64(again)/float64(n), "ns", "memory-again")
}
