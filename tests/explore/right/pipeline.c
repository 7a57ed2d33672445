/* Three stages, each with a channel to the next one that it closes at its end. */
#include <vole.h>

struct stage {
	struct chan *in, *out;
};

static void numbers(void *arg)
{
	struct chan *out = arg;

	for (int i = 1; i <= 4; i++)
		chan_send(out, &i);
	chan_close(out);
}

static void squares(void *arg)
{
	struct stage *stage = arg;
	int value;

	while (chan_recv(stage->in, &value) == 0) {
		value *= value;
		chan_send(stage->out, &value);
	}
	chan_close(stage->out);
}

int main(void)
{
	struct stage stage = {chan_of(int, 0), chan_of(int, 1)};
	int value, sum = 0;

	go(numbers, stage.in);
	go(squares, &stage);
	while (chan_recv(stage.out, &value) == 0)
		sum += value;
	chan_free(stage.in);
	chan_free(stage.out);
	return sum != 30;
}
