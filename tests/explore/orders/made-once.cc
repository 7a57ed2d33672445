/* A variable of a function is made by who comes there first; all others see it as it was made. */
#include <vole.h>

enum { USERS = 3, VALUE = 7 };

namespace
{

struct made {
	int value;
	explicit made(int wanted) : value(wanted)
	{
	}
};

int value()
{
	static made it(VALUE + (go_id() == 0));

	return it.value;
}

void use(void *)
{
	if (value() != VALUE)
		runtime_panic("%d", value());
}

} // namespace

int main()
{
	struct waitgroup all = {};

	for (int i = 0; i < USERS; i++)
		waitgroup_go(&all, use, nullptr);
	waitgroup_wait(&all);
	return 0;
}
