/* ls and cat: the files packed with FILES=. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "shell.h"

static void show_entry(const char *folder, const char *name)
{
	struct stat status;
	char path[512];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (stat(path, &status) < 0)
		printf("%s: %s\n", path, strerror(errno));
	else if (S_ISDIR(status.st_mode))
		printf("%12s  %s/\n", "", name);
	else
		printf("%12s  %s\n", show_number(status.st_size).s, name);
}

void ls(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/";
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir && errno == ENOTDIR) {
		show_entry(".", path);
		return;
	}
	if (!dir) {
		printf("%s: %s: %s\n", argv[0], path, strerror(errno));
		return;
	}
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			show_entry(path, entry->d_name);
	}
	closedir(dir);
}

static void cat_file(const char *path)
{
	char block[1024];
	FILE *file = fopen(path, "r");
	size_t size;

	if (!file) {
		printf("cat: %s: %s\n", path, strerror(errno));
		return;
	}
	while ((size = fread(block, 1, sizeof block, file)) > 0)
		fwrite(block, 1, size, stdout);
	if (ferror(file))
		printf("cat: %s: %s\n", path, strerror(errno));
	fclose(file);
}

void cat(int argc, char **argv)
{
	if (argc == 1)
		printf("usage: cat PATH...\n");
	for (int i = 1; i < argc; i++)
		cat_file(argv[i]);
}
