/* getsockopt and setsockopt. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <vole/time.h>

#include "net/socket.h"

/* What TCP's and UDP's pcb have in common; NULL: there is none any more. */
static struct ip_pcb *pcb_of(const struct socket *s)
{
	return s->tcp ? (struct ip_pcb *)s->tcp : (struct ip_pcb *)s->udp;
}

/* A connection, not a listener. */
static struct tcp_pcb *connection_of(const struct socket *s)
{
	return shared_get(s->state) == SOCKET_LISTENING ? NULL : s->tcp;
}

static uint8_t flag_of(int name)
{
	switch (name) {
	case SO_REUSEADDR:
		return SOF_REUSEADDR;
	case SO_KEEPALIVE:
		return SOF_KEEPALIVE;
	case SO_BROADCAST:
		return SOF_BROADCAST;
	default:
		return 0;
	}
}

/* ---- Asking --------------------------------------------------------------------------------- */

static int take_error(struct socket *s)
{
	int error;

	lock(&s->lock);
	error = -socket_take_error(s);
	unlock(&s->lock);
	return error;
}

static int get_socket(struct socket *s, int name, int *value)
{
	const struct ip_pcb *pcb = pcb_of(s);

	switch (name) {
	case SO_REUSEPORT:
		*value = s->reuse_port;
		return 0;
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
	case SO_BROADCAST:
		*value = pcb && (pcb->so_options & flag_of(name));
		return 0;
	case SO_TYPE:
		*value = s->type;
		return 0;
	case SO_DOMAIN:
		*value = s->family;
		return 0;
	case SO_PROTOCOL:
		*value = s->type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
		return 0;
	case SO_ERROR:
		*value = take_error(s);
		return 0;
	case SO_ACCEPTCONN:
		*value = shared_get(s->state) == SOCKET_LISTENING;
		return 0;
	case SO_SNDBUF:
		*value = TCP_SND_BUF;
		return 0;
	case SO_RCVBUF:
		*value = s->type == SOCK_STREAM ? TCP_WND : (int)s->receive_limit;
		return 0;
	case SO_RCVLOWAT:
	case SO_SNDLOWAT:
		*value = 1;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int get_tcp(const struct socket *s, int name, int *value)
{
	const struct tcp_pcb *pcb = connection_of(s);

	if (s->type != SOCK_STREAM)
		return -ENOPROTOOPT;
	if (name == TCP_NODELAY) {
		*value = s->nodelay;
		return 0;
	}
	if (!pcb)
		return -EINVAL;
	switch (name) {
	case TCP_MAXSEG:
		*value = tcp_mss(pcb);
		return 0;
	case TCP_KEEPIDLE:
		*value = (int)(pcb->keep_idle / 1000);
		return 0;
	case TCP_KEEPINTVL:
		*value = (int)(pcb->keep_intvl / 1000);
		return 0;
	case TCP_KEEPCNT:
		*value = (int)pcb->keep_cnt;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int get_ip(const struct socket *s, int level, int name, int *value)
{
	const struct ip_pcb *pcb = pcb_of(s);

	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY)
		*value = s->v6only;
	else if (pcb && (level == IPPROTO_IP ? name == IP_TTL : name == IPV6_UNICAST_HOPS))
		*value = pcb->ttl;
	else if (pcb && level == IPPROTO_IP && name == IP_TOS)
		*value = pcb->tos;
	else
		return -ENOPROTOOPT;
	return 0;
}

static int get_int(struct socket *s, int level, int name, int *value)
{
	switch (level) {
	case SOL_SOCKET:
		return get_socket(s, name, value);
	case IPPROTO_TCP:
		return get_tcp(s, name, value);
	case IPPROTO_IP:
	case IPPROTO_IPV6:
		return get_ip(s, level, name, value);
	default:
		return -ENOPROTOOPT;
	}
}

static void put_value(void *value, socklen_t *size, const void *from, socklen_t n)
{
	memcpy(value, from, *size < n ? *size : n);
	if (*size > n)
		*size = n;
}

static int get(struct socket *s, int level, int name, void *value, socklen_t *size)
{
	int number, error;

	if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) {
		uint64_t ns = name == SO_RCVTIMEO ? shared_get(s->receive_timeout)
						  : shared_get(s->send_timeout);
		struct timeval tv = {.tv_sec = (time_t)(ns / NSEC_PER_SEC),
				     .tv_usec = (suseconds_t)(ns % NSEC_PER_SEC / 1000)};

		put_value(value, size, &tv, sizeof(tv));
		return 0;
	}
	if (level == SOL_SOCKET && name == SO_LINGER) {
		put_value(value, size, &s->linger, sizeof(s->linger));
		return 0;
	}
	error = get_int(s, level, name, &number);
	if (!error)
		put_value(value, size, &number, sizeof(number));
	return error;
}

/* ---- Setting -------------------------------------------------------------------------------- */

static int set_timeout(uint64_t *timeout, const void *value, socklen_t size)
{
	struct timeval tv;

	if (size < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, value, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0 || (uint64_t)tv.tv_sec > UINT32_MAX)
		shared_set(*timeout, 0);
	else
		shared_set(*timeout,
			   (uint64_t)tv.tv_sec * NSEC_PER_SEC + (uint64_t)tv.tv_usec * 1000);
	return 0;
}

static int set_flag(struct socket *s, uint8_t flag, bool on)
{
	struct ip_pcb *pcb = pcb_of(s);

	if (!pcb)
		return -EINVAL;
	if (on)
		ip_set_option(pcb, flag);
	else
		ip_reset_option(pcb, flag);
	return 0;
}

static int set_socket(struct socket *s, int name, int value)
{
	switch (name) {
	case SO_REUSEPORT:
		s->reuse_port = value; /* nothing balances: one of them gets what comes */
		return 0;
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
	case SO_BROADCAST:
		return set_flag(s, flag_of(name), value);
	case SO_RCVBUF:
		if (value <= 0)
			return -EINVAL;
		s->receive_limit = (size_t)value; /* UDP's; TCP has its window */
		return 0;
	case SO_SNDBUF:
		return value > 0 ? 0 : -EINVAL; /* a wish */
	case SO_RCVLOWAT:
	case SO_SNDLOWAT:
		return value == 1 ? 0 : -EINVAL;
	default:
		return -ENOPROTOOPT;
	}
}

static int set_tcp(struct socket *s, int name, int value)
{
	struct tcp_pcb *pcb = connection_of(s);

	if (s->type != SOCK_STREAM)
		return -ENOPROTOOPT;
	if (name == TCP_NODELAY) { /* also of those that a listener will accept */
		s->nodelay = value;
		if (pcb && value)
			tcp_nagle_disable(pcb);
		else if (pcb)
			tcp_nagle_enable(pcb);
		return 0;
	}
	if (!pcb || value <= 0 || value > INT32_MAX / 1000)
		return -EINVAL;
	switch (name) {
	case TCP_KEEPIDLE:
		pcb->keep_idle = (uint32_t)value * 1000;
		return 0;
	case TCP_KEEPINTVL:
		pcb->keep_intvl = (uint32_t)value * 1000;
		return 0;
	case TCP_KEEPCNT:
		pcb->keep_cnt = (uint32_t)value;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int set_ip_option(struct socket *s, int level, int name, int value)
{
	struct ip_pcb *pcb = pcb_of(s);

	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
		if (s->family != AF_INET6 || shared_get(s->state) != SOCKET_NEW)
			return -EINVAL;
		s->v6only = value;
		return 0;
	}
	if (!pcb || value < 0 || value > 255)
		return -EINVAL;
	if (level == IPPROTO_IP ? name == IP_TTL : name == IPV6_UNICAST_HOPS)
		pcb->ttl = (uint8_t)value;
	else if (level == IPPROTO_IP && name == IP_TOS)
		pcb->tos = (uint8_t)value;
	else
		return -ENOPROTOOPT;
	return 0;
}

static int set_option(struct socket *s, int level, int name, const void *value, socklen_t size)
{
	int number;

	if (level == SOL_SOCKET && name == SO_RCVTIMEO)
		return set_timeout(&s->receive_timeout, value, size);
	if (level == SOL_SOCKET && name == SO_SNDTIMEO)
		return set_timeout(&s->send_timeout, value, size);
	if (level == SOL_SOCKET && name == SO_LINGER) {
		if (size < sizeof(s->linger))
			return -EINVAL;
		memcpy(&s->linger, value, sizeof(s->linger));
		return 0;
	}
	if (size < sizeof(number))
		return -EINVAL;
	memcpy(&number, value, sizeof(number));
	switch (level) {
	case SOL_SOCKET:
		return set_socket(s, name, number);
	case IPPROTO_TCP:
		return set_tcp(s, name, number);
	case IPPROTO_IP:
	case IPPROTO_IPV6:
		return set_ip_option(s, level, name, number);
	default:
		return -ENOPROTOOPT;
	}
}

/* ---- The calls ------------------------------------------------------------------------------ */

static int finish_call(struct file *file, int error)
{
	net_unlock();
	file_put(file);
	if (!error)
		return 0;
	errno = -error;
	return -1;
}

static struct socket *begin_call(int fd, const void *value, struct file **file)
{
	int error = -EFAULT;
	struct socket *s = value ? socket_get(fd, file, &error) : NULL;

	if (s)
		net_lock();
	else
		errno = -error;
	return s;
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict size)
{
	struct file *file;
	struct socket *s = begin_call(fd, size ? value : NULL, &file);

	return s ? finish_call(file, get(s, level, name, value, size)) : -1;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	struct file *file;
	struct socket *s = begin_call(fd, value, &file);

	return s ? finish_call(file, set_option(s, level, name, value, size)) : -1;
}
