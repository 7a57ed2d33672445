#ifndef OTHER_H
#define OTHER_H

extern int cores, smp;
int page_alloc(int n);
int kill(int n); /* the C library's, too */
void panic(const char *what);

#endif
