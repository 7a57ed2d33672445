// Objects of C++ that become those of a class and of its bases, while others look at them.
#include <vole.h>

struct base {
	virtual ~base()
	{
	}
	virtual int value() const
	{
		return 1;
	}
};

struct derived : base {
	int value() const override
	{
		return 2;
	}
};

static base *object;

static void look(void *sum)
{
	*static_cast<int *>(sum) = object->value();
}

int main()
{
	waitgroup all = {};
	int sums[2] = {};

	object = new derived;
	for (int &sum : sums)
		waitgroup_go(&all, look, &sum);
	waitgroup_wait(&all);
	delete object;
	return sums[0] + sums[1] - 4;
}
