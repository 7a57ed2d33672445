#ifndef OTHER_H
#define OTHER_H

extern int cores, smp;
int page_alloc(int n);
void panic(const char *what);

#endif
