package main

import (
	"math"
	"runtime"
	"sync"
)

const switches = 3000000

var started, yields, limit int

func yieldUntilLimit() {
	for yields < limit {
		runtime.Gosched()
		yields++
	}
}

func other(wg *sync.WaitGroup) {
	started++
	yieldUntilLimit()
	wg.Done()
}

func main() {
	n := number(1, 2)
	var wg sync.WaitGroup
	for i := 1; i < n; i++ {
		wg.Add(1)
		go other(&wg)
	}
	limit = math.MaxInt
	for started < n-1 || yields < switches/10 {
		runtime.Gosched()
		yields++
	}
	limit = yields + switches

	start := now()
	yieldUntilLimit()
	start = now() - start
	wg.Wait()
	must(yields >= limit && yields < limit+n, "the others stop there, too")
	report(float64(start)/switches, "ns", "yield-%d", n)
}
