/* FILE alone, as stdio.h has it: for include/vole/runtime.h, which leaves all the other names to the program.
 * glibc has this file, too. */
#ifndef __FILE_defined
struct __sFILE;
typedef struct __sFILE FILE;
#define __FILE_defined
#endif
