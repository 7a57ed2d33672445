/* page.html, as it is. */
#include "httpd.h"

__asm__(".section .rodata\n"
	".global page\n"
	"page: .incbin \"page.html\"\n"
	"page_end:\n"
	".balign 8\n"
	".global page_size\n"
	"page_size: .quad page_end - page\n"
	".previous");
