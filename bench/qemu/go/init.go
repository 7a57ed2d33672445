// What the programs for Linux have in common: each is the machine's only process, /init.
package main

import "syscall"

func powerOff() {
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}
