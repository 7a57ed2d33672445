// Go's side of make bench-qemu. Its twin, the same work line for line, is ../vole.c.
// Prints main at once; with the argument bench, then what each operation takes, in nanoseconds.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

const times = 200000

func answer(c [2]chan int) {
	for value := range c[0] {
		c[1] <- value
	}
}

// There and back between two goroutines on one core.
func roundTrip(n int) {
	c := [2]chan int{make(chan int), make(chan int)}

	go answer(c)
	for i := 0; i < n; i++ {
		c[0] <- i
		i = <-c[1]
	}
	close(c[0])
	runtime.Gosched()
}

func yield(n int) {
	for i := n; i > 0; i-- {
		runtime.Gosched()
	}
}

// Two goroutines on one core take turns.
func yields(n int) {
	var wg sync.WaitGroup
	half := n / 2

	wg.Add(1)
	go func() {
		yield(half)
		wg.Done()
	}()
	yield(half)
	wg.Wait()
}

// Started and waited for, one after the other, on all cores.
func spawn(n int) {
	var wg sync.WaitGroup

	for i := 0; i < n; i++ {
		wg.Add(1)
		go wg.Done()
		wg.Wait()
	}
}

func measure(name string, cores int, operation func(n int)) {
	runtime.GOMAXPROCS(cores)
	operation(times / 10)

	start := time.Now()

	operation(times)
	fmt.Printf("%s %.1f\n", name, float64(time.Since(start).Nanoseconds())/times)
}

func main() {
	fmt.Println("main")
	if len(os.Args) > 1 {
		measure("roundtrip", 1, roundTrip)
		measure("yield", 1, yields)
		measure("spawn", 2, spawn)
	}
	powerOff()
}
