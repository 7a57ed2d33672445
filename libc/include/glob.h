/* newlib's <glob.h> is older than POSIX's names. */
#ifndef VOLE_GLOB_H
#define VOLE_GLOB_H

#include_next <glob.h>

#define GLOB_NOESCAPE 0x2000 /* newlib has the opposite: GLOB_QUOTE */

#define GLOB_ABORTED GLOB_ABEND
#define GLOB_NOMATCH (-3)

#endif
