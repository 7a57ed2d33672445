/* glob, as POSIX has it, over newlib's, which is older. */
#include <glob.h>

int _glob(const char *restrict pattern, int flags, int (*failed)(const char *path, int error),
	  glob_t *restrict found);

int glob(const char *restrict pattern, int flags, int (*failed)(const char *path, int error),
	 glob_t *restrict found)
{
	int result = _glob(pattern, flags & GLOB_NOESCAPE ? flags : flags | GLOB_QUOTE, failed,
			   found);

	if (result == 0 && found->gl_matchc == 0 && !(flags & (GLOB_NOCHECK | GLOB_NOMAGIC)))
		return GLOB_NOMATCH;
	return result;
}
