/* Lines, words and bytes of every file under /, as wc counts them: one coroutine a file. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <vole.h>

struct file {
	struct file *next;
	char *path;
	unsigned long lines, words, bytes;
};

/* In the order of their paths, which begin with a slash: the total stays last. */
static struct file total = {.path = "total"}, *files = &total;
static struct waitgroup counting;

static void count(void *arg)
{
	struct file *file = arg;
	FILE *stream = fopen(file->path, "r");
	bool in_word = false;

	if (!stream) {
		perror(file->path);
		return;
	}
	for (int c; (c = getc(stream)) != EOF; in_word = !isspace(c)) {
		file->bytes++;
		file->lines += c == '\n';
		file->words += !isspace(c) && !in_word;
	}
	fclose(stream);
}

static void find(const char *folder)
{
	DIR *dir = opendir(*folder ? folder : "/");

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		struct file **at = &files, *file = calloc(1, sizeof *file);
		struct stat status;

		if (!file || asprintf(&file->path, "%s/%s", folder, entry->d_name) < 0)
			abort();
		if (stat(file->path, &status) < 0) {
			perror(file->path);
		} else if (!S_ISDIR(status.st_mode)) {
			while (strcmp((*at)->path, file->path) < 0)
				at = &(*at)->next;
			file->next = *at;
			*at = file;
			if (waitgroup_go(&counting, count, file) < 0)
				count(file);
		} else if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
			find(file->path);
		}
	}
	if (dir)
		closedir(dir);
}

int main(void)
{
	find("");
	waitgroup_wait(&counting);
	for (struct file *f = files; f; f = f->next) {
		printf("%7lu %7lu %7lu %s\n", f->lines, f->words, f->bytes, f->path);
		total.lines += f->lines;
		total.words += f->words;
		total.bytes += f->bytes;
	}
	return 0;
}
