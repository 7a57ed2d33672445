#include "debug/calls.h"

#include "debug/panic.h"
#include "kernel/core.h"

static void *report_forbidden(void *name, void *unused)
{
	bool handler = arch_current()->holder == HOLDER_HANDLER;

	(void)unused;
	panic("%s in an interrupt handler%s", (const char *)name,
	      handler ? "" : " (a function of irq_defer), where nothing can wait");
}

_Noreturn void call_forbidden(const char *name)
{
	core_report(report_forbidden, (void *)name, NULL);
}
