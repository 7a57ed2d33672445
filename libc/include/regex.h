/* newlib's <regex.h> needs <sys/types.h> before it, POSIX's does not. */
#include <sys/types.h>

#include_next <regex.h>
