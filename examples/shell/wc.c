/*
 * wc: lines, words and bytes, as the command of that name prints them. Files are found first, in
 * the order of the arguments and sorted within a folder; then each is counted by its own coroutine.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shell.h"

enum { OPEN_AT_ONCE = 16, BLOCK_SIZE = 2048 };

struct file {
	char *path;
	struct job *job;
	uint64_t lines, words, bytes;
	int error; /* errno */
};

struct job {
	struct file *files;
	size_t count, room;
	struct waitgroup counting;
	struct sema slots; /* for OPEN_AT_ONCE */
	bool out_of_memory;
};

static void add_file(struct job *job, const char *path)
{
	char *copy = strdup(path);

	if (copy && job->count == job->room) {
		size_t room = job->room * 2 + 16;
		struct file *files = realloc(job->files, room * sizeof *files);

		if (files) {
			job->files = files;
			job->room = room;
		}
	}
	if (!copy || job->count == job->room) {
		free(copy);
		job->out_of_memory = true;
		return;
	}
	job->files[job->count++] = (struct file){.path = copy, .job = job};
}

static void find(struct job *job, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char *inside;

	if (!dir) {
		add_file(job, path); /* what cannot be read is said when it is counted */
		return;
	}
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (asprintf(&inside, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/",
			     entry->d_name) < 0) {
			job->out_of_memory = true;
			break;
		}
		find(job, inside);
		free(inside);
	}
	closedir(dir);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

static void count_block(struct file *file, const char *block, ssize_t size, bool *in_word)
{
	for (ssize_t i = 0; i < size; i++) {
		bool space = isspace((unsigned char)block[i]);

		file->lines += block[i] == '\n';
		file->words += !space && !*in_word;
		*in_word = !space;
	}
	file->bytes += size;
}

static void count_file(void *arg)
{
	struct file *file = arg;
	char block[BLOCK_SIZE];
	bool in_word = false;
	ssize_t size = -1;
	int fd = open(file->path, O_RDONLY);

	if (fd >= 0) {
		while ((size = read(fd, block, sizeof block)) > 0)
			count_block(file, block, size, &in_word);
	}
	file->error = size < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	sema_release(&file->job->slots);
}

static void count_all(struct job *job)
{
	sema_init(&job->slots, OPEN_AT_ONCE);
	for (size_t i = 0; i < job->count; i++) {
		sema_acquire(&job->slots);
		if (waitgroup_go(&job->counting, count_file, &job->files[i]) < 0)
			count_file(&job->files[i]);
	}
	waitgroup_wait(&job->counting);
}

static void show(const struct file *file, int width)
{
	printf("%*" PRIu64 " %*" PRIu64 " %*" PRIu64 " %s\n", width, file->lines, width,
	       file->words, width, file->bytes, file->path);
}

static void show_all(const struct job *job)
{
	struct file total = {.path = "total"};
	int width;

	for (size_t i = 0; i < job->count; i++) {
		total.lines += job->files[i].lines;
		total.words += job->files[i].words;
		total.bytes += job->files[i].bytes;
	}
	width = snprintf(NULL, 0, "%" PRIu64, total.bytes);
	for (size_t i = 0; i < job->count; i++) {
		if (job->files[i].error)
			printf("wc: %s: %s\n", job->files[i].path, strerror(job->files[i].error));
		else
			show(&job->files[i], width);
	}
	if (job->count != 1)
		show(&total, width);
}

void wc(int argc, char **argv)
{
	char *everything[] = {argv[0], "/"};
	struct job job = {0};

	if (argc == 1) {
		argv = everything;
		argc = 2;
	}
	for (int i = 1; i < argc; i++) {
		size_t from = job.count;

		find(&job, argv[i]);
		if (job.count > from)
			qsort(job.files + from, job.count - from, sizeof *job.files, by_path);
	}
	count_all(&job);
	show_all(&job);
	if (job.out_of_memory)
		printf("wc: out of memory: some files are not counted\n");
	for (size_t i = 0; i < job.count; i++)
		free(job.files[i].path);
	free(job.files);
}
