package main

import "sync"

const coroutines = 1000000

var count int

func work(wg *sync.WaitGroup) {
	count++
	wg.Done()
}

func run(n, rounds int) {
	var wg sync.WaitGroup
	for i := 0; i < rounds; i++ {
		for j := 0; j < n; j++ {
			wg.Add(1)
			go work(&wg)
		}
		wg.Wait()
	}
}

func main() {
	n := number(1, 1)
	rounds := coroutines / n
	warm := rounds / 10
	run(n, warm)

	start := now()
	run(n, rounds)
	start = now() - start
	must(count == n*(rounds+warm), "every coroutine ran")
	report(float64(start)/float64(rounds*n), "ns", "spawn-%d", n)
}
