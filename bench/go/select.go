package main

import "os"

const values = 1000000

var channels [8]chan int

func sumReady(n int) int {
	sum := 0
	for i := 0; i < n; i++ {
		channels[i%2] <- i
		select {
		case v := <-channels[0]:
			sum += v
		case v := <-channels[1]:
			sum += v
		}
	}
	return sum
}

func produce(among, n int) {
	for i := 0; i < n; i++ {
		channels[i%among] <- i
	}
}

func sum2(n int) int {
	sum := 0
	for i := 0; i < n; i++ {
		select {
		case v := <-channels[0]:
			sum += v
		case v := <-channels[1]:
			sum += v
		}
	}
	return sum
}

func sum4(n int) int {
	sum := 0
	for i := 0; i < n; i++ {
		select {
		case v := <-channels[0]:
			sum += v
		case v := <-channels[1]:
			sum += v
		case v := <-channels[2]:
			sum += v
		case v := <-channels[3]:
			sum += v
		}
	}
	return sum
}

func sum8(n int) int {
	sum := 0
	for i := 0; i < n; i++ {
		select {
		case v := <-channels[0]:
			sum += v
		case v := <-channels[1]:
			sum += v
		case v := <-channels[2]:
			sum += v
		case v := <-channels[3]:
			sum += v
		case v := <-channels[4]:
			sum += v
		case v := <-channels[5]:
			sum += v
		case v := <-channels[6]:
			sum += v
		case v := <-channels[7]:
			sum += v
		}
	}
	return sum
}

func sumBlocking(among, n int) int {
	go produce(among, n)
	switch among {
	case 2:
		return sum2(n)
	case 4:
		return sum4(n)
	case 8:
		return sum8(n)
	}
	must(false, "2, 4 or 8 channels")
	return 0
}

func run(among int, ready bool, n int) {
	var sum int
	if ready {
		sum = sumReady(n)
	} else {
		sum = sumBlocking(among, n)
	}
	must(sum == n*(n-1)/2, "every value arrives")
}

func main() {
	mode, among, capacity := "ready", 2, 1
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	if mode != "ready" {
		among, capacity = number(1, 2), 0
	}
	must(among <= len(channels), "at most 8 channels")
	for i := 0; i < among; i++ {
		channels[i] = make(chan int, capacity)
	}
	run(among, mode == "ready", values/10)

	start := now()
	run(among, mode == "ready", values)
	start = now() - start
	report(float64(start)/values, "ns", "select-%s", mode)
}
