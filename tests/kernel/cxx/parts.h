#ifndef PARTS_H
#define PARTS_H

#ifdef __cplusplus
extern "C" {
#endif

#ifdef SETTINGS
static const int settings = SETTINGS;
#endif
extern const int from_assembly;

int constructed(void);
int sum_by_channel(int n);
int made_by_many(int n);
int templates(int n);
int atomics_wait(void);
int ended_objects(int n);

#ifdef __cplusplus
}
#endif
#endif
