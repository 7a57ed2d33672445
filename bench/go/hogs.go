// For the benchmarks of preemption: work that is counted in units, not in time on a wall clock.
// Compiled together with one of them; see bench/hogs.h.
package main

import (
	"math"
	"sort"
)

const calibrate, tries = 100000, 50

// Takes as long as units say, when nobody interrupts.
//
//go:noinline
func spin(units int) uint64 {
	x := uint64(1)
	for i := 0; i < units; i++ {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

// Units in a microsecond: what the fastest of some tries says, since the others were interrupted.
func spinSpeed() float64 {
	best := int64(math.MaxInt64)
	for i := 0; i < tries; i++ {
		start := now()
		spin(calibrate)
		if taken := now() - start; taken < best {
			best = taken
		}
	}
	return calibrate * 1000 / float64(best)
}

// The value that a share of all do not exceed; sorts them.
func percentile(values []float64, share float64) float64 {
	sort.Float64s(values)
	i := int(float64(len(values)) * share)
	if i >= len(values) {
		i = len(values) - 1
	}
	return values[i]
}
