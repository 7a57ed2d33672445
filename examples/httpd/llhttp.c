/* Debian's llhttp, which tools/llhttp has fetched: the machine. */
#include "source/llhttp.c"
