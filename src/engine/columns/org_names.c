/* org_names.c - owners, users and record types given by name.
 *
 * A value of a reference to users or queues that is no Id is a person's e-mail,
 * username or name, or a queue's name; of RecordTypeId it is a record type's
 * developer name or label. Only a name that means exactly one active record is
 * taken: a wrong owner is worse than none. What was found is kept for the run.
 *
 * Order for people: e-mail and username where the value holds an @, else the
 * full name; then queues, where the field may hold one. */
#include "engine/columns/org_write.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

/* What a name means; kept in the job. */
struct name_found {
    const char *id;      /* NULL = nobody */
    const char *problem; /* why not: "no active user", "2 users have it: 005.., 005.." */
};

static bool refers_to(const struct crm_field *field, const char *object)
{
    for (size_t i = 0; i < field->reference_count; i++)
        if (text_eq(field->reference_to[i], object))
            return true;
    return false;
}

bool names_apply(const struct write_field *field)
{
    return !field->parent && text_eq(field->field->type, "reference") &&
           (refers_to(field->field, "User") || refers_to(field->field, "Group") ||
            refers_to(field->field, "RecordType"));
}

/* 15 or 18 letters and digits that begin like a user's, a queue's or a record type's Id. */
static bool looks_like_id(struct str s)
{
    static const char *const prefixes[] = {"005", "00G", "012"};
    if (s.n != 15 && s.n != 18)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]))
            return false;
    for (size_t i = 0; i < 3; i++)
        if (str_eq_nocase((struct str){s.p, 3}, str_of(prefixes[i])))
            return true;
    return false;
}

static struct str trimmed(struct value value)
{
    return str_trim((struct str){value.text ? value.text : "", value.len});
}

/* ------------------------------------------------------------ record types */

static const char *record_type(const struct crm_object *object, struct str name,
                               const char **problem, struct arena *arena)
{
    const char *found = NULL;
    struct buf all = BUF_UP_TO(200);
    for (size_t i = 0; i < object->record_type_count; i++) {
        const struct crm_record_type *type = &object->record_types[i];
        if (!type->active || !type->available)
            continue;
        buf_printf(&all, "%s%s", all.len ? ", " : "", type->developer_name);
        if (str_eq_nocase(str_of(type->developer_name), name) ||
            str_eq_nocase(str_of(type->name), name))
            found = type->id;
    }
    if (!found)
        *problem = arena_printf(arena,
                                "there is no record type of this name that the connected user may "
                                "use; there are: %s",
                                all.len ? buf_text(&all) : "none");
    buf_free(&all);
    return found;
}

/* -------------------------------------------------------- people and queues */

struct asking {
    struct write_column *w;
    const char **names; /* folded, each once */
    size_t count;
    struct name_found *found;
};

static const char *key_of(struct asking *a, size_t i)
{
    return arena_printf(a->w->batch->arena, "%lld\x1f%s", (long long)a->w->on->connection_id,
                        a->names[i]);
}

/* Looks the names that are still unknown up by one field of one object. */
static enum status ask(struct asking *a, const char *object, const char *field, bool with_at,
                       const char *and_where, const char *what, struct err *err)
{
    struct arena *arena = a->w->batch->arena;
    struct value *keys = arena_array(arena, a->count + 1, sizeof *keys);
    struct crm_match **matches = arena_array(arena, a->count + 1, sizeof *matches);
    size_t open = 0;
    for (size_t i = 0; i < a->count; i++)
        if (!a->found[i].id && !a->found[i].problem &&
            (strchr(a->names[i], '@') != NULL) == with_at) {
            keys[i] = value_of(a->names[i]);
            open++;
        }
    struct crm_session *session = a->w->on->session;
    struct crm_lookup lookup = {.object = object,
                                .match_fields = &field,
                                .match_count = 1,
                                .keys = keys,
                                .row_count = a->count,
                                .and_where = and_where};
    if (open && session->does->lookup(session, &lookup, arena, matches, err) != OK)
        return FAIL;
    for (size_t i = 0; i < a->count; i++) {
        if (!matches[i])
            continue;
        if (!matches[i]->next)
            a->found[i].id = arena_strdup(a->w->batch->job->arena, matches[i]->id);
        else
            a->found[i].problem =
                arena_printf(a->w->batch->job->arena, "several active %s have it: %s, %s%s", what,
                             matches[i]->id, matches[i]->next->id,
                             matches[i]->next->next ? ", ..." : "");
    }
    return OK;
}

static enum status ask_all(struct asking *a, bool users, bool queues, struct err *err)
{
    if (users && (ask(a, "User", "Username", true, "IsActive = true", "users", err) != OK ||
                  ask(a, "User", "Email", true, "IsActive = true", "users", err) != OK ||
                  ask(a, "User", "Name", false, "IsActive = true", "users", err) != OK))
        return FAIL;
    if (queues && (ask(a, "Group", "DeveloperName", false, "Type = 'Queue'", "queues", err) != OK ||
                   ask(a, "Group", "Name", false, "Type = 'Queue'", "queues", err) != OK))
        return FAIL;
    for (size_t i = 0; i < a->count; i++)
        if (!a->found[i].id && !a->found[i].problem)
            a->found[i].problem = users && queues ? "no active user and no queue has it"
                                  : users         ? "no active user has it"
                                                  : "no queue has it";
    return OK;
}

static const struct name_found *known(struct write_column *w, const char *name)
{
    char *key = arena_printf(w->batch->arena, "%lld\x1f%s", (long long)w->on->connection_id, name);
    return map_get(w->batch->job->names, key);
}

static const char *folded(struct write_column *w, struct value value)
{
    return text_lower(w->batch->arena, str_dup(w->batch->arena, trimmed(value)));
}

/* Learns every name of `values` that is none of an Id and not known yet. */
static enum status learn(struct write_column *w, const struct value *values, size_t count,
                         bool users, bool queues, struct err *err)
{
    struct run_job *job = w->batch->job;
    struct asking a = {.w = w};
    struct map *seen = map_new();
    a.names = arena_array(w->batch->arena, count + 1, sizeof *a.names);
    for (size_t i = 0; i < count; i++) {
        struct str s = trimmed(values[i]);
        const char *name = s.n && !looks_like_id(s) ? folded(w, values[i]) : NULL;
        if (!name || known(w, name) || map_has(seen, name))
            continue;
        map_put(seen, name, seen);
        a.names[a.count++] = name;
    }
    map_free(seen);
    a.found = arena_array(job->arena, a.count + 1, sizeof *a.found);
    if (a.count && ask_all(&a, users, queues, err) != OK)
        return FAIL;
    for (size_t i = 0; i < a.count; i++)
        map_put(job->names, key_of(&a, i), &a.found[i]);
    return OK;
}

static void refuse(struct write_column *w, size_t row, const struct write_field *field,
                   struct value value, const char *problem)
{
    struct str s = trimmed(value);
    batch_fail(w->batch, row, CELL_REFUSED, "refused.no_such_name",
               "%s.%s: %s %s: \"%.*s\". Give an Id, an e-mail or username, or a full name that "
               "one active record has.",
               w->object->name, field->field->name, field->field->label, problem,
               (int)utf8_cut(s.p, s.n, 60), s.p);
}

static void apply(struct write_column *w, const struct write_field *field, size_t row,
                  struct value *raw)
{
    struct str s = trimmed(*raw);
    const char *id = NULL, *problem = NULL;
    if (!s.n || looks_like_id(s) || !write_undecided(w, row))
        return;
    if (refers_to(field->field, "RecordType")) {
        id = record_type(w->object, s, &problem, w->batch->arena);
    } else {
        const struct name_found *found = known(w, folded(w, *raw));
        id = found ? found->id : NULL;
        problem = found ? found->problem : "is not known";
    }
    if (!id) {
        refuse(w, row, field, *raw, problem);
        return;
    }
    report_repair(w->batch->job->report, w->object->name, field->field->name, *raw, id);
    *raw = value_of(id);
}

enum status names_resolve(struct write_column *w, const struct write_field *field,
                          struct value *raw, struct err *err)
{
    bool types = refers_to(field->field, "RecordType");
    if (!types && learn(w, raw, w->batch->count, refers_to(field->field, "User"),
                        refers_to(field->field, "Group"), err) != OK)
        return FAIL;
    for (size_t i = 0; i < w->batch->count; i++)
        apply(w, field, i, &raw[i]);
    return OK;
}

/* --------------------------------------------------------------- taking turns */

enum status names_rotation(struct write_column *w, struct err *err)
{
    const struct json *list = json_get(w->batch->config, "owners");
    struct arena *arena = w->batch->arena;
    size_t count = json_is(list, JSON_STRING) ? 1 : list ? list->len : 0, n = 0;
    struct value *values = arena_array(arena, count + 1, sizeof *values);
    if (json_is(list, JSON_STRING))
        values[n++] = value_of(json_text(list));
    json_each(name, list)
        values[n++] = value_of(json_text(name));
    if (!n)
        return OK;
    if (learn(w, values, n, true, true, err) != OK)
        return FAIL;
    w->rotation = arena_array(arena, n + 1, sizeof *w->rotation);
    for (size_t i = 0; i < n; i++) {
        struct str s = trimmed(values[i]);
        const struct name_found *found = looks_like_id(s) ? NULL : known(w, folded(w, values[i]));
        const char *id = looks_like_id(s) ? str_dup(arena, s) : found ? found->id : NULL;
        if (!id)
            return err_set(err, "refused.no_such_name", "owners: %s: \"%s\"",
                           found ? found->problem : "is not known", values[i].text);
        w->rotation[w->rotation_count++] = id;
    }
    return OK;
}
