package main

import "time"

const starts = 2000000

func never() {
	must(false, "no timer fires")
}

func run(after time.Duration, n int) {
	for i := 0; i < n; i++ {
		timer := time.AfterFunc(after+time.Duration(i)*time.Microsecond, never)
		must(timer.Stop(), "it was pending")
	}
}

func main() {
	pending := number(1, 1)
	others := make([]*time.Timer, pending)
	for i := range others {
		others[i] = time.AfterFunc(time.Hour+time.Duration(i)*time.Millisecond, never)
	}
	run(time.Hour, starts/10)

	start := now()
	run(time.Hour, starts)
	start = now() - start
	for _, other := range others {
		must(other.Stop(), "the others are pending")
	}
	report(float64(start)/starts, "ns", "timer-%d", pending)
}
