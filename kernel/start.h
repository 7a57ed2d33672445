/* Boot and the end: options, arguments, power. */
#ifndef KERNEL_START_H
#define KERNEL_START_H

/* The value of vole.NAME= on the command line, or NULL. */
const char *option(const char *name);

/* Stdio is flushed: waits until the console has taken everything, and powers off. */
_Noreturn void machine_exit(int status);

#endif
