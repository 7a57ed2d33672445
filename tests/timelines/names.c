/* Names that are no text: they must not break a line, a page, or a picture. */
#include <vole.h>
#include <vole/trace.h>

static void spins(void *unused)
{
	(void)unused;
	trace_begin("</script><b>\"&'");
	trace_mark("no utf\xff\xfe-8,\n\x01two lines");
	trace_count("below zero", -5);
	for (volatile int i = 0; i < 300 * 1000; i++)
		;
	trace_end();
}

int main(void)
{
	static const char *names[] = {"<i>&amp;", "no utf\xff-8", "two\nlines\x01", "</script>"};

	for (int i = 0; i < 4; i++) {
		struct go_options options = {.name = names[i]};

		go_with(&options, spins, NULL);
	}
	time_sleep(500 * NSEC_PER_MSEC);
	return 7;
}
