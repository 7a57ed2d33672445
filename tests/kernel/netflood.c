/*
 * Floods the network card in both directions at once, and checks each frame. The other side, started
 * by the runner (tests/qemu/network.py), floods when it has been told to by the first frame, and
 * checks the frames it gets.
 */
#include "../../drivers/netdev.h"
#include "test.h"

enum {
	TYPE = 0x88b5 /* IEEE 802, for experiments */,
	SENDERS = 4,
	HEADER = 22,
	FRAME_MIN = 60,
	FRAME_MAX = 1514
};

struct frame {
	uint8_t to[6], from[6], type[2];
	uint8_t count[4], number[4]; /* big-endian: how many there are, which this is */
	uint8_t bytes[FRAME_MAX - HEADER];
} __attribute__((packed));

static struct netdev *dev;
static int count = 20000;
static uint8_t *seen;
static _Atomic int received, wrong, twice, done_calls, full;
static uint64_t first_came;
static _Atomic uint64_t last_came;

static void put32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = value >> (24 - 8 * i) & 0xff;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Of frame number: its bytes and its length follow from it, here and at the other side. */
static uint32_t size_of(uint32_t number)
{
	return FRAME_MIN + number * 7919 % (FRAME_MAX - FRAME_MIN + 1);
}

static void receive(void *unused, struct netdev_buffer *b)
{
	struct frame *f = (struct frame *)b->data;
	uint32_t number;
	bool right = b->size >= FRAME_MIN && f->type[0] == TYPE >> 8 && f->type[1] == (TYPE & 0xff);

	(void)unused;
	number = right ? get32(f->number) : 0;
	right = right && number < (uint32_t)count && b->size == size_of(number);
	for (uint32_t i = 0; right && i < b->size - HEADER; i++)
		right = f->bytes[i] == (uint8_t)(number + i);
	netdev_release(b);
	if (!right) {
		wrong++;
		return;
	}
	twice += seen[number]++ != 0;
	last_came = time_now();
	if (received++ == 0)
		first_came = last_came;
}

static void changed(void *unused)
{
	(void)unused;
}

static void done(void *arg)
{
	free(arg);
	done_calls++;
}

static void send(uint32_t number)
{
	uint32_t size = size_of(number), half = size / 2;
	struct frame *f = malloc(size);
	struct netdev_fragment fragments[2] = {{f, half}, {(char *)f + half, size - half}};
	struct netdev_frame frame = {fragments, 1 + number % 2, .flow = number, .done = done,
				     .arg = f};

	if (frame.n == 1)
		fragments[0].size = size;
	memset(f->to, 0xff, 6);
	memcpy(f->from, dev->mac, 6);
	f->type[0] = TYPE >> 8;
	f->type[1] = TYPE & 0xff;
	put32(f->count, (uint32_t)count);
	put32(f->number, number);
	for (uint32_t i = 0; i < size - HEADER; i++)
		f->bytes[i] = (uint8_t)(number + i);
	while (netdev_send(dev, &frame) == -EAGAIN) {
		full++;
		time_sleep(100 * NSEC_PER_USEC);
	}
}

static void sender(void *arg)
{
	for (int i = (int)(uintptr_t)arg; i < count; i += SENDERS)
		send((uint32_t)i);
}

int main(int argc, char **argv)
{
	struct waitgroup wg = {0};
	uint64_t start, sent_ns;

	test_begin(argc, argv, 3);
	count = amount(count);
	seen = calloc(1, (size_t)count);
	dev = netdev_first();
	if (!dev || netdev_open(dev, receive, changed, NULL))
		return test_end();
	start = time_now();
	for (uintptr_t i = 0; i < SENDERS; i++)
		waitgroup_go(&wg, sender, (void *)i);
	waitgroup_wait(&wg);
	sent_ns = time_now() - start;
	last_came = time_now();
	while (received < count && time_now() < last_came + 5 * NSEC_PER_SEC)
		time_sleep(NSEC_PER_MSEC);
	while (done_calls < count && patience(start))
		time_sleep(NSEC_PER_MSEC);
	expect_eq(received, count);
	expect_eq(wrong, 0);
	expect_eq(twice, 0);
	expect_eq(dev->lost, 0);
	verdict("every frame of the other side comes once, and as it was");
	expect_eq(done_calls, count);
	expect_eq(dev->sent, count);
	verdict("every frame that was sent is told of");
	printf("# sent: %lu frames a second, %d found no room\n",
	       (unsigned long)(count * NSEC_PER_SEC / sent_ns), (int)full);
	printf("# received: %lu frames a second\n",
	       (unsigned long)(received * NSEC_PER_SEC / (last_came - first_came + 1)));
	printf("# %lu interrupts for %d frames each way\n", (unsigned long)netdev_interrupts(dev),
	       count);
	check(netdev_interrupts(dev) < (uint64_t)count, "fewer interrupts than frames");
	return test_end();
}
