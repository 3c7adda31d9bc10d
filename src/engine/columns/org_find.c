/* org_find.c - see org_find.h.
 *
 * Several matches are never decided by chance: the policy takes the oldest or
 * the newest, asks a rule, or refuses the row and names the records. A person's
 * choice for a row (`argil column choose`) comes before any policy. */
#include "engine/columns/org_find.h"

#include "base/str.h"
#include "engine/journal.h"
#include "store/store_choices.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define NAMED_MATCHES 5

const char *const several_words[] = {"oldest", "newest", "refuse", "ask", "rule", NULL};
const char *const normal_words[] = {"domain", "phone", "email", NULL};

/* ----------------------------------------------------------- recipe check */

static bool text_like(const struct crm_field *field)
{
    static const char *const types[] = {"string", "email", "phone", "url", "picklist", "combobox"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (text_eq(field->type, types[i]))
            return true;
    return false;
}

void find_check_match(struct kind_check *check, const struct crm_object *object,
                      const char *option, const struct json *match)
{
    char where[200];
    json_each(member, match) {
        if (strchr(member->key, '.')) /* paths are the connector's business */
            continue;
        const struct crm_field *field = kind_field(check, object, option, member->key);
        snprintf(where, sizeof where, "%s/%s", option, member->key);
        if (field && !field->filterable)
            kind_check_fail(check, where, "recipe.not_filterable",
                            "%s.%s cannot be used in a condition", object->name, field->name);
    }
}

static void check_normalise(struct kind_check *check, const struct crm_object *object)
{
    char where[200];
    const struct json *rules = json_get(check->config, "normalise");
    json_each(member, rules) {
        if (strchr(member->key, '.'))
            continue;
        const struct crm_field *field = kind_field(check, object, "normalise", member->key);
        snprintf(where, sizeof where, "normalise/%s", member->key);
        if (field && !text_like(field))
            kind_check_fail(check, where, "recipe.not_text",
                            "%s.%s is a %s: only texts can be normalised", object->name,
                            field->name, field->type);
    }
}

void find_check(struct kind_check *check, const struct crm_object *object, const char *option,
                const struct json *match)
{
    const char *rule = json_get_text(check->config, "rule");
    bool by_rule = text_eq(json_get_text(check->config, "if_several"), "rule");
    struct err err = {0};
    find_check_match(check, object, option, match);
    check_normalise(check, object);
    if (by_rule && !rule)
        kind_check_fail(check, "", "recipe.missing_key", "if_several: rule needs a `rule`");
    if (rule && !by_rule)
        kind_check_fail(check, "rule", "recipe.no_effect",
                        "`rule` is only asked with if_several: rule");
    if (rule && formula_check(check->engine->formula, rule, &err) != OK)
        kind_check_fail(check, "rule", err.code, "%s", err.message);
}

/* ------------------------------------------------------------------- open */

static int word_at(const char *const *words, const char *word, int otherwise)
{
    for (int i = 0; word && words[i]; i++)
        if (text_eq(words[i], word))
            return i;
    return otherwise;
}

static enum crm_normal normal_for(const struct json *rules, const char *field)
{
    static const enum crm_normal normals[] = {CRM_DOMAIN, CRM_PHONE, CRM_EMAIL};
    const char *word = json_text(json_get_nocase(rules, field));
    int at = word_at(normal_words, word, -1);
    return at < 0 ? CRM_AS_IS : normals[at];
}

void find_policy(struct find *find, enum if_several usual)
{
    const struct json *config = find->batch->config;
    find->several =
        (enum if_several)word_at(several_words, json_get_text(config, "if_several"), (int)usual);
    find->rule = json_get_text(config, "rule");
}

enum status find_open(struct find *find, struct column_batch *batch, struct job_session *on,
                      const char *object, const struct json *match, enum if_several usual,
                      struct err *err)
{
    const struct json *rules = json_get(batch->config, "normalise");
    *find = (struct find){.batch = batch, .on = on, .lookup = {.object = object}};
    if (batch_lookup_keys(batch, match, &find->lookup, err) != OK)
        return FAIL;
    enum crm_normal *normals =
        arena_array(batch->arena, find->lookup.match_count + 1, sizeof *normals);
    for (size_t i = 0; i < find->lookup.match_count; i++)
        normals[i] = normal_for(rules, find->lookup.match_fields[i]);
    find->lookup.normals = normals;
    find_policy(find, usual);
    return OK;
}

static const struct value *key_of(const struct find *find, size_t row)
{
    return find->lookup.keys + row * find->lookup.match_count;
}

bool find_has_key(const struct find *find, size_t row)
{
    for (size_t i = 0; i < find->lookup.match_count; i++) {
        struct value value = key_of(find, row)[i];
        if (!value.text || str_trim((struct str){value.text, value.len}).n == 0)
            return false;
    }
    return true;
}

void find_skip(struct find *find, size_t row)
{
    struct value *keys = (struct value *)key_of(find, row); /* ours, from batch_lookup_keys */
    for (size_t i = 0; i < find->lookup.match_count; i++)
        keys[i] = VALUE_NULL;
}

enum status find_run(struct find *find, struct crm_match **matches, struct err *err)
{
    struct crm_session *session = find->on->session;
    find->looked_ms = engine_now(find->batch->job->engine);
    return session->does->lookup(session, &find->lookup, find->batch->arena, matches, err);
}

/* ---------------------------------------------------------- business keys */

static int by_name(const void *a, const void *b)
{
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t field_at(const struct find *find, const char *name)
{
    size_t at = 0;
    while (!text_eq(find->lookup.match_fields[at], name))
        at++;
    return at;
}

const char *find_business_key(const struct find *find, const struct crm_object *object, size_t row,
                              const char **field)
{
    struct arena *arena = find->batch->arena;
    size_t count = find->lookup.match_count;
    const char **names = arena_array(arena, count + 1, sizeof *names);
    struct buf key = BUF_INIT, name = BUF_INIT;
    const char *out = NULL;
    memcpy(names, find->lookup.match_fields, count * sizeof *names);
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++) {
        size_t at = field_at(find, names[i]);
        struct value value = key_of(find, row)[at];
        enum crm_normal normal = find->lookup.normals[at];
        const char *norm = normal == CRM_AS_IS
                               ? (value.text ? mode_key_norm(arena, crm_object_field(object, names[i]), value) : "")
                               : crm_normalise(arena, normal, value);
        if (text_blank(norm))
            goto done;
        buf_printf(&key, "%s%s", i ? "\x1f" : "", norm);
        buf_printf(&name, "%s%s", i ? "+" : "", names[i]);
    }
    out = arena_strndup(arena, buf_text(&key), key.len);
    *field = arena_strdup(arena, buf_text(&name));
done:
    buf_free(&key);
    buf_free(&name);
    return out;
}

/* ----------------------------------------------------------------- choose */

static const struct crm_match *last_of(const struct crm_match *match)
{
    while (match->next)
        match = match->next;
    return match;
}

static const struct crm_match *with_id(const struct crm_match *match, const char *id)
{
    while (match && !text_eq(match->id, id))
        match = match->next;
    return match;
}

static void refuse(struct find *find, size_t row, const struct crm_match *matches, bool ask)
{
    struct buf names = BUF_INIT;
    size_t count = 0;
    for (const struct crm_match *m = matches; m; m = m->next)
        if (count++ < NAMED_MATCHES)
            buf_printf(&names, "%s%s", names.len ? ", " : "", m->id);
    batch_fail(find->batch, row, CELL_REFUSED, ask ? "find.ask" : "refused.several",
               "%zu %s records match: %s%s. %s argil column choose %s \"%s\" %s RECORD", count,
               find->lookup.object, buf_text(&names), count > NAMED_MATCHES ? ", ..." : "",
               ask ? "Choose one:" : "Merge them in Salesforce, or choose one:",
               find->batch->table->name, find->batch->plan->column->name,
               find->batch->rows[row].key);
    buf_free(&names);
}

/* The choices that people made for rows with several matches. */
static enum status read_choices(struct find *find, struct crm_match *const *matches,
                                const char **choices, struct err *err)
{
    struct column_batch *batch = find->batch;
    struct store *store = batch->job->engine->store;
    int64_t *rows = arena_array(batch->arena, batch->count + 1, sizeof *rows);
    size_t *places = arena_array(batch->arena, batch->count + 1, sizeof *places), count = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (matches[i] && matches[i]->next) {
            places[count] = i;
            rows[count++] = batch->rows[i].id;
        }
    const char **got = arena_array(batch->arena, count + 1, sizeof *got);
    if (count && store->does->choices->get(store, batch->arena, batch->plan->column->id, rows,
                                           count, got, err) != OK)
        return FAIL;
    for (size_t k = 0; k < count; k++)
        choices[places[k]] = got[k];
    return OK;
}

/* --- by rule: one evaluation for all records of all rows */

struct scores {
    const char **rows; /* JSON arrays of the one name's value */
    struct formula_result *results;
    size_t count;
};

static enum status score(struct find *find, struct crm_match *const *matches, struct scores *s,
                         struct err *err)
{
    static const char *const names[] = {"match"};
    struct column_batch *batch = find->batch;
    size_t total = 0;
    for (size_t i = 0; i < batch->count; i++)
        for (const struct crm_match *m = matches[i]; m && matches[i]->next; m = m->next)
            total++;
    s->rows = arena_array(batch->arena, total + 1, sizeof *s->rows);
    s->results = arena_array(batch->arena, total + 1, sizeof *s->results);
    for (size_t i = 0; i < batch->count; i++)
        for (const struct crm_match *m = matches[i]; m && matches[i]->next; m = m->next)
            s->rows[s->count++] = arena_printf(batch->arena, "[%s]", m->record);
    if (!total)
        return OK;
    if (formula_eval(batch->job->engine->formula, find->rule, names, 1, s->rows, total,
                     batch->arena, s->results, err) != OK)
        return err_wrap(err, "rule of \"%s\"", batch->plan->column->name);
    return OK;
}

/* The one record with the highest number; NULL when there is no such one. */
static const struct crm_match *best(const struct crm_match *matches,
                                    const struct formula_result *results)
{
    const struct crm_match *found = NULL;
    double most = -INFINITY;
    for (size_t i = 0; matches; matches = matches->next, i++) {
        char *end = NULL;
        double value = results[i].state == FORMULA_OK ? strtod(results[i].json, &end) : NAN;
        if (text_eq(results[i].json, "true"))
            value = 1;
        else if (!end || *end || end == results[i].json)
            continue;
        if (value > most)
            found = matches, most = value;
        else if (value == most)
            found = NULL; /* two alike: the rule does not say */
    }
    return found;
}

static size_t length_of(const struct crm_match *match)
{
    size_t n = 0;
    for (; match; match = match->next)
        n++;
    return n;
}

static const struct crm_match *by_policy(struct find *find, const struct crm_match *matches,
                                         const struct formula_result *scores)
{
    switch (find->several) {
    case SEVERAL_OLDEST:
        return matches;
    case SEVERAL_NEWEST:
        return last_of(matches);
    case SEVERAL_RULE:
        return best(matches, scores);
    case SEVERAL_REFUSE:
    case SEVERAL_ASK:
        break;
    }
    return NULL;
}

enum status find_choose(struct find *find, struct crm_match *const *matches,
                        const struct crm_match **chosen, struct err *err)
{
    struct column_batch *batch = find->batch;
    const char **choices = arena_array(batch->arena, batch->count + 1, sizeof *choices);
    struct scores scores = {0};
    size_t at = 0;
    if (read_choices(find, matches, choices, err) != OK)
        return FAIL;
    if (find->several == SEVERAL_RULE && score(find, matches, &scores, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++) {
        chosen[i] = matches[i];
        if (!matches[i] || !matches[i]->next)
            continue;
        const struct formula_result *mine = scores.results ? scores.results + at : NULL;
        at += length_of(matches[i]);
        chosen[i] = with_id(matches[i], choices[i]);
        if (!chosen[i])
            chosen[i] = by_policy(find, matches[i], mine);
        if (!chosen[i])
            refuse(find, i, matches[i], find->several == SEVERAL_ASK);
    }
    return OK;
}
