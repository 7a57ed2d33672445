/*
 * Questions to DNS servers (RFC 1035). lwIP only keeps their addresses: its own resolver cannot tell a
 * server that fails from a name that does not exist. Each attempt has a socket of its own, connected to
 * the server, from a random port: what comes from another address or port is not heard. What is heard
 * counts when its number and its question are ours (RFC 5452, 9).
 */
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include <lwip/dns.h>
#include <lwip/prot/dns.h>
#include <lwip/prot/iana.h>
#include <vole/time.h>

#include "kernel/heap.h"
#include "net/socket.h"

enum {
	NAME_MOST = 255, /* bytes, as it is sent */
	LABEL_MOST = 63,
	HEADER = sizeof(struct dns_hdr),
	RECORD = 10, /* type, class, 4 bytes of time to live, length */
	UDP_MOST = 1500,
	TRUNCATED = 0x02, /* in the first byte of flags */
	OPCODE = 0x78,
	NO_SUCH_NAME = 3,
	CNAMES = 8,
	FIRST_PORT = 0xc000,
	PORTS = 0x4000,
};

static const uint8_t patience[] = {2, 3, 5}; /* seconds that each server has, round by round */

struct question {
	uint8_t bytes[HEADER + NAME_MOST + 4]; /* as it is sent */
	size_t size;
	uint8_t name[NAME_MOST +
		     1]; /* whose record is looked for: that, or what it is an alias of */
	uint16_t type;
	uint8_t answer[UDP_MOST];
};

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* ---- Names, as they are sent: labels behind their lengths, up to an empty one ------------------- */

static size_t name_size(const uint8_t *name)
{
	size_t at = 0;

	while (name[at])
		at += name[at] + 1u;
	return at + 1;
}

/* False: it is no name. */
static bool encode(const char *text, uint8_t *name)
{
	size_t at = 0, n;

	do {
		n = strcspn(text, ".");
		if (n == 0 || n > LABEL_MOST || at + n + 2 > NAME_MOST)
			return false;
		name[at++] = (uint8_t)n;
		memcpy(name + at, text, n);
		at += n;
		text += n + (text[n] == '.');
	} while (*text);
	name[at] = 0;
	return true;
}

/* The name at *at of a message, without its references to others; false: there is none. */
static bool decode(const uint8_t *message, size_t size, size_t *at, uint8_t *name)
{
	size_t from = *at, done = 0, first = *at;
	bool followed = false;

	for (;;) {
		unsigned n = from < size ? message[from] : 0xffu;

		if (n >= 0xc0 && from + 1 < size) { /* references lead backwards only */
			size_t to = get16(message + from) & 0x3fff;

			if (to >= first)
				return false;
			if (!followed)
				*at = from + 2;
			followed = true;
			first = from = to;
			continue;
		}
		if (n > LABEL_MOST || from + 1 + n > size || done + n + 2 > NAME_MOST + 1)
			return false;
		memcpy(name + done, message + from, n + 1);
		done += n + 1;
		from += n + 1;
		if (n == 0)
			break;
	}
	if (!followed)
		*at = from;
	return true;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* Servers may change the case of letters. Lengths of labels are below all letters. */
static bool is_same_name(const uint8_t *a, const uint8_t *b)
{
	size_t n = name_size(a);

	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

/* ---- Answers ------------------------------------------------------------------------------------ */

/* It answers this question, well or not. */
static bool answers(const struct question *q, const uint8_t *message, size_t size)
{
	uint8_t name[NAME_MOST + 1];
	size_t at = HEADER;

	return size >= HEADER && !memcmp(message, q->bytes, 2) &&
	       (message[2] & DNS_FLAG1_RESPONSE) && !(message[2] & OPCODE) &&
	       get16(message + 4) == 1 && decode(message, size, &at, name) && at + 4 <= size &&
	       is_same_name(name, q->bytes + HEADER) &&
	       !memcmp(message + at, q->bytes + q->size - 4, 4);
}

/* Looks through the records behind at. 0: address; EAI_NONAME; EAI_FAIL: they make no sense. An alias
 * changes the name that is looked for, and they are to be looked through again. */
static int look_for(struct question *q, const uint8_t *message, size_t size, size_t at,
		    ip_addr_t *address, bool *alias)
{
	size_t wanted = q->type == DNS_RRTYPE_A ? 4 : 16;
	uint8_t name[NAME_MOST + 1];

	*alias = false;
	for (unsigned left = get16(message + 6); left > 0; left--) {
		unsigned type, length;
		bool ours;

		if (!decode(message, size, &at, name) || at + RECORD > size)
			return EAI_FAIL;
		type = get16(message + at);
		length = get16(message + at + 8);
		ours = get16(message + at + 2) == DNS_RRCLASS_IN && is_same_name(name, q->name);
		at += RECORD;
		if (length > size - at)
			return EAI_FAIL;
		if (ours && type == q->type && length == wanted) {
			uint32_t words[4];

			memcpy(words, message + at, wanted);
			if (wanted == 4)
				ip_addr_set_ip4_u32(address, words[0]);
			else
				IP_ADDR6(address, words[0], words[1], words[2], words[3]);
			return 0;
		}
		if (ours && type == DNS_RRTYPE_CNAME) {
			size_t target = at;

			if (!decode(message, size, &target, q->name))
				return EAI_FAIL;
			*alias = true;
		}
		at += length;
	}
	return EAI_NONAME;
}

/* 0: address; EAI_NONAME: there is none; EAI_AGAIN: another server may know. */
static int read_answer(struct question *q, const uint8_t *message, size_t size, ip_addr_t *address)
{
	unsigned code = message[3] & DNS_FLAG2_ERR_MASK;
	size_t at = HEADER;
	bool alias = true;
	int result = EAI_NONAME;

	if (code == NO_SUCH_NAME)
		return EAI_NONAME;
	if (code)
		return EAI_AGAIN;
	decode(message, size, &at, q->name);
	for (int i = 0; i < CNAMES && alias; i++) {
		result = look_for(q, message, size, at + 4, address, &alias);
		if (result != EAI_NONAME)
			break;
	}
	return result == EAI_FAIL ? EAI_AGAIN : result;
}

/* ---- Servers ------------------------------------------------------------------------------------ */

static struct socket *socket_for(int type)
{
	struct socket *s = socket_make(AF_INET6, type); /* of both families */

	if (s && (type == SOCK_STREAM ? stream_open(s) : datagram_open(s))) {
		heap_free(s);
		return NULL;
	}
	return s;
}

static int from_errno(int error)
{
	if (error != -ECANCELED)
		return EAI_AGAIN;
	errno = ECANCELED;
	return EAI_SYSTEM;
}

static ssize_t send_query(struct socket *s, const void *data, size_t n)
{
	struct iovec part = {(void *)data, n};
	struct parts parts = {.part = &part, .left = 1};

	return s->type == SOCK_STREAM ? stream_send(s, parts, 0)
				      : datagram_send(s, parts, 0, NULL, 0);
}

static ssize_t receive_whole(struct socket *s, void *data, size_t n)
{
	struct iovec part = {data, n};
	ssize_t got = stream_receive(s, (struct parts){.part = &part, .left = 1}, MSG_WAITALL);

	return got < 0 || got == (ssize_t)n ? got : -EIO;
}

/* By TCP each message is behind its length. A negative errno value, or EAI_... in *result. */
static int exchange_packet(struct socket *s, struct question *q, const ip_addr_t *server,
			   int *result, ip_addr_t *address)
{
	uint8_t *message = NULL, length[2], asked[2 + sizeof(q->bytes)];
	int error = stream_connect(s, server, DNS_SERVER_PORT, true);
	ssize_t n;

	if (error)
		return error;
	put16(asked, (unsigned)q->size);
	memcpy(asked + 2, q->bytes, q->size);
	n = send_query(s, asked, q->size + 2);
	if (n >= 0)
		n = receive_whole(s, length, 2);
	if (n >= 0)
		message = heap_alloc(get16(length) + 1);
	if (message)
		n = receive_whole(s, message, get16(length));
	if (message && n >= 0 && answers(q, message, (size_t)n))
		*result = read_answer(q, message, (size_t)n, address);
	heap_free(message);
	return n < 0 ? (int)n : 0;
}

static int ask_by_tcp(struct question *q, const ip_addr_t *server, uint64_t timeout,
		      ip_addr_t *address)
{
	struct socket *s = socket_for(SOCK_STREAM);
	int result = EAI_AGAIN, error;

	if (!s)
		return EAI_MEMORY;
	shared_set(s->send_timeout, timeout);
	shared_set(s->receive_timeout, timeout);
	error = exchange_packet(s, q, server, &result, address);
	socket_discard(s);
	return error ? from_errno(error) : result;
}

/* What the server says before the time is over; a negative errno value. */
static ssize_t await(struct socket *s, struct question *q, uint64_t timeout)
{
	uint64_t deadline = time_now() + timeout, now;

	while ((now = time_now()) < deadline) {
		struct iovec part = {q->answer, sizeof(q->answer)};
		int flags = 0;
		ssize_t n;

		shared_set(s->receive_timeout, deadline - now);
		n = datagram_receive(s, (struct parts){.part = &part, .left = 1}, &flags, NULL,
				     NULL);
		if (n < 0 || answers(q, q->answer, (size_t)n))
			return n;
	}
	return -EAGAIN;
}

static int ask_server(struct question *q, const ip_addr_t *server, uint64_t timeout,
		      ip_addr_t *address)
{
	struct socket *s = socket_for(SOCK_DGRAM);
	int error = -EADDRINUSE;
	ssize_t n = 0;

	if (!s)
		return EAI_MEMORY;
	while (error == -EADDRINUSE)
		error = datagram_bind(s, IP6_ADDR_ANY,
				      (uint16_t)(FIRST_PORT + net_random() % PORTS));
	if (!error)
		error = datagram_connect(s, server, DNS_SERVER_PORT);
	if (!error) {
		put16(q->bytes, net_random());
		n = send_query(s, q->bytes, q->size);
	}
	if (!error && n >= 0)
		n = await(s, q, timeout);
	socket_discard(s);
	if (error || n < 0)
		return from_errno(error ? error : (int)n);
	if (q->answer[2] & TRUNCATED)
		return ask_by_tcp(q, server, timeout, address);
	return read_answer(q, q->answer, (size_t)n, address);
}

static ip_addr_t server_of(int i)
{
	ip_addr_t server;

	net_lock();
	server = *dns_getserver((uint8_t)i);
	net_unlock();
	return server;
}

int resolve(const char *name, int family, ip_addr_t *address)
{
	struct question *q = heap_alloc(sizeof(*q));
	int result = EAI_AGAIN;

	if (!q)
		return EAI_MEMORY;
	memset(q->bytes, 0, HEADER);
	q->bytes[2] = DNS_FLAG1_RD;
	q->bytes[5] = 1; /* question */
	q->type = family == AF_INET ? DNS_RRTYPE_A : DNS_RRTYPE_AAAA;
	if (!encode(name, q->bytes + HEADER)) {
		heap_free(q);
		return EAI_NONAME;
	}
	q->size = HEADER + name_size(q->bytes + HEADER) + 4;
	put16(q->bytes + q->size - 4, q->type);
	put16(q->bytes + q->size - 2, DNS_RRCLASS_IN);
	for (size_t round = 0; round < sizeof(patience) && result == EAI_AGAIN; round++)
		for (int i = 0; i < DNS_MAX_SERVERS && result == EAI_AGAIN; i++) {
			ip_addr_t server = server_of(i);

			if (!ip_addr_isany(&server))
				result = ask_server(q, &server, patience[round] * NSEC_PER_SEC,
						    address);
		}
	heap_free(q);
	return result;
}
