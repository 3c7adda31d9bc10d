/* search.c - SOSL and parameterized search: not built yet, and says so. */
#include "localorg/rest/resources.h"

void search_sosl(struct call *call)
{
    not_built(call);
}

void search_parameterized(struct call *call)
{
    not_built(call);
}
