/* Boot and the end: the command line, power. */
#ifndef KERNEL_START_H
#define KERNEL_START_H

/* The program's arguments; argv[0] is the image's name. */
struct options {
	int argc;
	char **argv;
};
extern struct options options;

/* Splits the command line at blanks, double quotes group. Words vole.NAME=VALUE are the kernel's. */
void options_parse(const char *line);

/* The value of vole.NAME= on the command line, or NULL. */
const char *option(const char *name);

/* Stdio is flushed: waits until the console has taken everything, and powers off. */
_Noreturn void machine_exit(int status);

#endif
