/*
 * Memory: RAM is one mapping. So are the windows, in which a page is there or not: userfaultfd
 * makes a touch of one that is not a signal, and puts one there, which keeps it one mapping for
 * Linux however many stacks there are. Where a host does not allow that (or NO_USERFAULTFD is set,
 * for tests), each page is protected by itself, and Linux's limit of mappings (vm.max_map_count)
 * allows some 30000 coroutines.
 *
 * The contents of a mapped page are the window's own: the page of RAM that the kernel gives for it
 * stands for it in the kernel's books, and stays untouched.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Below the windows. */
#define RAM_BASE (ARCH_WINDOW_BASE - RAM_MAX)
#define RAM_MAX  ((uintptr_t)1 << 38)
#define RAM_MIN  ((uintptr_t)1 << 20)

static int window_fd = -1; /* userfaultfd; -1: by protection */

/* Of every page of the windows: the page of RAM that stands for it, 0: none. Mostly untouched. */
static _Atomic uintptr_t *pages;

static void *reserve(uintptr_t at, size_t size, int protection)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED_NOREPLACE : 0);
	void *p = mmap((void *)at, size, protection, flags, -1, 0);

	if (p == MAP_FAILED || (at && p != (void *)at))
		host_die("no address space");
	return p;
}

static int control(int fd, unsigned long what, void *arg)
{
	return (int)host_call(SYS_ioctl, fd, (long)what, (long)arg, 0, 0, 0);
}

static bool window_by_faults(uintptr_t base, size_t size)
{
	struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_SIGBUS};
	struct uffdio_register range = {.range = {base, size},
					.mode = UFFDIO_REGISTER_MODE_MISSING};
	int fd = getenv("NO_USERFAULTFD")
			 ? -1
			 : (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (fd < 0)
		return false;
	if (control(fd, UFFDIO_API, &api) || control(fd, UFFDIO_REGISTER, &range)) {
		close(fd);
		return false;
	}
	window_fd = fd;
	return true;
}

/* What the launcher has opened for us (tools/records.py). */
static void take_record(void)
{
	const char *text = getenv("VOLE_RECORD");
	char *end;

	if (!text)
		return;

	int fd = (int)strtoul(text, &end, 10);
	size_t size = *end == ':' ? strtoul(end + 1, &end, 10) : 0;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (p == MAP_FAILED)
		host_die("VOLE_RECORD");
	close(fd);
	machine.record_options = *end == ':' ? end + 1 : NULL;
	machine.record_base = (uintptr_t)p;
	machine.record_size = size;
}

void host_memory_init(void)
{
	size_t size = host_option_size("MEM", (size_t)2 << 30) & -(size_t)PAGE_SIZE;
	uintptr_t window = ARCH_WINDOW_BASE;
	size_t window_size = ARCH_WINDOW_END - window;

	if (size < RAM_MIN || size > RAM_MAX) {
		fprintf(stderr, "vole: MEM=%s: 1M to 256G is wanted\n", getenv("MEM"));
		_exit(1);
	}

	reserve(RAM_BASE, size, PROT_READ | PROT_WRITE);
	madvise((void *)RAM_BASE, size, MADV_HUGEPAGE); /* as the other ports map theirs */
	machine.ram[0] = (struct ram_range){RAM_BASE, size};
	machine.nram = 1;
	take_record();

	pages = reserve(0, window_size / PAGE_SIZE * sizeof *pages, PROT_READ | PROT_WRITE);
	reserve(window, window_size, PROT_READ | PROT_WRITE);
	/* Huge pages would put memory where there is to be none. */
	madvise((void *)window, window_size, MADV_NOHUGEPAGE);
	if (!window_by_faults(window, window_size))
		mprotect((void *)window, window_size, PROT_NONE);
}

static _Atomic uintptr_t *entry(uintptr_t va)
{
	return &pages[(va - ARCH_WINDOW_BASE) / PAGE_SIZE];
}

/* 0 or a negative errno value. */
static int page_in(uintptr_t va)
{
	static const char zero[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	struct uffdio_copy copy = {.dst = va, .src = (uintptr_t)zero, .len = PAGE_SIZE};
	int error;

	if (window_fd < 0)
		return (int)host_call(SYS_mprotect, (long)va, PAGE_SIZE, PROT_READ | PROT_WRITE, 0,
				      0, 0);
	while ((error = control(window_fd, UFFDIO_COPY, &copy)) == -EAGAIN)
		copy.copy = 0;
	return error;
}

bool host_page_in(uintptr_t va)
{
	return page_in(va) == 0;
}

/* One that finds the entry taken while the page is not there yet faults again. The page may be there
 * before (host_page_in). */
int arch_map(uintptr_t va, uintptr_t pa, unsigned flags, void *(*take_page)(void))
{
	uintptr_t none = 0;
	int error;

	(void)flags;
	(void)take_page;
	if (!atomic_compare_exchange_strong_explicit(entry(va), &none, pa, memory_order_relaxed,
						     memory_order_relaxed))
		return -EEXIST;
	error = page_in(va);
	if (!error || error == -EEXIST)
		return 0;
	atomic_store_explicit(entry(va), 0, memory_order_relaxed);
	return -ENOMEM;
}

void arch_unmap(const uintptr_t *va, size_t n, uintptr_t *was)
{
	for (size_t i = 0; i < n; i++) {
		madvise((void *)va[i], PAGE_SIZE, MADV_DONTNEED);
		if (window_fd < 0)
			mprotect((void *)va[i], PAGE_SIZE, PROT_NONE);
		was[i] = atomic_exchange_explicit(entry(va[i]), 0, memory_order_relaxed);
	}
}
