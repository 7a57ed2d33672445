package main

func countUp(out chan int) {
	for n := 2; ; n++ {
		out <- n
	}
}

func filter(in, out chan int, prime int) {
	for {
		n := <-in
		if n%prime != 0 {
			out <- n
		}
	}
}

// The nth prime. What has computed it is left to wait.
func sieve(n int) int {
	in, prime := make(chan int), 0
	go countUp(in)
	for i := 0; i < n; i++ {
		prime = <-in
		out := make(chan int)
		go filter(in, out, prime)
		in = out
	}
	return prime
}

func main() {
	n := number(1, 2000)
	must(sieve(200) == 1223, "prime number 200")

	start := now()
	prime := sieve(n)
	start = now() - start
	must(n != 2000 || prime == 17389, "prime number 2,000")
	report(float64(start)/1e6, "ms", "sieve")
}
