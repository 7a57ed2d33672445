// What every program here shares; compiled together with one of them. See bench/bench.h.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

var epoch = time.Now()

// Nanoseconds of the monotonic clock.
func now() int64 {
	return int64(time.Since(epoch))
}

func report(value float64, unit string, name string, args ...interface{}) {
	fmt.Printf(name+" %.6g %s\n", append(args, value, unit)...)
}

func must(ok bool, what string) {
	if !ok {
		fmt.Fprintln(os.Stderr, "wrong:", what)
		os.Exit(1)
	}
}

// Argument i, or what is taken when there are fewer.
func number(i int, otherwise int) int {
	if i >= len(os.Args) {
		return otherwise
	}
	n, err := strconv.Atoi(os.Args[i])
	must(err == nil && n > 0, "an argument is a number above 0")
	return n
}
