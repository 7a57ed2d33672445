package main

const children = 10

func node(up chan int, first, leaves int) {
	if leaves == 1 {
		up <- first
		return
	}
	sum := 0
	from := make(chan int)
	for i := 0; i < children; i++ {
		go node(from, first, leaves/children)
		first += leaves / children
	}
	for i := 0; i < children; i++ {
		sum += <-from
	}
	up <- sum
}

func run(leaves int) {
	root := make(chan int)
	go node(root, 0, leaves)
	must(<-root == leaves*(leaves-1)/2, "the sum")
}

func main() {
	leaves := number(1, 1000000)
	run(leaves)

	start := now()
	run(leaves)
	start = now() - start
	report(float64(start)/1e6, "ms", "skynet")
}
