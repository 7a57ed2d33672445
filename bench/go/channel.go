package main

import "os"

type pair struct {
	there, back chan int
}

func echo(p *pair) {
	for value := range p.there {
		p.back <- value
	}
	close(p.back)
}

func roundtrip(p *pair, n int) {
	sum := 0
	for i := 0; i < n; i++ {
		p.there <- i
		sum += <-p.back
	}
	must(sum == n*(n-1)/2, "what comes back")
}

func produce(p *pair, n int) {
	for i := 0; i < n; i++ {
		p.there <- i
	}
}

func stream(p *pair, n int) {
	sum := 0
	go produce(p, n)
	for i := 0; i < n; i++ {
		sum += <-p.there
	}
	must(sum == n*(n-1)/2, "what arrives")
}

func self(p *pair, n int) {
	sum := 0
	for i := 0; i < n; i++ {
		p.there <- i
		sum += <-p.there
	}
	must(sum == n*(n-1)/2, "what was sent")
}

type mode struct {
	run      func(p *pair, n int)
	capacity int
	n        int
}

var modes = map[string]mode{
	"roundtrip": {roundtrip, 0, 1000000},
	"stream":    {stream, 0, 1000000},
	"buffered":  {stream, 128, 5000000},
	"self":      {self, 128, 5000000},
}

func main() {
	name := "roundtrip"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	m, ok := modes[name]
	must(ok, "the mode is known")
	p := pair{make(chan int, m.capacity), make(chan int)}
	if name == "roundtrip" {
		go echo(&p)
	}
	m.run(&p, m.n/10)

	start := now()
	m.run(&p, m.n)
	start = now() - start
	report(float64(start)/float64(m.n), "ns", "channel-%s", name)
}
