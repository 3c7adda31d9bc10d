/* versions.c - which API versions there are, what a version offers, and the
 * honest refusal of what localorg has not built. */
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <string.h>

#define OLDEST 31
#define NEWEST 68

/* version = 3 * (year - 14) + {Winter 29, Spring 30, Summer 31}. */
static const char *release(struct arena *arena, int version)
{
    static const char *const seasons[] = {"Winter", "Spring", "Summer"};
    int n = version - 29;
    return arena_printf(arena, "%s '%02d", seasons[n % 3], 14 + n / 3);
}

void versions(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_array(&w);
    for (int version = OLDEST; version <= NEWEST; version++) {
        jw_object(&w);
        jw_kv_text(&w, "label", release(call->arena, version));
        jw_kv_text(&w, "url", arena_printf(call->arena, "/services/data/v%d.0", version));
        jw_kv_text(&w, "version", arena_printf(call->arena, "%d.0", version));
        jw_end_object(&w);
    }
    jw_end_array(&w);
}

/* In the order of a recorded answer; some lead to resources not built here. */
void version_resources(struct call *call)
{
    static const char *const names[][2] = {
        {"tooling", "tooling"},
        {"metadata", "metadata"},
        {"eclair", "eclair"},
        {"folders", "folders"},
        {"chatter", "chatter"},
        {"tabs", "tabs"},
        {"appMenu", "appMenu"},
        {"quickActions", "quickActions"},
        {"queryAll", "queryAll"},
        {"analytics", "analytics"},
        {"search", "search"},
        {"composite", "composite"},
        {"parameterizedSearch", "parameterizedSearch"},
        {"theme", "theme"},
        {"nouns", "nouns"},
        {"recent", "recent"},
        {"connect", "connect"},
        {"limits", "limits"},
        {"process", "process"},
        {"dedupe", "dedupe"},
        {"query", "query"},
        {"jobs", "jobs"},
        {"compactLayouts", "compactLayouts"},
        {"sobjects", "sobjects"},
        {"actions", "actions"},
        {"support", "support"},
    };
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        jw_kv_text(&w, names[i][0], arena_printf(call->arena, "%s/%s", call->base, names[i][1]));
        if (strcmp(names[i][0], "nouns") == 0)
            jw_kv_text(&w, "identity",
                       arena_printf(call->arena, "%s/id/%s/%s", call->origin,
                                    org_id18(call->site->org), call->session.user_id));
    }
    jw_end_object(&w);
}

void not_built(struct call *call)
{
    answer_error(call, 501, "NOT_BUILT",
                 "localorg has not built this resource (%s). docs/localorg/fidelity.md lists what "
                 "is faithful, what differs and what is missing.",
                 call->route->help);
}

/* A feature that this org does not have, as an org without it refuses. */
void switched_off(struct call *call)
{
    answer_error(call, 403, "FUNCTIONALITY_NOT_ENABLED",
                 "This feature is not currently enabled for this user type or org: [%s]",
                 call->route->help);
}
