/*
 * lwIP's periodic work, by one timer of ours. lwIP counts its times in calls of these functions, so
 * what was missed is made up for. When nothing has used the network for a while, and no connection
 * waits for an answer or an hour, nothing but counting would happen: then the timer stops until the
 * next use, but for a look a minute, and an idle machine stays idle.
 */
#include <lwip/dhcp.h>
#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>

#include <vole/time.h>

#include "debug/stuck.h"
#include "net/demux.h"
#include "net/guard.h"
#include "net/net.h"

enum { QUIET_AFTER = 10 * 1000, LOOK_AFTER = DHCP_COARSE_TIMER_MSECS, CYCLES = 16 };

bool net_asleep;
uint32_t net_uses;

static struct timer timer;
/* guarded by net_lock */
static uint64_t due[CYCLES]; /* in ms, for each of lwip_cyclic_timers */
static uint64_t last_use;
static uint32_t uses_seen;

static uint64_t now_ms(void)
{
	return time_now() / NSEC_PER_MSEC;
}

u32_t sys_now(void)
{
	return (u32_t)now_ms();
}

/* What of a connection counts on the timer: everything but waiting for data of either side. */
static bool needs_timer(const struct tcp_pcb *pcb)
{
	return (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT &&
		!(pcb->state == FIN_WAIT_2 && !(pcb->flags & TF_RXCLOSED))) ||
	       pcb->unsent || pcb->unacked || pcb->refused_data || pcb->ooseq ||
	       (pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND)) ||
	       ip_get_option(pcb, SOF_KEEPALIVE);
}

static bool may_sleep(uint64_t now)
{
	if (net_uses != uses_seen) {
		uses_seen = net_uses;
		last_use = now;
	}
	if (now - last_use < QUIET_AFTER)
		return false;
	for (const struct netif *netif = netif_list; netif; netif = netif->next)
		if (netif_dhcp_data(netif) && netif_dhcp_data(netif)->request_timeout > 0)
			return false;
	demux_all();
	if (tcp_tw_pcbs)
		return false;
	for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
		if (needs_timer(pcb))
			return false;
	return true;
}

/* TCP's work grows with its connections, so it is done once, and its clock is set. */
static void run_tcp(uint64_t missed)
{
	tcp_ticks += (u32_t)(missed / 2);
	for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
		guard_tick(pcb);
	tcp_tmr();
}

static void run_due(uint64_t now)
{
	card_let_go();
	demux_all(); /* an address whose time is over ends all its connections */
	for (int i = 0; i < lwip_num_cyclic_timers; i++) {
		const struct lwip_cyclic_timer *cycle = &lwip_cyclic_timers[i];
		uint64_t times = due[i] <= now ? (now - due[i]) / cycle->interval_ms + 1 : 0;

		due[i] += times * cycle->interval_ms;
		if (cycle->handler == tcp_tmr) {
			if (times > 0)
				run_tcp(times - 1);
			continue;
		}
		while (times-- > 0)
			cycle->handler();
	}
}

static void tcp_timer_fire(void *unused);

static void arm_tcp_timer(uint64_t ms)
{
	/* It keeps no program alive in which nobody waits for the network. */
	atomic_fetch_add_explicit(&background_timers, 1, memory_order_relaxed);
	timer_start(&timer, ms * NSEC_PER_MSEC, 0, tcp_timer_fire, NULL);
}

static uint64_t next_due(void)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < lwip_num_cyclic_timers; i++)
		if (due[i] < next)
			next = due[i];
	return next;
}

static void tcp_timer_fire(void *unused)
{
	uint64_t now;

	(void)unused;
	mutex_lock(&net_mutex);
	atomic_fetch_sub_explicit(&background_timers, 1, memory_order_relaxed);
	now = now_ms();
	run_due(now);
	net_asleep = may_sleep(now);
	arm_tcp_timer(net_asleep ? now + LOOK_AFTER : next_due());
	net_loop();
	mutex_unlock(&net_mutex);
}

void net_timers_wake(void)
{
	uint64_t now = now_ms();

	net_asleep = false;
	last_use = now;
	if (timer_stop(&timer)) {
		atomic_fetch_sub_explicit(&background_timers, 1, memory_order_relaxed);
		run_due(now);
		arm_tcp_timer(next_due());
	} /* or it fires right now, and does the same */
}

/* Called by lwip_init. */
void sys_timeouts_init(void)
{
	uint64_t now = now_ms();

	kassert(lwip_num_cyclic_timers <= CYCLES);
	for (int i = 0; i < lwip_num_cyclic_timers; i++)
		due[i] = now + lwip_cyclic_timers[i].interval_ms;
	last_use = now;
	arm_tcp_timer(next_due());
}
