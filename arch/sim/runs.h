/* How runs are made, and what they tell: explore.c and story.c. */
#ifndef RUNS_H
#define RUNS_H

#include "sim.h"

/* How a run is made: by a seed, or by events. */
struct sim_plan {
	uint64_t seed;
	const struct sim_events *follow; /* NULL: by the seed */
	struct sim_work *measured;       /* see sim_run */
	int64_t app_weight;              /* if it is measured */
	uint64_t limit;                  /* of its steps; 0: STEPS */
	bool tell, record;               /* see sim_run */
};

/* What a run has told. */
struct sim_result {
	const char *kind; /* NULL: no failure */
	bool died;        /* and its process with it */
	bool too_long;    /* of the host's time */
	uint64_t run;     /* the how many-th, from 0 */
	uint64_t steps, decisions;
	struct sim_watch race; /* the first of two that race */
	struct sim_events events;
};

/* Memory that all processes share. */
void *sim_share(size_t size);
/* to is in memory that all processes share. */
void sim_make_run(const struct sim_plan *plan, struct sim_result *to);
/* Makes the failed run shorter, and tells of it. spare: for more runs. */
void sim_tell_story(const struct sim_result *failed, struct sim_result *spare);
/* A line of the report: what, and a text, or else a number. */
void sim_say(const char *what, const char *text, uint64_t number);
/* In the runs that are made from here on: see sim_watch. */
extern struct sim_watch *sim_next_watch;

#endif
