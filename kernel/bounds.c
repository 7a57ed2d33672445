/*
 * The table of an image without one; tools/stackdepth makes those that take its place. And what it
 * cannot see in the kernel by itself, see tools/stackdepth --help:
 *
 * depth: pointer kernel/co.c self->fn)(self->arg) : @entry
 * depth: pointer kernel/co.c self->fn(self->arg) : @entry
 * depth: pointer kernel/co.c self->at_end(self->end_arg) : member_ended task_ended
 * depth: pointer kernel/co.c self->at_end(self->end_arg) : future_finish gen_end
 * depth: pointer sync/future.c task->fn(task->arg) : @started
 * depth: pointer sync/gen.c g->fn(g, g->arg) : @started
 * depth: pointer kernel/co.c call.fn(call.arg) : @deferred
 * depth: pointer sync/once.c fn(arg) : @passed
 *
 * What core_call calls runs on the core's own stack, and so does a panic's report:
 * depth: pointer kernel/core.c fn(a, b); : @nothing
 * depth: never report_panic : panic
 *
 * depth: after libc_co_exit : __getreent libc_init
 */
#include "kernel/bounds.h"

__attribute__((weak)) const struct stack_bounds stack_bounds = {.multiplier = 0, .shift = 63};
__attribute__((weak)) const struct stack_bound stack_bound_table[2] = {{0, 0}, {0, 0}};
