/*
 * The network starts with the first socket. vole.ip=ADDRESS/BITS,GATEWAY[,DNS] sets the addresses,
 * otherwise they come by DHCP; IPv6 configures itself. Without a card there is the loopback.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <vole/time.h>

#include "debug/print.h"
#include "kernel/heap.h"
#include "kernel/start.h"
#include "net/net.h"

struct mutex net_mutex;

static struct netif *card;  /* NULL: none; constant after the start */
static struct cond changed; /* an address of the card */

/* ---- The lock ------------------------------------------------------------------------------- */

void net_lock(void)
{
	mutex_lock(&net_mutex);
	net_uses++;
	if (net_asleep)
		net_timers_wake();
}

void net_loop(void)
{
	const struct netif *netif;

	assert_net_locked();
	NETIF_FOREACH(netif)
	{
		while (netif->loop_first)
			netif_poll_all();
	}
}

void net_unlock(void)
{
	net_loop();
	mutex_unlock(&net_mutex);
}

bool net_up(void)
{
	return card && netif_is_up(card) && netif_is_link_up(card);
}

/* For lwIP. */
void *net_calloc(size_t n, size_t size);

void *net_calloc(size_t n, size_t size)
{
	void *p = heap_alloc(n * size);

	return p ? memset(p, 0, n * size) : NULL;
}

/* ---- Addresses ------------------------------------------------------------------------------ */

struct addresses {
	ip4_addr_t ip, mask, gateway;
	ip_addr_t dns;
};

/* Of text like 10.0.2.15/24,10.0.2.2,10.0.2.3; what is left out stays as it is. */
static bool parse_address(const char *option, struct addresses *a)
{
	char text[80], *rest = text, *word, *bits, *end;
	unsigned long n;

	if (strlen(option) >= sizeof(text))
		return false;
	strcpy(text, option);
	word = strsep(&rest, ",");
	bits = strchr(word, '/');
	if (!bits)
		return false;
	*bits++ = '\0';
	n = strtoul(bits, &end, 10);
	if (!ip4addr_aton(word, &a->ip) || end == bits || *end || n > 32)
		return false;
	a->mask.addr = n ? lwip_htonl(~UINT32_C(0) << (32 - n)) : 0;
	if (rest && !ip4addr_aton(strsep(&rest, ","), &a->gateway))
		return false;
	return !rest || ipaddr_aton(rest, &a->dns);
}

static void log_addresses(void)
{
	char ip[IP4ADDR_STRLEN_MAX], gateway[IP4ADDR_STRLEN_MAX];

	ip4addr_ntoa_r(netif_ip4_addr(card), ip, sizeof(ip));
	ip4addr_ntoa_r(netif_ip4_gw(card), gateway, sizeof(gateway));
	log_info("network: address %s, gateway %s\n", ip, gateway);
}

static void on_address_change(struct netif *netif)
{
	if (!ip4_addr_isany(netif_ip4_addr(netif)))
		cond_broadcast(&changed);
}

static void configure(const char *wanted)
{
	struct addresses a = {0};

	if (wanted && !parse_address(wanted, &a)) {
		log_warn("vole.ip=%s: ADDRESS/BITS,GATEWAY or ADDRESS/BITS,GATEWAY,DNS is wanted\n",
			 wanted);
		wanted = NULL;
	}
	netif_set_default(card);
	netif_set_status_callback(card, on_address_change);
	netif_set_up(card);
	netif_create_ip6_linklocal_address(card, 1);
	netif_set_ip6_autoconfig_enabled(card, 1);
	if (wanted) {
		netif_set_addr(card, &a.ip, &a.mask, &a.gateway);
		if (!ip_addr_isany(&a.dns))
			dns_setserver(0, &a.dns);
	} else {
		netif_set_hostname(card, "vole");
		dhcp_start(card);
	}
}

/* ---- Start ---------------------------------------------------------------------------------- */

enum { ADDRESS_WAIT = 5 };

static void start_stack(void *unused)
{
	uint64_t deadline = time_now() + ADDRESS_WAIT * NSEC_PER_SEC;
	bool shield = go_shield(true);
	int error = 0;

	(void)unused;
	net_random_start();
	mutex_lock(&net_mutex);
	lwip_init();
	mutex_unlock(&net_mutex);
	card = card_start();
	if (!card) { /* the driver has said why */
		go_shield(shield);
		return;
	}
	net_lock();
	configure(option("ip"));
	while (!error && ip4_addr_isany(netif_ip4_addr(card)))
		error = cond_wait_until(&changed, &net_mutex, deadline);
	net_unlock();
	go_shield(shield);
	if (error)
		log_warn("network: no address from DHCP in %d seconds; vole.ip= sets one\n",
			 ADDRESS_WAIT);
	else
		log_addresses();
}

void net_start(void)
{
	static struct once once;

	once_do(&once, start_stack, NULL);
}
