#include "drivers/netdev.h"

#include <vole/go.h>
#include <vole/sync.h>

#include "debug/print.h"
#include "drivers/virtio.h"
#include "drivers/virtio_net.h"

static struct once looked;
static struct netdev *card;

static void find_card(void *unused)
{
	bool shield = go_shield(true);
	struct virtio *v = virtio_find(VIRTIO_NET);

	(void)unused;
	if (v)
		card = virtio_net_make(v);
	else
		log_info("no network card (make run NET=1)\n");
	go_shield(shield);
}

struct netdev *netdev_first(void)
{
	once_do(&looked, find_card, NULL);
	return card;
}
