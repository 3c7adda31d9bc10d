/* tidy.c - see tidy.h. */
#include "model/tidy.h"

#include "base/json.h"

#include <string.h>

void tidy_rule_read(struct arena *arena, const struct table *table, struct tidy_rule *out)
{
    const char *rules = table->rules;
    *out = (struct tidy_rule){.when = NULL};
    if (!rules || !strstr(rules, "auto_delete"))
        return;
    struct err ignored = {0};
    const struct json *rule =
        json_get(json_parse(arena, rules, strlen(rules), &ignored), "auto_delete");
    out->when = json_get_text(rule, "when");
    out->after_ms = json_get_int(rule, "after_ms", 0);
    out->keep = json_get_int(rule, "keep", TIDY_KEEP_USUAL);
}
