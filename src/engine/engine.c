/* engine.c - the few settings, and the points where a process may be killed. */
#include "engine/run_priv.h"

#include <signal.h>
#include <string.h>

#define SETTLE_DEFAULT_MS ((int64_t)15 * 60 * 1000)

/* ------------------------------------------------------------- settings */

int64_t engine_now(const struct engine *engine)
{
    return engine->world->now_ms(engine->world);
}

bool engine_stopping(const struct engine *engine)
{
    return engine->stop && atomic_load(engine->stop);
}

int64_t engine_settle_ms(const struct engine *engine)
{
    if (engine->settle_ms > 0)
        return engine->settle_ms;
    const char *given = getenv("ARGIL_SETTLE_MS");
    return given && *given ? strtoll(given, NULL, 10) : SETTLE_DEFAULT_MS;
}

/* "K4:2" = the second time K4 is reached. */
static bool crash_wanted(const char *point)
{
    static long reached;
    const char *wanted = getenv("ARGIL_CRASH_AT");
    if (!wanted || !*wanted)
        return false;
    const char *colon = strchr(wanted, ':');
    size_t len = colon ? (size_t)(colon - wanted) : strlen(wanted);
    if (strlen(point) != len || memcmp(point, wanted, len) != 0)
        return false;
    return ++reached == (colon ? strtol(colon + 1, NULL, 10) : 1);
}

void crash_point(struct engine *engine, const char *point)
{
    if (crash_wanted(point))
        raise(SIGKILL);
    if (engine->crash)
        engine->crash(engine->crash_ctx, point);
}
