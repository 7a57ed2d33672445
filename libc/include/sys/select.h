/* newlib's, with room for more than 64 descriptors. */
#ifndef VOLE_SYS_SELECT_H
#define VOLE_SYS_SELECT_H

#ifndef FD_SETSIZE
#define FD_SETSIZE 1024
#endif

#include_next <sys/select.h>

/* newlib's is a long with the descriptor's bit, of which an int loses the upper half. */
#undef FD_ISSET
#define FD_ISSET(n, p) ((int)((p)->fds_bits[(n) / NFDBITS] >> ((n) % NFDBITS) & 1))

#endif
