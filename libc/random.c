/* getentropy, on which newlib's arc4random stands too. */
#include <errno.h>
#include <unistd.h>

#include "drivers/random.h"

int getentropy(void *data, size_t n)
{
	enum { MOST = 256 }; /* POSIX's GETENTROPY_MAX */

	if (n > MOST) {
		errno = EIO;
		return -1;
	}
	random_fill(data, n);
	return 0;
}
