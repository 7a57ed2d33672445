/*
 * The driver of virtio network cards against cards in software: of all kinds, and such as do what
 * they must not. The log must have one line for each of those; the runner looks.
 */
#include <string.h>

#include "../test.h"
#include "fake.h"

enum { FLOWS = 4, FRAME_MIN = 22, FRAME_MAX = 1514 };

static struct fake fake;
static struct netdev *dev;
static _Atomic int got, done_calls, changes;
static _Atomic uint32_t next_of[FLOWS]; /* the number that the flow's next frame has */
static _Atomic bool hold, over;
static struct netdev_buffer *_Atomic held;

/* Of a frame: destination, source, type, then its flow, its number and bytes that follow from them. */
struct frame {
	uint8_t ethernet[14];
	uint32_t flow, number;
	uint8_t bytes[FRAME_MAX - FRAME_MIN];
} __attribute__((packed));

static void receive(void *arg, struct netdev_buffer *b)
{
	struct frame *f = (struct frame *)b->data;
	uint32_t n = b->size - FRAME_MIN, wrong = 0;

	expect(arg == &got && b->dev == dev);
	expect(b->size >= FRAME_MIN && b->size <= FRAME_MAX && f->flow < FLOWS);
	for (uint32_t i = 0; i < n; i++)
		wrong += f->bytes[i] != (uint8_t)(f->number + i);
	expect_eq(wrong, 0);
	expect_eq(f->number, next_of[f->flow]++);
	got++;
	if (!hold) {
		netdev_release(b);
		return;
	}
	memset(b->room, 0xee, sizeof b->room);
	memcpy(b->room, &(struct netdev_buffer *){held}, sizeof held); /* one coroutine receives */
	held = b;
}

static void changed(void *arg)
{
	expect(arg == &got);
	changes++;
	over = over || dev->failed;
}

static void done(void *arg)
{
	free(arg);
	done_calls++;
}

/* Sends one frame in up to four pieces; netdev_send's result. */
static int send_one(uint32_t flow, uint32_t number, uint32_t size)
{
	struct netdev_fragment fragments[4];
	struct netdev_frame frame = {.fragments = fragments, .flow = flow, .done = done};
	struct frame *f = malloc(size);
	uint32_t pieces = 1 + number % 4, at = 0;
	int result;

	memset(f->ethernet, 0x22, sizeof f->ethernet);
	f->flow = flow;
	f->number = number;
	for (uint32_t i = 0; i < size - FRAME_MIN; i++)
		f->bytes[i] = (uint8_t)(number + i);
	frame.arg = f;
	for (uint32_t i = 0; i < pieces; i++) {
		uint32_t piece = i == pieces - 1 ? size - at : size / pieces;

		fragments[frame.n++] = (struct netdev_fragment){(char *)f + at, piece};
		at += piece;
	}
	if (number % 3 == 0) {
		frame.checksum_start = 14;
		frame.checksum_offset = 2;
	}
	result = netdev_send(dev, &frame);
	if (result)
		free(f);
	return result;
}

static struct {
	int frames;
	_Atomic int busy; /* sends that found no room */
	_Atomic unsigned sent;
	struct waitgroup senders;
} work;

static void sender(void *arg)
{
	uint32_t flow = (uint32_t)(uintptr_t)arg, random = flow + 1;

	for (int i = 0; i < work.frames; i++) {
		uint32_t size = FRAME_MIN + test_random(&random) % (FRAME_MAX - FRAME_MIN + 1);

		while (send_one(flow, (uint32_t)i, size) == -EAGAIN) {
			work.busy++;
			time_sleep(100 * NSEC_PER_USEC);
		}
		work.sent++;
	}
	waitgroup_done(&work.senders);
}

static size_t heap_bytes(void)
{
	struct runtime_stats stats;

	runtime_stats(&stats);
	return stats.heap_bytes;
}

/* Until n are counted; false: no more come, although every core goes on. */
static bool wait_for(_Atomic int *count, int n)
{
	int before;

	do {
		before = *count;
		for (int i = 0; i < 1000 && *count < n; i++)
			time_sleep(NSEC_PER_MSEC);
		if (*count < n)
			test_turns();
	} while (*count < n && *count != before);
	return *count == n;
}

/* What is counted, or given back, a moment after the last frame was is so by then. */
static void until_settled(size_t heap)
{
	uint64_t start = time_now();

	while ((heap_bytes() != heap || netdev_interrupts(dev) != fake.interrupts) &&
	       patience(start))
		time_sleep(NSEC_PER_MSEC);
}

/* A card of this kind. */
static void plug(uint64_t offers, uint16_t size, enum fault fault)
{
	got = done_calls = changes = 0;
	over = false;
	memset(next_of, 0, sizeof next_of);
	fake_start(&fake, offers, size, fault);
}

/* The same, open; false: it could not be. */
static bool begin(uint64_t offers, uint16_t size, enum fault fault)
{
	plug(offers, size, fault);
	dev = virtio_net_make(&fake.virtio);
	return dev && netdev_open(dev, receive, changed, &got) == 0;
}

/* The driver's coroutines that have not ended: they look at the card, and free its buffers. */
static int count_receivers(void)
{
	struct runtime_co all[64];
	int n = runtime_list(all, sizeof all / sizeof all[0]), receivers = 0;

	for (int i = 0; i < n && i < (int)(sizeof all / sizeof all[0]); i++)
		receivers += !strcmp(all[i].name, "pair_receive");
	return receivers;
}

/* Out of service at the end, so that the driver's coroutines end. */
static void end(void)
{
	static int kept; /* by cards that cannot be stopped */
	uint64_t start = time_now();

	if (!dev->failed) {
		fake.status |= VIRTIO_NEEDS_RESET;
		virtio_changed(&fake.virtio);
	}
	while (!over && patience(start)) /* which comes last */
		time_sleep(NSEC_PER_MSEC);
	expect(over && dev->failed && !dev->link);
	expect_eq(send_one(0, 0, 60), -ENETDOWN);
	if (fake.fault == FAULT_DEAF)
		kept = count_receivers();
	while (count_receivers() != kept && patience(start))
		time_sleep(NSEC_PER_MSEC);
	expect_eq(count_receivers(), kept);
	fake_end(&fake);
}

static const char none_kept[] = "no frame stays with a card";

static void test_echo(const char *what, uint64_t offers, uint16_t size)
{
	size_t heap;

	work.frames = amount(1000);
	work.busy = 0;
	expect(begin(FAKE_OFFER | offers, size, FAULT_NONE));
	heap = heap_bytes();
	waitgroup_add(&work.senders, FLOWS);
	for (uintptr_t flow = 0; flow < FLOWS; flow++)
		go(sender, (void *)flow);
	test_wait(&work.senders, &work.sent, none_kept);
	if (!wait_for(&got, FLOWS * work.frames) || !wait_for(&done_calls, FLOWS * work.frames)) {
		check(false, none_kept);
		exit(test_end());
	}
	expect_eq(dev->sent, FLOWS * work.frames);
	expect_eq(dev->received, FLOWS * work.frames);
	expect_eq(dev->lost, 0);
	until_settled(heap);
	expect_eq(netdev_interrupts(dev), fake.interrupts);
	expect_eq(heap_bytes(), heap);
	if (offers & BIT(F_MQ))
		expect_eq(fake.pairs, test_smp < 4 ? test_smp : 4);
	printf("# %s: %d frames, %d interrupts, %d bells, %d without room\n", what,
	       FLOWS * work.frames, (int)fake.interrupts, (int)fake.bells, (int)work.busy);
	end();
	verdict("frames come back from a card with %s", what);
}

static void test_config(void)
{
	expect(begin(BIT(VIRTIO_F_VERSION_1), 256, FAULT_NONE));
	expect_eq(dev->mac[0] & 3, 2); /* local, one card's */
	expect_eq(dev->mtu, 1500);
	expect(dev->link && !dev->checksum_send && !dev->checksum_receive);
	end();
	verdict("a card that offers nothing");

	plug(FAKE_OFFER | BIT(F_MTU) | BIT(F_CSUM) | BIT(F_GUEST_CSUM), 256, FAULT_NONE);
	fake.config.mtu = 9000;
	fake.config.status = 0;
	dev = virtio_net_make(&fake.virtio);
	expect(dev && !memcmp(dev->mac, fake.config.mac, 6));
	expect_eq(dev->mtu, 9000);
	expect(!dev->link && dev->checksum_send && dev->checksum_receive);
	expect_eq(netdev_open(dev, receive, changed, &got), 0);
	fake_link(&fake, true);
	expect(wait_for(&changes, 1) && dev->link);
	fake_link(&fake, false);
	expect(wait_for(&changes, 2) && !dev->link);
	end();
	verdict("address, MTU, checksums and link are those of the card");
}

/* Buffers that nobody releases are not all of memory: then frames are lost, until there are some. */
static void test_lost(void)
{
	uint64_t start = time_now();
	struct netdev_buffer *b;
	uint32_t sent = 0;

	expect(begin(FAKE_OFFER, 256, FAULT_NONE));
	hold = true;
	while (dev->lost < 300 && patience(start)) {
		if (send_one(0, sent, 60) == 0)
			sent++;
		else
			time_sleep(100 * NSEC_PER_USEC);
	}
	expect(wait_for(&done_calls, (int)sent));
	/* Each frame is back, but perhaps not yet taken out of its queue. */
	while ((dev->received + dev->lost < sent || (uint64_t)got < dev->received) &&
	       patience(start))
		time_sleep(NSEC_PER_MSEC);
	expect_eq(dev->received + dev->lost, sent);
	expect_eq(dev->received, got);
	printf("# %d received before one was lost\n", got);
	hold = false;
	while ((b = held)) {
		memcpy(&b, b->room, sizeof b);
		netdev_release(held);
		held = b;
	}
	got = 0;
	next_of[0] = sent;
	expect_eq(send_one(0, sent, 60), 0);
	expect(wait_for(&got, 1));
	end();
	verdict("buffers that are kept cost frames, and no more");
}

/* Sends until the card is out of service, or (many) has no room; how many frames it took. */
static int send_until(int wanted)
{
	int taken = 0, refused = 0, result;

	while ((result = send_one(1, 0, 60)) != wanted && refused < 300) {
		taken += result == 0;
		if (result && ++refused % 100 == 0)
			test_turns(); /* all who are to see what is wrong do it now */
		else if (result)
			time_sleep(100 * NSEC_PER_USEC);
	}
	expect_eq(result, wanted);
	return taken;
}

static void test_faults(void)
{
	static const char *const wrong[FAULTS_OF_FRAMES] = {
		[FAULT_SENT_LONG] = "writes to a buffer that is to be read",
		[FAULT_ID] = "returns a received buffer beyond the last",
		[FAULT_TWICE] = "returns a sent buffer twice",
		[FAULT_COUNT] = "returns more buffers than it has",
		[FAULT_LONG] = "writes more than there is room for",
		[FAULT_SHORT] = "writes less than a header",
		[FAULT_SENT_ID] = "returns a sent buffer beyond the last",
		[FAULT_RESET] = "asks for a reset",
		[FAULT_DEAF] = "asks for a reset and cannot be stopped",
		[FAULT_STALLED] = "keeps its frames",
	};

	for (enum fault fault = FAULT_NONE + 1; fault < FAULTS_OF_FRAMES; fault++) {
		int taken;

		expect(begin(FAKE_OFFER, 256, fault));
		taken = send_until(fault == FAULT_STALLED ? -EAGAIN : -ENETDOWN);
		if (fault == FAULT_STALLED || fault == FAULT_DEAF)
			expect_eq(done_calls, 0);
		end();
		/* What was sent is told of, but for a card that cannot be stopped. */
		if (fault != FAULT_DEAF)
			expect(wait_for(&done_calls, taken));
		else
			expect_eq(done_calls, 0);
		expect(changes >= 1);
		verdict("a card that %s is out of service", wrong[fault]);
		if (test_failures)
			exit(test_end()); /* what was believed may have overwritten anything */
	}
}

static void test_starts(void)
{
	enum { OLD = 100 };
	static const int faults[] = {FAULT_NO_RESET, FAULT_NO_FEATURES, FAULT_NO_IRQ, OLD};
	static const enum fault later[] = {FAULT_NO_QUEUE, FAULT_NO_START, FAULT_ORDER,
					   FAULT_SILENT};
	uint64_t start;

	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		plug(faults[i] == OLD ? BIT(F_MAC) : FAKE_OFFER, 256,
		     faults[i] == OLD ? FAULT_NONE : (enum fault)faults[i]);
		expect(!virtio_net_make(&fake.virtio));
		fake_end(&fake);
	}
	plug(FAKE_OFFER | BIT(F_MTU), 256, FAULT_NONE);
	fake.config.mtu = 67;
	expect(!virtio_net_make(&fake.virtio));
	fake_end(&fake);
	plug(FAKE_OFFER | BIT(F_MQ) | BIT(F_CTRL_VQ), 256, FAULT_NONE);
	fake.config.max_pairs = 0;
	expect(!virtio_net_make(&fake.virtio));
	fake_end(&fake);
	verdict("cards that cannot be used are not there");

	for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
		if (test_smp == 1 && (later[i] == FAULT_ORDER || later[i] == FAULT_SILENT))
			continue; /* there are no orders */
		begin(FAKE_OFFER | BIT(F_MQ) | BIT(F_CTRL_VQ), 256, later[i]);
		start = time_now();
		while (dev && !over && patience(start))
			time_sleep(NSEC_PER_MSEC);
		expect(dev && dev->failed && !dev->link);
		expect_eq(send_one(0, 0, 60), -ENETDOWN);
		fake_end(&fake);
	}
	begin(FAKE_OFFER, 16, FAULT_NONE);
	expect(dev && dev->failed);
	fake_end(&fake);
	verdict("cards that cannot be started are out of service");
}

/* Only in images with BUILD=failing. */
__attribute__((weak)) long runtime_fail_alloc(long n);

/* The nth allocation of a card's start fails: it works, or it is out of service. */
static int test_no_memory(void)
{
	bool through = false;

	for (long n = 1; !through; n += n < 20 ? 1 : 37) { /* most are for buffers */
		bool open;

		plug(FAKE_OFFER, 256, FAULT_NONE);
		runtime_fail_alloc(n);
		dev = virtio_net_make(&fake.virtio);
		open = dev && netdev_open(dev, receive, changed, &got) == 0;
		through = runtime_fail_alloc(0) > 0;
		if (open) {
			expect_eq(send_one(0, 0, 60), 0);
			expect(wait_for(&got, 1));
			end();
			continue;
		}
		expect(!through);
		expect(!dev || (over && dev->failed && send_one(0, 0, 60) == -ENETDOWN));
		fake_end(&fake);
	}
	verdict("a card that cannot be started for lack of memory is out of service");
	return test_end();
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, runtime_fail_alloc ? 1 : 10 + FAULTS_OF_FRAMES - 1 + 2);
	if (runtime_fail_alloc)
		return test_no_memory();
	test_echo("small queues", 0, 32);
	test_echo("large queues", 0, 1024);
	test_echo("events by index", BIT(VIRTIO_F_EVENT_IDX), 256);
	test_echo("events by index, small queues", BIT(VIRTIO_F_EVENT_IDX), 32);
	test_echo("several queues", BIT(F_MQ) | BIT(F_CTRL_VQ), 256);
	test_echo("all", BIT(F_MQ) | BIT(F_CTRL_VQ) | BIT(VIRTIO_F_EVENT_IDX) | BIT(F_CSUM), 256);
	verdict(none_kept);
	test_config();
	test_lost();
	test_faults();
	test_starts();
	return test_end();
}
