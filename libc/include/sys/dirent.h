/* Folders: what newlib's <dirent.h> leaves to the system. */
#ifndef _SYS_DIRENT_H
#define _SYS_DIRENT_H

#include <sys/types.h>

#define MAXNAMLEN 255

struct dirent {
	ino_t d_ino;
	unsigned char d_type;
	char d_name[MAXNAMLEN + 1];
};

#define DT_UNKNOWN 0
#define DT_DIR     4
#define DT_REG     8

typedef struct dir DIR;

#endif
