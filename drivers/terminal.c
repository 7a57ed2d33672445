/*
 * The terminal: from what came in (input.c) to what a reader gets. Where a person types, lines are
 * edited here until they are complete, and echoed, as <termios.h> says; files and pipes pass
 * unaltered.
 *
 * text is a ring: from tail to head there is what can be read, from head to edit the line that is
 * being typed. The deferred work of the interrupt moves there what came in, and tells who waits; a
 * reader does the same where it has made room.
 */
#include "drivers/terminal.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <termios.h>

#include <vole/go.h>
#include <vole/irq.h>
#include <vole/sync.h>
#include <vole/time.h>

#include "debug/print.h"
#include "drivers/console.h"
#include "drivers/input.h"
#include "kernel/lock.h"
#include "kernel/sched.h"
#include "kernel/start.h"
#include "sync/wait.h"

enum { SIZE = 4096, ECHO_SIZE = 1024 }; /* powers of two */
enum { STATUS_INTERRUPTED = 130, TAB_COLUMNS = 8, READ_TIME = NSEC_PER_SEC / 10 /* of VTIME */ };

static struct spinlock terminal_lock;
/* guarded by terminal_lock */
static uint16_t text[SIZE]; /* bytes and marks */
static uint32_t tail, head, edit;
static struct wait_queue pollers;
static unsigned interrupts;     /* MARK_INTERRUPTs that have come */
static uint8_t echo[ECHO_SIZE]; /* to be echoed */
static uint32_t echo_head, echo_tail;
static struct termios settings = {
	.c_iflag = ICRNL | IXON | IUTF8,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = CS8 | CREAD | CLOCAL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {[VINTR] = 'C' & 31,
		 [VQUIT] = '\\' & 31,
		 [VERASE] = 127,
		 [VKILL] = 'U' & 31,
		 [VEOF] = 'D' & 31,
		 [VMIN] = 1,
		 [VSTART] = 'Q' & 31,
		 [VSTOP] = 'S' & 31,
		 [VSUSP] = 'Z' & 31,
		 [VREPRINT] = 'R' & 31,
		 [VWERASE] = 'W' & 31,
		 [VLNEXT] = 'V' & 31},
	.c_ispeed = B115200,
	.c_ospeed = B115200,
};

/* For the handler: those of settings, 0: none; and whether it says that they are seen. */
static _Atomic uint8_t interrupt_key = 'C' & 31, dump_key = '\\' & 31;
static _Atomic bool interrupt_shown = true;

static _Atomic(go_fn *) on_interrupt; /* NULL: it ends the machine */

static struct event some; /* for the one reader that waits */
static struct sema turn;  /* of readers */

static bool heeds(tcflag_t flag)
{
	return settings.c_lflag & flag;
}

static bool is_key(int which, uint16_t entry)
{
	return entry != _POSIX_VDISABLE && entry == settings.c_cc[which];
}

/* ---- Echo ----------------------------------------------------------------------------------- */

bool terminal_echo_left(void)
{
	return shared_get(echo_head) != shared_get(echo_tail);
}

size_t terminal_take_echo(uint8_t *bytes, size_t n)
{
	lock(&terminal_lock);
	if (n > echo_head - echo_tail)
		n = echo_head - echo_tail;
	for (size_t i = 0; i < n; i++)
		bytes[i] = echo[(echo_tail + i) % ECHO_SIZE];
	shared_set(echo_tail, echo_tail + (uint32_t)n);
	unlock(&terminal_lock);
	return n;
}

/* What finds no room is not shown: nothing has gone out for a long time. */
static void show(uint8_t byte)
{
	if (echo_head - echo_tail >= ECHO_SIZE)
		return;
	echo[echo_head % ECHO_SIZE] = byte;
	shared_set(echo_head, echo_head + 1);
}

static bool is_control(uint16_t entry)
{
	return entry < ' ' || entry == 127;
}

/* How a character of a line looks: a tab as blanks, so that erasing it knows how many. */
static void show_typed(uint16_t entry)
{
	if (!heeds(ECHO))
		return;
	if (entry == '\t' && heeds(ICANON)) {
		for (int i = 0; i < TAB_COLUMNS; i++)
			show(' ');
	} else if (is_control(entry) && entry != '\n' && entry != '\t' && heeds(ECHOCTL)) {
		show('^');
		show((uint8_t)(entry ^ 64));
	} else {
		show((uint8_t)entry);
	}
}

static int columns(uint16_t entry)
{
	if (entry == '\t')
		return TAB_COLUMNS;
	if (is_control(entry))
		return heeds(ECHOCTL) ? 2 : 0;
	return (entry & 0xc0) == 0x80 ? 0 : 1; /* the later bytes of a character in UTF-8 */
}

/* ---- Editing a line ------------------------------------------------------------------------- */

static void put_typed(uint16_t entry)
{
	text[edit++ % SIZE] = entry;
}

static uint16_t last_typed(void)
{
	return text[(edit - 1) % SIZE];
}

static void erase_byte(void)
{
	int width = columns(last_typed());

	edit--;
	if (!heeds(ECHO))
		return;
	for (int i = 0; i < width; i++) {
		show('\b');
		show(' ');
		show('\b');
	}
}

static void erase_character(void)
{
	while (edit != head && (last_typed() & 0xc0) == 0x80)
		erase_byte();
	if (edit != head)
		erase_byte();
}

static bool is_blank(uint16_t entry)
{
	return entry == ' ' || entry == '\t';
}

static void erase_word(void)
{
	while (edit != head && is_blank(last_typed()))
		erase_byte();
	while (edit != head && !is_blank(last_typed()))
		erase_byte();
}

static void erase_line(void)
{
	while (edit != head)
		erase_byte();
}

static void reprint(void)
{
	show_typed('R' & 31);
	show('\n');
	for (uint32_t i = head; i != edit; i++)
		show_typed(text[i % SIZE]);
}

static bool ends_line(uint16_t entry)
{
	return entry == '\n' || is_key(VEOL, entry) || is_key(VEOL2, entry);
}

/* One byte more of a line. */
static void type(uint16_t entry)
{
	if (is_key(VERASE, entry) || (entry == '\b' && settings.c_cc[VERASE] == 127)) {
		erase_character(); /* some terminals send the one, some the other */
	} else if (is_key(VKILL, entry)) {
		erase_line();
	} else if (is_key(VWERASE, entry) && heeds(IEXTEN)) {
		erase_word();
	} else if (is_key(VREPRINT, entry) && heeds(IEXTEN)) {
		reprint();
	} else if (is_key(VEOF, entry)) {
		put_typed(MARK_EOF);
		head = edit;
	} else if (ends_line(entry)) {
		put_typed(entry);
		head = edit;
		if (heeds(ECHO))
			show_typed(entry);
		else if (heeds(ECHONL))
			show('\n');
	} else if (edit - head < SIZE - 2) { /* room is left for the line's end */
		put_typed(entry);
		show_typed(entry);
	} else {
		show('\a');
	}
}

/* ---- What came in --------------------------------------------------------------------------- */

static void forget_input(void)
{
	if (head == tail || text[(head - 1) % SIZE] != MARK_END)
		tail = head = edit;
}

static void interrupt_program(void)
{
	interrupts++;
	if (!heeds(NOFLSH))
		forget_input();
	if (heeds(ECHO) && heeds(ECHOCTL)) {
		show('^');
		show(settings.c_cc[VINTR] ^ 64);
	}
}

static void key(uint16_t entry)
{
	if (entry == '\r') {
		if (settings.c_iflag & IGNCR)
			return;
		if (settings.c_iflag & ICRNL)
			entry = '\n';
	} else if (entry == '\n' && (settings.c_iflag & INLCR)) {
		entry = '\r';
	}
	if (heeds(ICANON)) {
		type(entry);
		return;
	}
	put_typed(entry);
	head = edit;
	show_typed(entry);
}

/* There is room for one entry more; a line that is longer than all the room goes on, and is cut. */
static bool has_room(void)
{
	return edit - tail < SIZE - 1 || (head == tail && edit - tail < SIZE);
}

/* Moves to text what there is room for. */
static void take_in(void)
{
	int entry;

	while (has_room() && (entry = input_take()) >= 0) {
		if (entry == MARK_INTERRUPT) {
			interrupt_program();
		} else if (entry == MARK_END || !console_is_terminal()) {
			put_typed((uint16_t)entry);
			head = edit;
		} else {
			key((uint16_t)entry);
		}
	}
}

/* How many bytes a read could give now, up to most; *marked: it need not wait for more. */
static size_t readable(size_t most, bool *marked)
{
	bool line = console_is_terminal() && heeds(ICANON);
	size_t n = 0;
	uint16_t entry = 0;

	while (n < most && tail + n != head) {
		entry = text[(tail + n) % SIZE];
		if (entry > UINT8_MAX)
			break;
		n++;
		if (line && ends_line(entry))
			break;
	}
	*marked = tail != head && (line || entry > UINT8_MAX);
	return n;
}

/* True: a read would not wait. */
static bool is_ready(void)
{
	bool marked, raw = console_is_terminal() && !heeds(ICANON);
	size_t least = raw && settings.c_cc[VTIME] == 0 ? settings.c_cc[VMIN] : 1;
	size_t n = readable(least ? least : 1, &marked);

	return marked || n >= (least ? least : 1);
}

/* With the lock, which is given back: what came in is taken in, and who waits for it is told. */
static void take_in_and_tell(void)
{
	struct wait_node *list = NULL;
	unsigned came;

	take_in();
	if (is_ready())
		list = wait_queue_claim_all(&pollers);
	came = interrupts;
	interrupts = 0;
	unlock(&terminal_lock);
	wait_ready_all(list);
	console_echo();
	input_restart();

	/* A function, which is there always: nothing else is told by it. */
	go_fn *fn = atomic_load_explicit(&on_interrupt, memory_order_relaxed);

	/* One is as good as many, and one that finds no memory is typed again. */
	if (came > 0 && fn)
		(void)go(fn, NULL);
}

static void serve(void *unused)
{
	(void)unused;
	lock(&terminal_lock);
	take_in_and_tell();
	event_post(&some);
}

void terminal_wake(void)
{
	static struct irq_work work;

	irq_defer(&work, serve, NULL);
}

/* ---- Keys that the handler acts on ---------------------------------------------------------- */

enum terminal_key terminal_key(uint8_t byte)
{
	if (byte == 0) /* _POSIX_VDISABLE */
		return KEY_PLAIN;
	if (byte == atomic_load_explicit(&dump_key, memory_order_relaxed))
		return KEY_DUMP;
	if (byte != atomic_load_explicit(&interrupt_key, memory_order_relaxed))
		return KEY_PLAIN;
	return atomic_load_explicit(&on_interrupt, memory_order_relaxed) ? KEY_INTERRUPT : KEY_END;
}

_Noreturn void terminal_end_machine(void)
{
	if (atomic_load_explicit(&interrupt_shown, memory_order_relaxed))
		print("^C\n");
	machine_exit(STATUS_INTERRUPTED);
}

void console_on_interrupt(go_fn *fn)
{
	go_fn *old = atomic_exchange_explicit(&on_interrupt, fn, memory_order_relaxed);

	/* Who waits for it is not stuck. */
	if (console_is_terminal())
		atomic_fetch_add_explicit(&external_waits, (fn != NULL) - (old != NULL),
					  memory_order_relaxed);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Takes what a read gets: n bytes, and the mark that ends it. */
static ssize_t take_typed(uint8_t *buf, size_t n)
{
	bool line = console_is_terminal() && heeds(ICANON);

	for (size_t i = 0; i < n; i++)
		buf[i] = (uint8_t)text[(tail + i) % SIZE];
	tail += (uint32_t)n;
	/* The end that was typed behind a part of a line only ends that read. */
	if (tail != head && text[tail % SIZE] == MARK_EOF &&
	    (n == 0 || (line && !ends_line(buf[n - 1]))))
		tail++;
	return (ssize_t)n;
}

/*
 * One try; -EAGAIN: there is not enough. VTIME is the time from the first try on where VMIN is 0, and
 * otherwise that from one byte to the next: it begins anew when there are more than had.
 */
static ssize_t try_read(uint8_t *buf, size_t n, uint64_t *deadline, size_t *had)
{
	ssize_t result = -EAGAIN;
	size_t got, least = 1;
	uint64_t patience = 0;
	bool marked;

	lock(&terminal_lock);
	take_in();
	if (console_is_terminal() && !heeds(ICANON)) {
		least = settings.c_cc[VMIN];
		patience = settings.c_cc[VTIME] * (uint64_t)READ_TIME;
	}
	if (patience == 0)
		*deadline = TIME_NEVER;
	got = readable(n, &marked);
	if (marked || (least > 0 ? got >= (least < n ? least : n) : got > 0 || patience == 0) ||
	    wait_expired(*deadline))
		result = take_typed(buf, got);
	else if (patience > 0 && (got > *had || (least == 0 && *deadline == TIME_NEVER)))
		*deadline = time_now() + patience;
	*had = got;
	take_in_and_tell();
	return result;
}

ssize_t console_read(void *buf, size_t n, bool may_wait)
{
	uint64_t deadline = TIME_NEVER;
	size_t had = 0;
	ssize_t result;

	if (n == 0)
		return 0;
	result = may_wait ? sema_acquire(&turn) : sema_try_acquire(&turn);
	if (result < 0)
		return result;
	while ((result = try_read(buf, n, &deadline, &had)) == -EAGAIN && may_wait) {
		atomic_fetch_add_explicit(&external_waits, 1, memory_order_relaxed);
		result = event_wait_until(&some, deadline);
		atomic_fetch_sub_explicit(&external_waits, 1, memory_order_relaxed);
		if (result < 0 && result != -ETIMEDOUT)
			break;
	}
	sema_release(&turn);
	return result;
}

size_t console_readable(void)
{
	bool marked;
	size_t n;

	lock(&terminal_lock);
	n = readable(SIZE, &marked);
	unlock(&terminal_lock);
	return n;
}

bool console_poll(struct wait_node *node, bool *ended)
{
	bool is;

	lock(&terminal_lock);
	is = is_ready();
	*ended = is && text[tail % SIZE] == MARK_END;
	if (!is && node)
		wait_queue_put(&pollers, node);
	unlock(&terminal_lock);
	return is;
}

void console_unpoll(struct wait_node *node)
{
	lock(&terminal_lock);
	wait_queue_remove(&pollers, node);
	unlock(&terminal_lock);
}

/* ---- Settings ------------------------------------------------------------------------------- */

void console_settings(struct termios *now)
{
	lock(&terminal_lock);
	*now = settings;
	unlock(&terminal_lock);
}

void console_set(const struct termios *wanted, bool forget)
{
	bool keys = wanted->c_lflag & ISIG;

	lock(&terminal_lock);
	take_in();
	settings = *wanted;
	if (forget)
		forget_input();
	if (!heeds(ICANON))
		head = edit;
	atomic_store_explicit(&interrupt_key, keys ? wanted->c_cc[VINTR] : 0, memory_order_relaxed);
	atomic_store_explicit(&dump_key, keys ? wanted->c_cc[VQUIT] : 0, memory_order_relaxed);
	atomic_store_explicit(&interrupt_shown, heeds(ECHO) && heeds(ECHOCTL),
			      memory_order_relaxed);
	take_in_and_tell();
	event_post(&some); /* a reader may have enough now */
}

void console_forget_input(void)
{
	lock(&terminal_lock);
	take_in();
	forget_input();
	take_in_and_tell();
}

void terminal_init(void)
{
	sema_init(&turn, 1);
}
