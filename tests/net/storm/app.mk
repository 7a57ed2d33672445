# The card is the program's own.
LDFLAGS += -Wl,--wrap=netdev_first,--wrap=netdev_open,--wrap=netdev_send,--wrap=netdev_release,--wrap=netdev_interrupts
