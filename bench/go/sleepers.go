package main

import (
	"runtime"
	"sync"
	"syscall"
	"time"
)

var first int64 // from when on they wake up, within a second
var asleep, awake int

var state uint64 = 1

func nextRandom() int64 {
	state = state*6364136223846793005 + 1442695040888963407
	return int64(state >> 33)
}

func sleeper(wg *sync.WaitGroup) {
	asleep++
	time.Sleep(time.Duration(first + nextRandom()%1e9 - now()))
	awake++
	wg.Done()
}

func processorTime() int64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil, "getrusage")
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// Has n sleep until so long from now, and after. Returns how long it took until they all slept.
func run(n int, wait int64) (arm, fire float64, taken int64) {
	var wg sync.WaitGroup
	begun, start := now(), processorTime()
	asleep, awake = 0, 0
	first = begun + wait
	for i := 0; i < n; i++ {
		wg.Add(1)
		go sleeper(&wg)
	}
	for asleep < n {
		runtime.Gosched()
	}
	armed := processorTime()
	taken = now() - begun
	wg.Wait()
	must(awake == n, "all wake up")
	arm = float64(armed-start) / float64(n)
	fire = float64(processorTime()-armed) / float64(n)
	return arm, fire, taken
}

func main() {
	n := number(1, 1000000)
	// A tenth of them first, which tells how long all will take; others may compute, too.
	_, _, taken := run(n/10, 1e9)
	wait := 2*10*taken + 4e9
	arm, fire, taken := run(n, wait)
	must(taken < wait, "all sleep at once")
	again, _, taken := run(n, wait)
	must(taken < wait, "all sleep at once")
	report(arm, "ns", "sleepers-arm")
	report(fire, "ns", "sleepers-fire")
	report(again, "ns", "sleepers-again")
}
