package main

const hops = 2000000

func handOn(in, out chan int) {
	for token := range in {
		token++
		out <- token
	}
}

func goRound(first, last chan int, rounds, n int) {
	token := 0
	for i := 0; i < rounds; i++ {
		first <- token
		token = <-last
	}
	must(token == rounds*n, "everybody had the token")
}

func main() {
	n := number(1, 1000)
	rounds := hops / n
	first := make(chan int)
	in := first
	for i := 0; i < n; i++ {
		out := make(chan int)
		go handOn(in, out)
		in = out
	}
	goRound(first, in, rounds/10+1, n)

	start := now()
	goRound(first, in, rounds, n)
	start = now() - start
	report(float64(start)/float64(rounds*n), "ns", "ring-%d", n)
}
