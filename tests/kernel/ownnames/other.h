#ifndef OTHER_H
#define OTHER_H

extern int cores, smp;
int page_alloc(int n);
int kill(int n); /* the C library's, too; as the next one */
int accept(int n);
void panic(const char *what);

#endif
