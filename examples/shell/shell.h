/*
 * The shell: what its files share. A command is a function with main's arguments, and a line in the
 * table of commands.c; one that has more to it than a few lines has a file of its own.
 */
#ifndef SHELL_H
#define SHELL_H

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <vole.h>

struct command {
	const char *name;
	const char *arguments;
	const char *what; /* for help: one line */
	void (*run)(int argc, char **argv);
};

/* In the order of help; a NULL name ends it. */
extern const struct command commands[];

/* Runs a line of commands, separated by ';'. The line is taken apart. */
void run_line(char *line);

/* line.c: reads a line, without its end. False: there is no more input. */
bool read_line(const char *prompt, char *line, size_t size);

void cat(int argc, char **argv);
void core_table(int argc, char **argv);
void hog(int argc, char **argv);
void ls(int argc, char **argv);
void prof(int argc, char **argv);
void ps(int argc, char **argv);
void sieve(int argc, char **argv);
void skynet(int argc, char **argv);
void top(int argc, char **argv);
void tour(int argc, char **argv);
void trace(int argc, char **argv);
void wc(int argc, char **argv);

/* hog.c: an endless loop on each core, until hogs_stop. Returns on how many they run. */
struct hogs {
	atomic_bool stop;
	struct waitgroup running;
};

int hogs_start(struct hogs *hogs);
void hogs_stop(struct hogs *hogs);

/*
 * show.c. A struct text is returned by value and lives to the end of the expression:
 * printf("%s", show_time(ns).s).
 */
struct text {
	char s[64];
};

struct text show_number(uint64_t n);                            /* 1,234,567 */
struct text show_bytes(uint64_t bytes);                         /* 4.8 KB */
struct text show_time(uint64_t ns);                             /* 1.23 ms */
struct text show_bar(uint64_t part, uint64_t whole, int width); /* |###   |, width within */

/*
 * Puts the number argv[1] into *n, which keeps its default when there is none. False, and said so:
 * it is no number from least to most, or there are more words.
 */
bool take_number(int argc, char **argv, uint64_t least, uint64_t most, uint64_t *n);

#endif
