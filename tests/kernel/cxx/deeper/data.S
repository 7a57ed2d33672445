/* What every assembler understands. */
	.section .rodata
	.balign 4
	.globl from_assembly
from_assembly:
	.long 4711
