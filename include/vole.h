/* Everything that Vole offers beside the C library. */
#ifndef VOLE_H
#define VOLE_H

#include <vole/chan.h>
#include <vole/go.h>
#include <vole/irq.h>
#include <vole/runtime.h>
#include <vole/sync.h>
#include <vole/task.h>
#include <vole/time.h>
#include <vole/trace.h>

#endif
