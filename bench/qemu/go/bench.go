// Go's side of make bench-qemu. Its twin, the same work line for line, is ../vole.c.
// Prints main at once, then for each operation that is an argument how many nanoseconds it takes.
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

// There and back between two goroutines.
func roundTrip(n int) {
	c := [2]chan int{make(chan int), make(chan int)}
	var wg sync.WaitGroup

	wg.Add(1)
	go func() {
		answer(c)
		wg.Done()
	}()
	for i := 0; i < n; i++ {
		c[0] <- i
		i = <-c[1]
	}
	close(c[0])
	wg.Wait()
}

func yield(n int) {
	for i := n; i > 0; i-- {
		runtime.Gosched()
	}
}

// Two goroutines take turns.
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

// Started and waited for, one after the other.
func spawn(n int) {
	var wg sync.WaitGroup

	for i := 0; i < n; i++ {
		wg.Add(1)
		go wg.Done()
		wg.Wait()
	}
}

var operations = map[string]func(n int){"roundtrip": roundTrip, "yield": yields, "spawn": spawn}

func measure(name string) {
	operation, found := operations[name]
	if !found {
		return
	}
	operation(times / 10)

	start := time.Now()

	operation(times)
	fmt.Printf("%s %.1f\n", name, float64(time.Since(start).Nanoseconds())/times)
}

func main() {
	fmt.Println("main")
	for _, name := range os.Args[1:] {
		measure(name)
	}
	powerOff()
}
