/*
 * What the compiler calls where it was told to look for undefined behaviour (SAN=ubsan, asan) and
 * has found some: a panic. The functions and what they are given are the compilers', GCC's and
 * clang's alike; elsewhere nothing calls them, and the linker leaves them out.
 */
#include <stddef.h>
#include <stdint.h>

#include "debug/panic.h"

struct location {
	const char *file;
	uint32_t line, column;
};

struct type {
	uint16_t kind, info;
	char name[]; /* in quotes */
};

static _Noreturn void report_undefined(const struct location *at, const char *what,
				       const struct type *type)
{
	panic("undefined behaviour at %s:%u:%u: %s%s", at->file, at->line, at->column, what,
	      type ? type->name : "");
}

/* All that these look at is where they come from, and the type that follows it. */
struct where {
	struct location at;
	const struct type *type;
};

#define TYPED(handler, what) \
	_Noreturn void __ubsan_handle_##handler(const struct where *where); \
	_Noreturn void __ubsan_handle_##handler(const struct where *where) \
	{ \
		report_undefined(&where->at, what, where->type); \
	}

#define UNTYPED(handler, what) \
	_Noreturn void __ubsan_handle_##handler(const struct where *where); \
	_Noreturn void __ubsan_handle_##handler(const struct where *where) \
	{ \
		report_undefined(&where->at, what, NULL); \
	}

TYPED(add_overflow_abort, "addition overflows ")
TYPED(sub_overflow_abort, "subtraction overflows ")
TYPED(mul_overflow_abort, "multiplication overflows ")
TYPED(negate_overflow_abort, "negation overflows ")
TYPED(divrem_overflow_abort, "division by zero, or overflow, in ")
TYPED(shift_out_of_bounds_abort, "shift by too much, or of too much, in ")
TYPED(vla_bound_not_positive_abort, "an array of no size, counted in ")
TYPED(load_invalid_value_abort, "a value that is none of ")
UNTYPED(pointer_overflow_abort, "pointer arithmetic overflows")
UNTYPED(nonnull_arg_abort, "NULL for an argument that may not be")
UNTYPED(invalid_builtin_abort, "zero for a builtin that does not take it")
UNTYPED(builtin_unreachable, "this cannot be reached, it was said")
UNTYPED(missing_return, "the end of a function that returns a value")

_Noreturn void __ubsan_handle_out_of_bounds_abort(const struct where *where, uintptr_t index);
_Noreturn void __ubsan_handle_type_mismatch_v1_abort(const struct where *where, uintptr_t pointer);
_Noreturn void __ubsan_handle_nonnull_return_v1_abort(const void *data, const struct location *at);

void __ubsan_handle_out_of_bounds_abort(const struct where *where, uintptr_t index)
{
	panic("undefined behaviour at %s:%u:%u: index %ld of %s", where->at.file, where->at.line,
	      where->at.column, (long)index, where->type->name);
}

void __ubsan_handle_type_mismatch_v1_abort(const struct where *where, uintptr_t pointer)
{
	panic("undefined behaviour at %s:%u:%u: %p is no place for %s", where->at.file,
	      where->at.line, where->at.column, (void *)pointer, where->type->name);
}

void __ubsan_handle_nonnull_return_v1_abort(const void *data, const struct location *at)
{
	(void)data;
	report_undefined(at, "NULL from a function that may not return it", NULL);
}
