/* page.html and debug.html, as they are. */
#include "httpd.h"

__asm__(".section .rodata\n"
	".global page\n"
	"page: .incbin \"page.html\"\n"
	"page_end:\n"
	".global debug_page\n"
	"debug_page: .incbin \"debug.html\"\n"
	"debug_page_end:\n"
	".balign 8\n"
	".global page_size, debug_page_size\n"
	"page_size: .quad page_end - page\n"
	"debug_page_size: .quad debug_page_end - debug_page\n"
	".previous");
