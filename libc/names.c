/* The parts of a path, and the names of who runs where: one machine, one process, one user. */
#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

static char dot[] = ".";

/* Where path ends, without slashes after the last name; at least 1. */
static size_t end_of(const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	return n;
}

char *basename(char *path)
{
	size_t n;

	if (!path || !*path)
		return dot;
	n = end_of(path);
	if (path[n]) /* it may be a constant */
		path[n] = '\0';
	while (n > 1 && path[n - 1] != '/')
		n--;
	return path[n - 1] == '/' && path[n] ? path + n : path;
}

char *dirname(char *path)
{
	size_t n;

	if (!path || !*path)
		return dot;
	n = end_of(path);
	while (n > 0 && path[n - 1] != '/')
		n--;
	if (n == 0)
		return dot;
	while (n > 1 && path[n - 1] == '/')
		n--;
	path[n] = '\0';
	return path;
}

int gethostname(char *to, size_t size)
{
	static const char name[] = "vole";

	if (size < sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(to, name, sizeof(name));
	return 0;
}

pid_t getppid(void)
{
	return 0; /* nobody has started it */
}

uid_t getuid(void)
{
	return 0;
}

uid_t geteuid(void)
{
	return 0;
}

gid_t getgid(void)
{
	return 0;
}

gid_t getegid(void)
{
	return 0;
}
