# For gdb-multiarch, attached to a machine that stands before its first instruction (make gdb).
set pagination off
set confirm off
set print pretty on
# In hardware: the code is not yet where a breakpoint would be written.
thbreak main
# A death: its report is on the console, and the machine still there to look at.
hbreak panic_end
