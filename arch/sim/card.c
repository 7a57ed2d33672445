/*
 * NET=wire: a network card (virtio 1.2, 4.2 and 5.1) on a wire with a mirror at its other end. What is sent to
 * any address comes back as if it had been sent from there to here, so that a program talks to itself,
 * with all frames on the wire: 10.0.2.2 is called, and the machine's own server answers. The mirror knows
 * ARP and IPv4. With FAULTS=net a frame is lost, comes twice, or late.
 *
 * The card is no core, but it has a clock and reads and writes memory as a core does (race.c, model.c):
 * so a queue whose indexes do not order what they are to is found. It works a frame at a time, between
 * any two steps, as the strategy has it, or when all cores wait.
 */
#include "sim.h"

enum { PEER_MAC_LAST = 2, FRAME = 1518, HEADER = 12, WIRE = 32, QUEUES = 2, SIZE = 256 };
enum { RECEIVE, SEND };
enum { F_MAC = 5, F_EVENT_IDX = 29, F_VERSION_1 = 0 /* in word 1 */ };
enum { NEXT = 1, NO_INTERRUPT = 1 };
enum { FATE_USUAL, FATE_LOST, FATE_TWICE, FATE_LATE, FATES };

uintptr_t sim_card_at;

static struct sim_agent *const self = &sim_agents[SIM_CARD_AGENT];

/* As the driver has set it. */
static uint32_t status, selected, features_word, accepted, isr;
static struct queue {
	uint32_t size, ready;
	uint64_t descriptors, available, used;
	uint16_t taken; /* of what is available */
} queues[QUEUES];
static bool told; /* that there is something to send, perhaps */

static const uint8_t own[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static const uint8_t peer[6] = {0x52, 0x54, 0, 0x12, 0x34, PEER_MAC_LAST};

/* Frames on the wire, as they were sent. */
static struct frame {
	uint64_t due; /* not before */
	size_t n;
	uint8_t bytes[FRAME];
} wire[WIRE];
static int on_wire;

/* ---- Memory ---- */

static void copy(void *to, const void *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static uint16_t load(uintptr_t at, int order)
{
	uint16_t value = *(volatile uint16_t *)at;

	if (!sim_run.begun)
		return value;
	sim_look_as(self, at, sizeof value, SIM_ATOMIC);
	return (uint16_t)sim_model_load(self, at, value, order, (void *)sim_card_work);
}

static void store(uintptr_t at, uint16_t value, int order)
{
	bool last = true;

	if (sim_run.begun) {
		sim_look_as(self, at, sizeof value, SIM_ATOMIC | SIM_WRITE);
		last = sim_model_store(self, at, *(volatile uint16_t *)at, value, order,
				       (void *)sim_card_work);
	}
	if (last)
		*(volatile uint16_t *)at = value;
}

static void fence(void)
{
	if (sim_run.begun)
		sim_model_fence(self, __ATOMIC_SEQ_CST);
}

/* What happened before in one is before what follows in the other: registers, but for the doorbell. */
static void before(struct sim_agent *from, struct sim_agent *to)
{
	sim_join(&to->before, &from->before, SIM_KERNEL_AGENTS);
	sim_join(&to->seen, &from->before, SIM_KERNEL_AGENTS);
	from->before.at[from->own]++;
	from->seen.at[from->own]++;
}

/* ---- Queues ---- */

static bool has_event_idx(void)
{
	return accepted >> F_EVENT_IDX & 1;
}

static uintptr_t index_of(uintptr_t ring)
{
	return ring + 2;
}

/* The head of what is available next; -1: nothing. */
static int next_available(struct queue *q)
{
	uint16_t index = load(index_of(q->available), __ATOMIC_ACQUIRE), head;
	uintptr_t at = q->available + 4 + (uintptr_t)(q->taken % q->size) * 2;

	if (index == q->taken)
		return -1;
	sim_look_as(self, at, sizeof head, 0);
	head = *(volatile uint16_t *)at;
	return head;
}

/* It is told of what comes from here on. */
static void want_doorbell(struct queue *q)
{
	if (has_event_idx())
		store(q->used + 4 + (uintptr_t)q->size * 8, q->taken, __ATOMIC_RELAXED);
	fence();
}

static void give_back(struct queue *q, uint32_t head, uint32_t written)
{
	uint16_t was = *(volatile uint16_t *)index_of(q->used);
	volatile uint32_t *entry =
		(volatile uint32_t *)(q->used + 4 + (uintptr_t)(was % q->size) * 8);
	uintptr_t behind = q->available + 4 + (uintptr_t)q->size * 2;

	sim_look_as(self, (uintptr_t)entry, 8, SIM_WRITE);
	entry[0] = head;
	entry[1] = written;
	q->taken++;
	store(index_of(q->used), (uint16_t)(was + 1), __ATOMIC_RELEASE);
	fence();
	if (has_event_idx() ? load(behind, __ATOMIC_RELAXED) != was
			    : load(q->available, __ATOMIC_RELAXED) & NO_INTERRUPT)
		return;
	isr |= 1;
	sim_cores[0].devices |= UINT64_C(1) << SIM_CARD_IRQ;
}

/* Copies a chain, up to n bytes; from: to it, else out of it. How much. */
static size_t copy_chain(const struct queue *q, unsigned head, uint8_t *bytes, size_t n, bool to)
{
	size_t done = 0;

	for (unsigned i = head, left = q->size; left > 0; left--) {
		struct {
			uint64_t address;
			uint32_t size;
			uint16_t flags, next;
		} d;
		uintptr_t at = q->descriptors + (uintptr_t)(i % q->size) * sizeof d;
		size_t part;

		sim_look_as(self, at, sizeof d, 0);
		copy(&d, (const void *)at, sizeof d);
		part = d.size < n - done ? d.size : n - done;
		sim_look_as(self, d.address, part, to ? SIM_WRITE : 0);
		if (to)
			copy((void *)d.address, bytes + done, part);
		else
			copy(bytes + done, (const void *)d.address, part);
		done += part;
		if (!(d.flags & NEXT))
			break;
		i = d.next;
	}
	return done;
}

/* ---- The wire ---- */

enum { TYPE = 12, IP4 = 14, ARP_WHAT = 20, ARP_FROM = 22, ARP_FROM_IP = 28, ARP_TO = 32 };
enum { ARP_TO_IP = 38, ARP_END = 42, IP4_FROM = IP4 + 12, IP4_TO = IP4 + 16, IP4_END = IP4 + 20 };

static void exchange(uint8_t *a, uint8_t *b, int n)
{
	for (int i = 0; i < n; i++) {
		uint8_t was = a[i];

		a[i] = b[i];
		b[i] = was;
	}
}

static bool same_bytes(const uint8_t *a, const uint8_t *b, int n)
{
	int i = 0;

	while (i < n && a[i] == b[i])
		i++;
	return i == n;
}

/* What comes back of a frame. False: nothing. */
static bool mirror(struct frame *f)
{
	uint8_t *b = f->bytes;

	copy(b, own, sizeof own);
	copy(b + sizeof own, peer, sizeof peer);
	if (f->n >= IP4_END && b[TYPE] == 8 && b[TYPE + 1] == 0) {
		exchange(b + IP4_FROM, b + IP4_TO, 4); /* checksums stay right */
		return true;
	}
	if (f->n < ARP_END || b[TYPE] != 8 || b[TYPE + 1] != 6 || b[ARP_WHAT + 1] != 1 ||
	    same_bytes(b + ARP_FROM_IP, b + ARP_TO_IP, 4))
		return false;
	b[ARP_WHAT + 1] = 2;
	exchange(b + ARP_FROM_IP, b + ARP_TO_IP, 4);
	copy(b + ARP_TO, own, sizeof own);
	copy(b + ARP_FROM, peer, sizeof peer);
	return true;
}

static void send_one(void)
{
	enum { LATEST = 300 * 1000 * 1000 };
	struct queue *q = &queues[SEND];
	struct frame *f = &wire[on_wire];
	static uint8_t bytes[HEADER + FRAME]; /* not on a stack that is short */
	int head = next_available(q);
	size_t n;

	if (head < 0) {
		want_doorbell(q);
		head = next_available(q);
	}
	if (head < 0) {
		told = false;
		return;
	}
	n = copy_chain(q, (unsigned)head, bytes, sizeof bytes, false);
	give_back(q, (uint32_t)head, 0);
	if (n <= HEADER)
		return;
	f->n = n - HEADER;
	f->due = sim_time;
	copy(f->bytes, bytes + HEADER, f->n);
	if (!mirror(f))
		return;
	switch (sim_choose_wire(FATES, SIM_FRAMES)) {
	case FATE_LOST:
		return;
	case FATE_TWICE:
		if (on_wire + 1 < WIRE)
			copy(&wire[++on_wire], f, sizeof *f);
		break;
	case FATE_LATE:
		f->due += 1 + (f->n * 7919 + sim_steps()) % LATEST;
		break;
	}
	on_wire++;
}

static int first_due(void)
{
	for (int i = 0; i < on_wire; i++)
		if (wire[i].due <= sim_time)
			return i;
	return -1;
}

static void receive_one(int i)
{
	struct queue *q = &queues[RECEIVE];
	static uint8_t bytes[HEADER + FRAME] = {[10] = 1}; /* one buffer */
	int head = next_available(q);

	if (head < 0)
		return;
	copy(bytes + HEADER, wire[i].bytes, wire[i].n);
	give_back(q, (uint32_t)head,
		  (uint32_t)copy_chain(q, (unsigned)head, bytes, HEADER + wire[i].n, true));
	for (on_wire--; i < on_wire; i++)
		copy(&wire[i], &wire[i + 1], sizeof wire[i]);
}

static bool can_receive(void)
{
	const struct queue *q = &queues[RECEIVE];

	return first_due() >= 0 && q->ready &&
	       *(volatile uint16_t *)index_of(q->available) != q->taken;
}

bool sim_card_can_work(void)
{
	return (told && on_wire < WIRE) || can_receive();
}

void sim_card_work(void)
{
	if (told && on_wire < WIRE)
		send_one();
	else if (can_receive())
		receive_one(first_due());
}

uint64_t sim_card_due(void)
{
	uint64_t first = TIME_NEVER;

	for (int i = 0; i < on_wire; i++)
		if (wire[i].due < first)
			first = wire[i].due;
	return first > sim_time ? first : TIME_NEVER;
}

/* ---- Registers: virtio 4.2.2 ---- */

enum {
	MAGIC_VALUE = 0x000,
	VERSION = 0x004,
	DEVICE_ID = 0x008,
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SEL = 0x024,
	QUEUE_SEL = 0x030,
	QUEUE_NUM_MAX = 0x034,
	QUEUE_NUM = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = 0x050,
	INTERRUPT_STATUS = 0x060,
	INTERRUPT_ACK = 0x064,
	STATUS = 0x070,
	QUEUE_DESC = 0x080,
	QUEUE_DRIVER = 0x090,
	QUEUE_DEVICE = 0x0a0,
	CONFIG = 0x100,
};

uint64_t sim_card_read(unsigned reg)
{
	switch (reg) {
	case MAGIC_VALUE:
		return 0x74726976;
	case VERSION:
		return 2;
	case DEVICE_ID:
		return 1;
	case DEVICE_FEATURES:
		if (features_word)
			return 1u << F_VERSION_1;
		return 1u << F_MAC | (sim_choose_wire(2, SIM_FEATURES) ? 0 : 1u << F_EVENT_IDX);
	case QUEUE_NUM_MAX:
		return selected < QUEUES ? SIZE : 0;
	case INTERRUPT_STATUS:
		return isr;
	case STATUS:
		before(self, &sim_agents[sim_here - sim_cores]);
		return status;
	default:
		return reg - CONFIG < sizeof own ? own[reg - CONFIG] : 0;
	}
}

static void set_half(uint64_t *address, bool upper, uint64_t value)
{
	*address = upper ? (*address & UINT32_MAX) | value << 32
			 : (*address & ~(uint64_t)UINT32_MAX) | value;
}

static void reset(void)
{
	status = accepted = isr = 0;
	told = false;
	on_wire = 0;
	for (int i = 0; i < QUEUES; i++)
		queues[i] = (struct queue){.size = 0};
}

void sim_card_write(unsigned reg, uint64_t value)
{
	struct queue *q = &queues[selected < QUEUES ? selected : 0];

	if (reg == QUEUE_NOTIFY) {
		told |= value == SEND && queues[SEND].ready;
		return;
	}
	before(&sim_agents[sim_here - sim_cores], self);
	switch (reg) {
	case DEVICE_FEATURES_SEL:
	case DRIVER_FEATURES_SEL:
		features_word = (uint32_t)value;
		break;
	case DRIVER_FEATURES:
		if (!features_word)
			accepted = (uint32_t)value;
		break;
	case QUEUE_SEL:
		selected = (uint32_t)value;
		break;
	case QUEUE_NUM:
		q->size = (uint32_t)value;
		break;
	case QUEUE_READY:
		q->ready = (uint32_t)value;
		break;
	case INTERRUPT_ACK:
		isr &= ~(uint32_t)value;
		break;
	case STATUS:
		status = (uint32_t)value;
		if (!status)
			reset();
		break;
	case QUEUE_DESC:
	case QUEUE_DESC + 4:
		set_half(&q->descriptors, reg & 4, value);
		break;
	case QUEUE_DRIVER:
	case QUEUE_DRIVER + 4:
		set_half(&q->available, reg & 4, value);
		break;
	case QUEUE_DEVICE:
	case QUEUE_DEVICE + 4:
		set_half(&q->used, reg & 4, value);
		break;
	}
}
