/* And what is around it. */
#include "source/api.c"

#include "source/http.c"
