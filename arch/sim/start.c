/*
 * From the beginning of the process to kernel_start. Choices come from the environment, as the
 * launcher takes them: SMP, MEM, ARGS; explore.c has more.
 */
#include "sim.h"

enum { BOOT_STACK = 64 * 1024 };

static _Alignas(16) char boot_stack[BOOT_STACK] __asm__("sim_boot_stack") __attribute__((used));
__asm__(".globl sim_boot_stack_end\n.set sim_boot_stack_end, sim_boot_stack + 65536");

static char line[COMMAND_LINE_SIZE];

void sim_main(uintptr_t *words);

const char *sim_option(char **env, const char *name)
{
	for (; *env; env++) {
		const char *at = *env, *n = name;

		while (*n && *at == *n)
			at++, n++;
		if (!*n && *at == '=')
			return at + 1;
	}
	return "";
}

bool sim_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

uint64_t sim_number(char **env, const char *name, uint64_t otherwise, bool size)
{
	const char *text = sim_option(env, name), *at = text;
	uint64_t value = 0;

	if (!*text)
		return otherwise;
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			break;
	if (size && at > text && !(value >> 34)) /* else it is no number */
		switch (*at) {
		case 'G':
		case 'g':
			value <<= 10; /* fallthrough */
		case 'M':
		case 'm':
			value <<= 10; /* fallthrough */
		case 'K':
		case 'k':
			value <<= 10;
			at++;
		}
	if (*at || (size && !value))
		sim_usage(name, ": a number is wanted, not ", text);
	return value;
}

static void boot(void *unused)
{
	(void)unused;
	kernel_start();
}

static size_t memory_size(char **env)
{
	enum { LEAST = 1 << 20 };
	uint64_t size = sim_number(env, "MEM", 64 << 20, true);

	if (size < LEAST || size > SIM_MOST_MEMORY)
		sim_usage("MEM", ": 1M to 64G, not ", sim_option(env, "MEM"));
	return size & -(size_t)PAGE_SIZE;
}

/* What Linux has put on the first stack: argc, argv, NULL, the environment, NULL. */
void sim_main(uintptr_t *words)
{
	char **argv = (char **)(words + 1), **env = argv + words[0] + 1;
	size_t n = 0;
	const char *net = sim_option(env, "NET");
	const char *parts[] = {"vole.stdin=framed ", *net ? "vole.ip=10.0.2.15/24,10.0.2.2 " : "",
			       sim_option(env, "ARGS")};

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		for (const char *at = parts[i]; *at; at++) {
			if (n == sizeof line - 1)
				sim_usage("ARGS", " is too long", "");
			line[n++] = *at;
		}
	machine.command_line = line;
	machine.processor = "a simulated machine";
	machine.frame_size = (sizeof(struct arch_regs) + 63) & -(size_t)64;
	machine.ncores = (int)sim_number(env, "SMP", 2, false);
	if (machine.ncores < 1 || machine.ncores > SIM_KERNEL_AGENTS)
		sim_usage("SMP", ": 1 to 8", "");
	if (*net) {
		if (!sim_same(net, "wire"))
			sim_usage("NET", ": there is only wire, not ", net);
		if (machine.ncores > SIM_CARD_AGENT)
			sim_usage("NET", ": with at most 7 cores", "");
		machine.virtio_mmio[0].base = PAGE_SIZE;
		machine.virtio_mmio[0].irq = SIM_CARD_IRQ;
		machine.nvirtio_mmio = 1;
	}
	for (int i = 0; i < machine.ncores; i++)
		machine.core_hw_id[i] = (uint64_t)i;
	machine.console_base = SIM_UART;
	machine.console_irq = SIM_UART_IRQ;
	sim_explore_init(env);
	sim_memory_init(memory_size(env));
	if (*sim_option(env, "VOLE_RECORD"))
		sim_memory_record(sim_option(env, "VOLE_RECORD"));
	sim_faults_init();
	sim_here->masked = true;
	sim_enter(boot_stack + sizeof boot_stack, boot, NULL);
}
