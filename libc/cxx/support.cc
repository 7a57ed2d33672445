/*
 * What C++ calls by itself: new and delete, the first pass through a static variable's declaration,
 * destructors, the waiting of <atomic>, and what the library's templates do in place of an exception.
 * Linked with programs that have C++ in them. Nothing here throws: what would, panics.
 */
#include <stdlib.h>
#include <vole.h>

#include <new>

#include <syscall.h>

static void *allocate(size_t size, size_t align)
{
	return align ? aligned_alloc(align, (size + align - 1) & -align) : malloc(size);
}

static void *need(size_t size, size_t align)
{
	void *p = allocate(size, align);

	if (!p)
		runtime_panic("operator new: no memory for %zu bytes", size);
	return p;
}

void *operator new(size_t size)
{
	return need(size, 0);
}

void *operator new[](size_t size)
{
	return need(size, 0);
}

void *operator new(size_t size, std::align_val_t align)
{
	return need(size, size_t(align));
}

void *operator new[](size_t size, std::align_val_t align)
{
	return need(size, size_t(align));
}

void *operator new(size_t size, const std::nothrow_t &) noexcept
{
	return allocate(size, 0);
}

void *operator new[](size_t size, const std::nothrow_t &) noexcept
{
	return allocate(size, 0);
}

void operator delete(void *p) noexcept
{
	free(p);
}

void operator delete[](void *p) noexcept
{
	free(p);
}

void operator delete(void *p, size_t) noexcept
{
	free(p);
}

void operator delete[](void *p, size_t) noexcept
{
	free(p);
}

void operator delete(void *p, std::align_val_t) noexcept
{
	free(p);
}

void operator delete[](void *p, std::align_val_t) noexcept
{
	free(p);
}

void operator delete(void *p, size_t, std::align_val_t) noexcept
{
	free(p);
}

void operator delete[](void *p, size_t, std::align_val_t) noexcept
{
	free(p);
}

void operator delete(void *p, const std::nothrow_t &) noexcept
{
	free(p);
}

void operator delete[](void *p, const std::nothrow_t &) noexcept
{
	free(p);
}

const std::nothrow_t std::nothrow{};

/* The first byte of a guard says that its variable is made: compiled code reads it, with acquire. */
struct guard {
	char made, busy;
};

static struct mutex guards;
static struct cond made;

extern "C" {

/* Who gets 1 makes the variable, and then releases or aborts. */
int __cxa_guard_acquire(guard *g)
{
	mutex_lock(&guards);
	while (g->busy)
		cond_wait(&made, &guards);
	int first = !g->made;
	g->busy = first;
	mutex_unlock(&guards);
	return first;
}

void __cxa_guard_release(guard *g)
{
	mutex_lock(&guards);
	g->busy = 0;
	// release: with the acquire in compiled code.
	__atomic_store_n(&g->made, 1, __ATOMIC_RELEASE);
	cond_broadcast(&made);
	mutex_unlock(&guards);
}

void __cxa_guard_abort(guard *g)
{
	mutex_lock(&guards);
	g->busy = 0;
	cond_broadcast(&made);
	mutex_unlock(&guards);
}

/* Destructors of what is thread_local: deferred, so the coroutine's end runs them. */
int __cxa_thread_atexit(void (*destructor)(void *), void *object, void *)
{
	return go_defer(destructor, object);
}

[[noreturn]] void __cxa_pure_virtual(void)
{
	runtime_panic("a pure virtual function was called");
}

[[noreturn]] void __cxa_deleted_virtual(void)
{
	runtime_panic("a deleted virtual function was called");
}

/* std::_Sp_make_shared_tag::_S_eq, which <memory> asks for the type of what it has itself made. */
bool made_shared(const void *type) __asm__("_ZNSt19_Sp_make_shared_tag5_S_eqERKSt9type_info");

bool made_shared(const void *)
{
	return false;
}

/* Of which object of the link a destructor is: there is one. */
__attribute__((weak, visibility("hidden"))) void *__dso_handle;
}

namespace std
{
/*
 * Linux's futex, as <atomic> calls it: a coroutine waits as long as *word is value, or less long. Words
 * share a few queues, and who wakes one wakes all in its queue. What comes between the look and the
 * waiting is not missed: who changes the word then wakes with the lock.
 */
long __detail::syscall(long, const void *word, int what, int value, ...)
{
	enum { WAIT = 0, OPERATION = 0x7f, QUEUES = 16 };
	static struct {
		struct mutex lock;
		struct cond changed;
	} queues[QUEUES];
	auto &queue = queues[(size_t)word / sizeof(int) % QUEUES];
	bool shielded = go_shield(true); // C++ knows no cancellation

	mutex_lock(&queue.lock);
	if ((what & OPERATION) != WAIT)
		cond_broadcast(&queue.changed);
	else if (__atomic_load_n((const int *)word, __ATOMIC_RELAXED) == value)
		cond_wait(&queue.changed, &queue.lock);
	mutex_unlock(&queue.lock);
	go_shield(shielded);
	return 0;
}

#define THROWS(name) \
	[[noreturn]] void __throw_##name(const char *what) \
	{ \
		runtime_panic("C++: " #name ": %s", what); \
	}
THROWS(logic_error)
THROWS(domain_error)
THROWS(invalid_argument)
THROWS(length_error)
THROWS(out_of_range)
THROWS(runtime_error)
THROWS(range_error)
THROWS(overflow_error)

[[noreturn]] void __throw_out_of_range_fmt(const char *what, ...)
{
	runtime_panic("C++: out_of_range: %s", what);
}

[[noreturn]] void __throw_system_error(int error)
{
	runtime_panic("C++: system_error: %d", error);
}

[[noreturn]] void __throw_bad_alloc(void)
{
	runtime_panic("C++: bad_alloc");
}

[[noreturn]] void __throw_bad_array_new_length(void)
{
	runtime_panic("C++: bad_array_new_length");
}

[[noreturn]] void __throw_bad_function_call(void)
{
	runtime_panic("C++: bad_function_call");
}
} // namespace std
