/*
 * Walks the links of a site, at most WORKERS pages at a time, and prints a line for each page.
 *
 *   make run APP=examples/crawl NET=1 ARGS="http://10.0.2.2:8080/"       (10.0.2.2: the host)
 *   ... ARGS="http://10.0.2.2:8080/files workers=20 pages=500"
 *
 * main owns the list of what is to be done and gives it to a pool; the workers put what they find
 * into that list. (They must not submit to the pool themselves: were all of them to wait for a
 * place in it, nobody would make one.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crawl.h"

enum { BUCKETS = 4096 };

/* A page that has been seen; it is kept, to know it again. */
struct item {
	struct item *next_seen, *next_to_do;
	char path[];
};

static struct site site;
static long workers = 8, most = 10000;

static struct mutex lock;
static struct cond changed;
/* guarded by lock */
static struct item *seen[BUCKETS];
static struct item *first, **last = &first; /* to do */
static long known, busy;
static long pages, failures;
static size_t bytes;

/* ---- What is to be done ---- */

static struct item **bucket_of(const char *path)
{
	uint32_t hash = 2166136261; /* FNV-1a */

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 16777619;
	return &seen[hash % BUCKETS];
}

static void found(const char *path)
{
	struct item **bucket = bucket_of(path), *item;

	mutex_lock(&lock);
	for (item = *bucket; item && strcmp(item->path, path); item = item->next_seen)
		;
	if (!item && known < most && (item = malloc(sizeof *item + strlen(path) + 1))) {
		strcpy(item->path, path);
		item->next_seen = *bucket;
		*bucket = item;
		item->next_to_do = NULL;
		*last = item;
		last = &item->next_to_do;
		known++;
		cond_signal(&changed);
	}
	mutex_unlock(&lock);
}

/* The next page; NULL when all is done. It counts as being worked on. */
static struct item *take(void)
{
	struct item *item;

	mutex_lock(&lock);
	while (!first && busy)
		cond_wait(&changed, &lock);
	item = first;
	if (item) {
		first = item->next_to_do;
		if (!first)
			last = &first;
		busy++;
	}
	mutex_unlock(&lock);
	return item;
}

/* ---- One page ---- */

static void report(const struct item *item, const struct page *page, int links, uint64_t took)
{
	mutex_lock(&lock);
	pages++;
	bytes += page->size;
	failures += page->status != 200 && page->status / 100 != 3;
	if (page->status)
		printf("%6d %9zu %6llu ms %6d  %s\n", page->status, page->size,
		       (unsigned long long)(took / NSEC_PER_MSEC), links, item->path);
	else
		printf("%6s %9zu %6llu ms %6s  %s: %s\n", "-", page->size,
		       (unsigned long long)(took / NSEC_PER_MSEC), "", item->path,
		       strerror(page->error));
	fflush(stdout);
	busy--;
	cond_signal(&changed);
	mutex_unlock(&lock);
}

static void visit(void *arg)
{
	struct item *item = arg;
	struct page page;
	char path[PATH_SIZE];
	uint64_t start = time_now(), took;
	int links = 0;

	fetch(&site, item->path, &page);
	took = time_now() - start;
	if (page.status / 100 == 3 && resolve(&site, item->path, page.location, path))
		found(path);
	else if (page.status == 200 && page.html)
		links = each_link(&site, item->path, page.body, found);
	report(item, &page, links, took);
	fetch_free(&page);
}

int main(int argc, char **argv)
{
	char path[PATH_SIZE];
	struct pool *pool;
	struct item *item;
	uint64_t start = time_now(), ms;
	bool understood = argc > 1 && parse_address(argv[1], &site, path);

	for (int i = 2; i < argc; i++)
		understood = understood && (sscanf(argv[i], "workers=%ld", &workers) == 1 ||
					    sscanf(argv[i], "pages=%ld", &most) == 1);
	if (!understood || workers < 1 || most < 1) {
		printf("usage: crawl http://HOST[:PORT]/PATH [workers=%ld] [pages=%ld]\n", workers,
		       most);
		return 2;
	}
	pool = pool_make((int)workers, 0);
	if (!pool) {
		perror("crawl");
		return 1;
	}
	printf("STATUS     BYTES      TIME  LINKS  PAGE\n");
	found(path);
	while ((item = take()))
		if (pool_submit(pool, visit, item)) {
			printf("crawl: no memory for %s\n", item->path);
			return 1;
		}
	pool_free(pool);
	ms = (time_now() - start) / NSEC_PER_MSEC + 1;
	printf("%ld pages, %ld failed, %zu bytes in %llu ms: %llu pages a second\n", pages,
	       failures, bytes, (unsigned long long)ms,
	       (unsigned long long)((unsigned long)pages * 1000 / ms));
	return failures ? 1 : 0;
}
