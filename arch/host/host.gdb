# For make gdb ARCH=host: the program as a process, stopped where main begins. Signals are the machine's
# interrupts, and stacks grow by faults that it handles itself.
set pagination off
set confirm off
set print inferior-events off
set print thread-events off
set startup-with-shell off
handle SIGSEGV SIGVTALRM SIGUSR1 SIGUSR2 SIGALRM SIGPROF nostop noprint pass
tbreak main
run
