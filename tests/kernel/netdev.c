/*
 * The network card, below any network stack: frames to QEMU's user network and its answers. Needs a
 * machine with NET=1.
 */
#include "../../drivers/netdev.h"
#include "test.h"

enum { ARP = 0x0806, IPV4 = 0x0800, IPV6 = 0x86dd };

static struct netdev *dev;
static struct chan *frames; /* of struct netdev_buffer *, received */
static _Atomic int done_calls;

static void receive(void *arg, struct netdev_buffer *buffer)
{
	if (arg != &frames || chan_try_send(frames, &buffer))
		netdev_release(buffer);
}

static void changed(void *arg)
{
	(void)arg;
}

static void done(void *arg)
{
	free(arg);
	done_calls++;
}

/* ---- Frames -------------------------------------------------------------------------------------- */

struct packet {
	uint8_t bytes[600];
	uint32_t size;
};

static void put(struct packet *p, const void *bytes, uint32_t n)
{
	memcpy(p->bytes + p->size, bytes, n);
	p->size += n;
}

static void put16(struct packet *p, unsigned value)
{
	put(p, (uint8_t[]){value >> 8, value & 0xff}, 2);
}

static unsigned get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static void put_ethernet(struct packet *p, const uint8_t *to, unsigned type)
{
	p->size = 0;
	put(p, to, 6);
	put(p, dev->mac, 6);
	put16(p, type);
}

/* RFC 1071, with sum to begin with. */
static unsigned checksum(const uint8_t *at, uint32_t n, uint32_t sum)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i % 2 ? at[i] : at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* Sends p in pieces of at most piece bytes; false: not taken. */
static bool send(const struct packet *p, uint32_t piece)
{
	struct netdev_fragment fragments[NETDEV_FRAGMENTS];
	struct netdev_frame frame = {.fragments = fragments, .done = done};
	uint8_t *copy = malloc(p->size);

	memcpy(copy, p->bytes, p->size);
	frame.arg = copy;
	for (uint32_t at = 0; at < p->size; at += piece)
		fragments[frame.n++] = (struct netdev_fragment){copy + at, p->size - at < piece
										   ? p->size - at
										   : piece};
	if (netdev_send(dev, &frame) == 0)
		return true;
	free(copy);
	return false;
}

/* The next frame of this type, copied to p; false: none came in 5 seconds. */
static bool await(struct packet *p, unsigned type)
{
	uint64_t deadline = time_now() + 5 * NSEC_PER_SEC;
	struct netdev_buffer *b;

	while (chan_recv_until(frames, &b, deadline) == 0) {
		bool wanted = get16(b->data + 12) == type;

		expect(((uintptr_t)b->data + 14) % 4 == 0);
		expect(b->dev == dev && b->size >= 14);
		p->size = b->size < sizeof p->bytes ? b->size : sizeof p->bytes;
		memcpy(p->bytes, b->data, p->size);
		netdev_release(b);
		if (wanted)
			return true;
	}
	return false;
}

static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t our_ip[4] = {10, 0, 2, 15}, gateway[4] = {10, 0, 2, 2};
static uint8_t gateway_mac[6];

static bool ask_arp(uint32_t piece)
{
	struct packet p;

	put_ethernet(&p, everybody, ARP);
	put(&p, (uint8_t[]){0, 1, 8, 0, 6, 4, 0, 1}, 8); /* who has */
	put(&p, dev->mac, 6);
	put(&p, our_ip, 4);
	put(&p, (uint8_t[6]){0}, 6);
	put(&p, gateway, 4);
	if (!send(&p, piece) || !await(&p, ARP) || get16(p.bytes + 20) != 2 ||
	    memcmp(p.bytes + 28, gateway, 4))
		return false;
	memcpy(gateway_mac, p.bytes + 22, 6);
	return true;
}

static void put_ipv4(struct packet *p, const uint8_t *to_mac, unsigned protocol,
		     const uint8_t *from, const uint8_t *to, unsigned payload)
{
	unsigned at;

	put_ethernet(p, to_mac, IPV4);
	at = p->size;
	put(p, (uint8_t[]){0x45, 0}, 2);
	put16(p, 20 + payload);
	put(p, (uint8_t[]){0, 1, 0, 0, 64, (uint8_t)protocol, 0, 0}, 8);
	put(p, from, 4);
	put(p, to, 4);
	unsigned sum = checksum(p->bytes + at, 20, 0);

	p->bytes[at + 10] = sum >> 8;
	p->bytes[at + 11] = sum & 0xff;
}

enum { UDP = 17, ICMP = 1, ICMPV6 = 58 };

/* A DHCP DISCOVER (RFC 2131); the answer must offer our_ip. */
static bool ask_dhcp(void)
{
	enum { BOOTP = 236, OPTIONS = 8, LENGTH = 8 + BOOTP + OPTIONS };
	uint8_t bootp[BOOTP] = {1, 1, 6, 0, 'v', 'o', 'l', 'e'};
	struct packet p;

	memcpy(bootp + 28, dev->mac, 6);
	put_ipv4(&p, everybody, UDP, (uint8_t[4]){0}, (uint8_t[4]){255, 255, 255, 255}, LENGTH);
	put16(&p, 68);
	put16(&p, 67);
	put16(&p, LENGTH);
	put16(&p, 0); /* no checksum */
	put(&p, bootp, BOOTP);
	put(&p, (uint8_t[]){99, 130, 83, 99, 53, 1, 1, 255}, OPTIONS);
	if (!send(&p, 100) || !await(&p, IPV4))
		return false;
	return p.bytes[23] == UDP && get16(p.bytes + 36) == 68 &&
	       !memcmp(p.bytes + 46, "vole", 4) && !memcmp(p.bytes + 58, our_ip, 4);
}

static bool ping(unsigned number, unsigned length)
{
	uint8_t data[512] = {8, 0, 0, 0, 'v', 'o', number >> 8, number & 0xff};
	struct packet p;
	unsigned sum;

	for (unsigned i = 8; i < length; i++)
		data[i] = (uint8_t)(number + i);
	sum = checksum(data, length, 0);
	data[2] = sum >> 8;
	data[3] = sum & 0xff;
	put_ipv4(&p, gateway_mac, ICMP, our_ip, gateway, length);
	put(&p, data, length);
	while (!send(&p, 64))
		time_sleep(NSEC_PER_MSEC);
	return await(&p, IPV4) && p.size >= 34 + length && p.bytes[23] == ICMP &&
	       p.bytes[34] == 0 && !memcmp(p.bytes + 38, data + 4, length - 4);
}

/* Neighbour solicitation (RFC 4861) for fec0::2, QEMU's side of the IPv6 network. */
static bool ask_neighbour(void)
{
	static const uint8_t host[16] = {0xfe, 0xc0, [15] = 2}, self[16] = {0xfe, 0xc0, [15] = 15};
	static const uint8_t group[16] = {0xff, 2, [11] = 1, 0xff, 0, 0, 2};
	uint8_t icmp[32] = {135};
	struct packet p;
	unsigned sum = 0;

	memcpy(icmp + 8, host, 16);
	icmp[24] = 1; /* option: our link-layer address, 8 bytes */
	icmp[25] = 1;
	memcpy(icmp + 26, dev->mac, 6);
	for (int i = 0; i < 16; i += 2)
		sum += get16(self + i) + get16(group + i);
	sum = checksum(icmp, sizeof icmp, sum + sizeof icmp + ICMPV6);
	icmp[2] = sum >> 8;
	icmp[3] = sum & 0xff;
	put_ethernet(&p, (uint8_t[]){0x33, 0x33, 0xff, 0, 0, 2}, IPV6);
	put(&p, (uint8_t[]){0x60, 0, 0, 0, 0, sizeof icmp, ICMPV6, 255}, 8);
	put(&p, self, 16);
	put(&p, group, 16);
	put(&p, icmp, sizeof icmp);
	if (!send(&p, 600))
		return false;
	while (await(&p, IPV6)) /* advertisements of the router may come first */
		if (p.bytes[20] == ICMPV6 && p.bytes[54] == 136)
			return !memcmp(p.bytes + 62, host, 16);
	return false;
}

/* ---- Tests --------------------------------------------------------------------------------------- */

static void test_pings(void)
{
	int n = amount(500), good = 0;

	for (int i = 0; i < n; i++)
		good += ping((unsigned)i, 8 + i % 500);
	expect_eq(good, n);
	verdict("%d pings of the gateway come back", n);
}

static void test_done(void)
{
	uint64_t start = time_now();
	uint64_t sent = dev->sent;

	while (done_calls < (int)sent && patience(start))
		time_sleep(NSEC_PER_MSEC);
	expect_eq(done_calls, sent);
	verdict("every frame that was sent is told of");
}

static void test_arguments(void)
{
	struct netdev_fragment fragments[NETDEV_FRAGMENTS + 1] = {{0}};
	struct netdev_frame frame = {.fragments = fragments, .done = done};

	expect_eq(netdev_send(dev, &frame), -EINVAL);
	frame.n = NETDEV_FRAGMENTS + 1;
	expect_eq(netdev_send(dev, &frame), -EINVAL);
	verdict("no fragments, and too many, are refused");
}

int main(int argc, char **argv)
{
	test_begin(argc, argv, 8);
	frames = chan_of(struct netdev_buffer *, 64);
	dev = netdev_first();
	check(dev && dev == netdev_first(), "there is a card");
	if (!dev)
		return test_end();
	expect_eq(netdev_open(dev, receive, changed, &frames), 0);
	if (argc > 1 && !strcmp(argv[1], "deadlock"))
		chan_recv(chan_of(int, 0), NULL);
	if (argc > 1 && !strcmp(argv[1], "exit"))
		go_exit();
	expect(dev->link && !dev->failed);
	expect_eq(dev->mtu, 1500);
	verdict("it opens");
	expect(ask_arp(600));
	expect(ask_arp(3));
	verdict("the gateway answers ARP");
	expect(ask_dhcp());
	verdict("DHCP offers an address");
	expect(ask_neighbour());
	verdict("QEMU's IPv6 host answers");
	test_pings();
	test_done();
	test_arguments();
	return test_end();
}
