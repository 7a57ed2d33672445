# For make gdb ARCH=sim: the run of SEED= as a process, stopped where main begins. Stacks grow by
# faults that the machine handles itself.
set pagination off
set print inferior-events off
set startup-with-shell off
handle SIGSEGV nostop noprint pass
tbreak main
run
