/* The kernel command line: the program's arguments, and the kernel's own options. */
#ifndef KERNEL_OPTIONS_H
#define KERNEL_OPTIONS_H

struct options {
	int argc;
	char **argv; /* argv[0] is the image's name */
};
extern struct options options;

/* Splits line at blanks, double quotes group. Words vole.NAME=VALUE are the kernel's. */
void options_parse(const char *line);

#endif
