/* The machine's clock that knows the date. One implementation is linked: cmos.c or pl031.c. */
#ifndef DRIVERS_DATE_H
#define DRIVERS_DATE_H

#include <stdint.h>

/* Seconds since 1970 (UTC) now; 0: there is no such clock. One caller at a time. */
uint64_t date_read(void);

#endif
