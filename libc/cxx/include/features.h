/* What the C++ library's headers look for of the host's C library. */
#ifndef VOLE_FEATURES_H
#define VOLE_FEATURES_H

#include <sys/features.h>

#define __GLIBC_PREREQ(major, minor) 0

#endif
