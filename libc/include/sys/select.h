/* newlib's, with room for more than 64 descriptors. */
#ifndef VOLE_SYS_SELECT_H
#define VOLE_SYS_SELECT_H

#ifndef FD_SETSIZE
#define FD_SETSIZE 1024
#endif

#include_next <sys/select.h>

#endif
