/*
 * SAN=asan and the heap: it stays the kernel's, with all that tests look at, but
 *
 *	block of the heap    ... | struct record | the caller's size bytes | zone | ...
 *
 * nobody may touch the record and the zone, and a block that was freed waits for a while, untouchable,
 * before it is used again. The linker sends calls of NAME to __wrap_NAME.
 */
#include "kernel/heap.h"
#include "debug/asan/asan.h"
#include "debug/asan/wraps.h"
#include "debug/block.h"
#include "debug/callers.h"
#include "debug/panic.h"
#include "debug/print.h"
#include "debug/symtab.h"
#include "debug/who.h"
#include "kernel/core.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "kernel/slab.h"

enum { ZONE = 32, FRAMES = 7, WHO = 4, QUEUE = 4096, QUEUE_BYTES = 8 << 20 };
enum { LIVE = 0x5a17e9b3, GONE = 0x0dead9e5 };

/* Who did something with a block. */
struct moment {
	uint64_t id; /* of the coroutine; 0: none */
	uint64_t name[WHO];
	uint32_t pc[FRAMES]; /* of the image; 0: no more */
	uint32_t unused;
};

struct record {
	struct moment allocated, freed;
	size_t size;
	uint32_t shift; /* of the caller's first byte in the heap's block */
	_Atomic uint32_t state;
};

_Static_assert(sizeof(struct record) % 16 == 0, "a block is aligned as malloc's are");

/* The blocks that were freed last, as a ring. */
static struct {
	struct spinlock lock;
	/* guarded by lock */
	uintptr_t block
		[QUEUE]; /* inverted: what was freed is not reached by this, for debug/leaks.c */
	size_t oldest, count, bytes;
} queue;

static struct record *record_of(const void *p)
{
	return (struct record *)(uintptr_t)p - 1;
}

static void *base_of_block(const void *p)
{
	return (char *)(uintptr_t)p - record_of(p)->shift;
}

static void note(struct moment *m)
{
	struct co *co = arch_current();
	struct backtrace b;
	struct co_who who = {0};
	int n = 0;

	m->id = co ? co->id : 0;
	if (m->id)
		co_look(co, &who);
	for (int i = 0; i < WHO; i++)
		m->name[i] = ((uint64_t *)(void *)who.name)[i];
	arch_backtrace_here(&b);
	while (co && n < FRAMES && callers_step(&b, co->stack_mapped, co->stack_top))
		m->pc[n++] = b.pc >> 32 ? 0 : (uint32_t)b.pc;
	if (n < FRAMES)
		m->pc[n] = 0;
}

/* ---- */

/* Lock held. It counts as allocated once more, until the heap has it back. */
static void let_go_of_oldest(void)
{
	void *base = base_of_block((void *)~queue.block[queue.oldest++ % QUEUE]);
	size_t size = __real_heap_size(base);

	queue.count--;
	queue.bytes -= size;
	shared_add(core_here()->heap_bytes, (int64_t)size);
	asan_allow(base, size);
	__real_heap_free(base);
}

/* Memory is short. False: nothing was left. */
static bool let_go_of_all(void)
{
	bool any;

	lock(&queue.lock);
	any = queue.count != 0;
	while (queue.count)
		let_go_of_oldest();
	unlock(&queue.lock);
	return any;
}

/* How far behind the beginning of the heap's block the caller's is. */
static size_t shift_for(size_t align)
{
	return (sizeof(struct record) + align - 1) & -align;
}

void *__wrap_heap_alloc_aligned(size_t align, size_t size)
{
	size_t shift = shift_for(align);
	char *base;

	if (size > PTRDIFF_MAX - PAGE_SIZE || align > (size_t)1 << 30)
		return NULL;
	do
		base = __real_heap_alloc_aligned(align, shift + size + ZONE);
	while (!base && let_go_of_all());
	if (!base)
		return NULL;

	char *p = base + shift;
	struct record *r = record_of(p);

	asan_allow(base, __real_heap_size(base));
	r->size = size;
	r->shift = (uint32_t)shift;
	note(&r->allocated);
	r->freed.pc[0] = 0;
	atomic_store_explicit(&r->state, LIVE, memory_order_relaxed);
	asan_forbid(base, shift, ASAN_HEAP);
	asan_forbid(p + size, __real_heap_size(base) - shift - size, ASAN_HEAP);
	return p;
}

void *__wrap_heap_alloc(size_t size)
{
	return __wrap_heap_alloc_aligned(16, size);
}

static _Noreturn void bad_free(const char *kind, const void *p);

static bool has_record(const void *p)
{
	const struct page *page = page_of(p), *before = page_of(record_of(p));
	uint32_t state;

	if (!page || !before || (uintptr_t)p % 16)
		return false;
	state = atomic_load_explicit(&record_of(p)->state, memory_order_relaxed);
	return state == LIVE || state == GONE;
}

void __wrap_heap_free(void *p)
{
	uint32_t live = LIVE;
	size_t size;

	if (!p)
		return;
	if (!has_record(p))
		bad_free("bad-free", p);
	if (!atomic_compare_exchange_strong_explicit(&record_of(p)->state, &live, GONE,
						     memory_order_relaxed, memory_order_relaxed))
		bad_free("double-free", p);
	note(&record_of(p)->freed);
	asan_forbid(p, (record_of(p)->size + 7) & ~(size_t)7, ASAN_HEAP_FREED);
	size = __real_heap_size(base_of_block(p));
	lock(&queue.lock);
	shared_add(core_here()->heap_bytes, -(int64_t)size);
	while (queue.count && (queue.count == QUEUE || queue.bytes + size > QUEUE_BYTES))
		let_go_of_oldest();
	queue.block[(queue.oldest + queue.count++) % QUEUE] = ~(uintptr_t)p;
	queue.bytes += size;
	unlock(&queue.lock);
}

size_t __wrap_heap_size(const void *p)
{
	if (!has_record(p))
		bad_free("bad-free", p);
	return record_of(p)->size;
}

/* ---- Reports ---- */

/* The block at or next to at; NULL: none. */
static const struct record *record_near(uintptr_t at)
{
	const char *base = heap_block_of((void *)at);
	const struct record *r;

	if (!base)
		return NULL;
	for (size_t align = 16; shift_for(align) < __real_heap_size(base); align *= 2) {
		r = record_of(base + shift_for(align));
		if (has_record(r + 1) && r->shift == shift_for(align))
			return r;
	}
	return NULL;
}

size_t asan_block_bytes(const void *base)
{
	const struct record *r = record_near((uintptr_t)base);

	return r && atomic_load_explicit(&r->state, memory_order_relaxed) != GONE ? r->size : 0;
}

void asan_place_in_block(uintptr_t at, char *text, size_t size)
{
	const struct record *r = record_near(at);
	uintptr_t p = (uintptr_t)(r + 1);

	text[0] = '\0';
	if (!r)
		return;
	if (at < p)
		format(text, size, ", %lu bytes before a block of %zu bytes", p - at, r->size);
	else if (at - p < r->size)
		format(text, size, ", byte %lu of a block of %zu bytes", at - p, r->size);
	else
		format(text, size, ", %lu bytes behind a block of %zu bytes", at - p - r->size,
		       r->size);
}

static void print_moment(const char *what, const struct moment *m)
{
	union {
		uint64_t words[WHO];
		char text[WHO * sizeof(uint64_t)];
	} who;

	/* What prints is checked, on the host port. */
	for (int i = 0; i < WHO; i++)
		who.words[i] = m->name[i];
	print("%s by coroutine %lu \"%s\":\n", what, m->id, who.text);
	for (int i = 0; i < FRAMES && m->pc[i]; i++) {
		size_t offset;
		const char *name = symtab_find(m->pc[i] - 1, &offset);

		print("  #%d 0x%016lx %s+0x%zx\n", i, (uintptr_t)m->pc[i], name, offset + 1);
	}
}

bool asan_tell_block(uintptr_t at)
{
	const struct record *r = record_near(at);

	if (!r)
		return false;
	print_moment("allocated", &r->allocated);
	if (atomic_load_explicit(&r->state, memory_order_relaxed) == GONE)
		print_moment("freed", &r->freed);
	return true;
}

const char *asan_kind_of(uintptr_t at)
{
	const struct record *r = record_near(at);

	if (!r)
		return "stack-use-after-end";
	/* In a block that lives, it has begun there and goes on behind its end. */
	if (at - (uintptr_t)(r + 1) < r->size &&
	    atomic_load_explicit(&r->state, memory_order_relaxed) == GONE)
		return "heap-use-after-free";
	return "heap-buffer-overflow";
}

void asan_report_begins(void)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;

	while (atomic_flag_test_and_set_explicit(&told, memory_order_relaxed))
		arch_relax();
}

/* Written after asan_report_begins. */
static struct {
	const char *kind;
	const void *p;
} wrong_free;

static void tell_of_free(void)
{
	asan_tell_block((uintptr_t)wrong_free.p);
}

static void *report_free(void *unused, void *unused2)
{
	char place[64];

	(void)unused;
	(void)unused2;
	panic_more = tell_of_free;
	asan_place_in_block((uintptr_t)wrong_free.p, place, sizeof place);
	panic("%s of %p%s", wrong_free.kind, wrong_free.p, place);
}

static _Noreturn void bad_free(const char *kind, const void *p)
{
	asan_report_begins();
	wrong_free.kind = kind;
	wrong_free.p = p;
	core_report(report_free, NULL, NULL);
}
