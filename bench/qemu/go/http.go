// The HTTP server for make bench-qemu: net/http, with what examples/httpd has at /hello.
package main

import (
	"fmt"
	"net/http"
	"os"
	"syscall"
	"unsafe"
)

const card = "eth0"

var (
	address = [4]byte{10, 0, 2, 15} // where QEMU's user networking forwards ports to
	netmask = [4]byte{255, 255, 255, 0}
)

func must(what string, err error) {
	if err != nil {
		fmt.Println(what+":", err)
		powerOff()
	}
}

// The drivers of the card: their names begin with their place in the order.
func loadModules() {
	files, err := os.ReadDir("/modules")
	must("/modules", err)
	for _, file := range files {
		code, err := os.ReadFile("/modules/" + file.Name())
		must(file.Name(), err)
		none := []byte{0}
		_, _, errno := syscall.Syscall(syscall.SYS_INIT_MODULE, uintptr(unsafe.Pointer(&code[0])),
			uintptr(len(code)), uintptr(unsafe.Pointer(&none[0])))
		if errno != 0 {
			must(file.Name(), errno)
		}
	}
}

// struct ifreq with a sockaddr_in, or with flags.
type addressRequest struct {
	name   [16]byte
	family uint16
	port   uint16
	addr   [4]byte
	_      [16]byte
}

type flagsRequest struct {
	name  [16]byte
	flags uint16
	_     [22]byte
}

func ioctl(socket int, what string, request uintptr, arg unsafe.Pointer) {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(socket), request, uintptr(arg))
	if errno != 0 {
		must(what, errno)
	}
}

func configure() {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	must("socket", err)
	a := addressRequest{family: syscall.AF_INET, addr: address}
	f := flagsRequest{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(a.name[:], card)
	copy(f.name[:], card)
	ioctl(socket, "SIOCSIFADDR", syscall.SIOCSIFADDR, unsafe.Pointer(&a))
	a.addr = netmask
	ioctl(socket, "SIOCSIFNETMASK", syscall.SIOCSIFNETMASK, unsafe.Pointer(&a))
	ioctl(socket, "SIOCSIFFLAGS", syscall.SIOCSIFFLAGS, unsafe.Pointer(&f))
	syscall.Close(socket)
}

func main() {
	loadModules()
	configure()
	hello := []byte("Hello from Go!\n")
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Write(hello)
	})
	must("server", http.ListenAndServe(":80", nil))
}
