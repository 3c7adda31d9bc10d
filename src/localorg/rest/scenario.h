/* scenario.h - a file that says what an org is like and what happens to it.
 *
 * One JSON object; its members are control routes by their last word (users,
 * policies, sharing, rules, limits, faults, clock ...) with what would be posted
 * there, "load" with paths, "records" with records by object, and "then" with
 * further control requests. docs/localorg/control.md has the whole form. Without
 * `rows` "load" and "records" are left out: the org has them from an earlier run. */
#ifndef LOCALORG_REST_SCENARIO_H
#define LOCALORG_REST_SCENARIO_H

#include "localorg/rest/site.h"

/* Not under org_lock. Stops at the first that is refused; what came before stays. */
enum status scenario_apply(struct site *site, struct arena *arena, const struct json *scenario,
                           bool rows, struct err *err);
enum status scenario_file(struct site *site, const char *path, bool rows, struct err *err);
/* [{"method","path","body"}]: control requests. err may be NULL: then all are tried. */
enum status scenario_steps(struct site *site, struct arena *arena, const struct json *steps,
                           struct err *err);

#endif
