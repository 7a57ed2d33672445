/* Computes for ever, for tests of TIMEOUT. */
int main(void)
{
	for (volatile unsigned i = 0;; i++)
		;
}
