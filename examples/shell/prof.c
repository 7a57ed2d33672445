/* prof: the functions that took most of the time, for some seconds. */
#include <errno.h>
#include <string.h>

#include "shell.h"

enum { FUNCTIONS_SHOWN = 20 };

void prof(int argc, char **argv)
{
	uint64_t seconds = 2;
	int status;

	if (!take_number(argc, argv, 1, 3600, &seconds))
		return;
	status = runtime_profile(stdout, FUNCTIONS_SHOWN, seconds * NSEC_PER_SEC);
	if (status == -EBUSY)
		printf("prof: PROFILE= looks at all of this run\n");
	else if (status < 0)
		printf("prof: %s\n",
		       status == -ENOTSUP ? "this machine takes no samples" : strerror(-status));
}
