package main

import (
	"sync"
	"sync/atomic"
	"time"
)

const hogs = 2

var stop int32

func hog(wg *sync.WaitGroup) {
	for atomic.LoadInt32(&stop) == 0 {
		spin(1000)
	}
	wg.Done()
}

func main() {
	n := number(2, 300)
	late := make([]float64, n)
	var wg sync.WaitGroup
	for i := 0; i < hogs; i++ {
		wg.Add(1)
		go hog(&wg)
	}
	for i := -n / 10; i < n; i++ {
		deadline := now() + 1e6
		time.Sleep(time.Millisecond)
		woken := now()
		must(woken >= deadline, "none wakes up early")
		if i >= 0 {
			late[i] = float64(woken-deadline) / 1e3
		}
	}
	atomic.StoreInt32(&stop, 1)
	wg.Wait()
	report(percentile(late, 0.99), "us", "lateness")
	report(percentile(late, 0.5), "us", "lateness-p50")
	report(percentile(late, 1), "us", "lateness-max")
}
