package main

import "sync"

const locks = 10000000

var mutex sync.Mutex
var count int

func run(n int) {
	for i := 0; i < n; i++ {
		mutex.Lock()
		count++
		mutex.Unlock()
	}
}

func main() {
	run(locks / 10)

	start := now()
	run(locks)
	start = now() - start
	must(count == locks+locks/10, "the count")
	report(float64(start)/locks, "ns", "mutex")
}
