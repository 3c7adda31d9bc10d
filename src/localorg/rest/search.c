/* search.c - SOSL and parameterized search.
 *
 * FIND {terms} [IN scope FIELDS] [RETURNING Object(fields WHERE .. ORDER BY ..
 * LIMIT n), ...] [LIMIT n]. Every object becomes one SOQL query: each word of
 * the search must occur at the start of a word in one of the scope's fields.
 * What differs from Salesforce's index: no ranking, no stemming, no synonyms
 * (docs/localorg/fidelity.md). */
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "localorg/soql/soql.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define OVERALL_MAX 2000
#define OBJECT_MAX  250
#define WORDS_MAX   16
#define FIELDS_MAX  20

struct target { /* one object of RETURNING */
    const struct sobject *object;
    const char *fields; /* select list */
    const char *where;  /* without WHERE; NULL */
    const char *tail;   /* "ORDER BY .." ; "" */
    int64_t limit;
};

struct search {
    struct call *call;
    const char *words[WORDS_MAX]; /* all must occur */
    size_t word_count;
    char scope[8]; /* ALL NAME EMAIL PHONE */
    struct target targets[32];
    size_t target_count;
    int64_t limit;
};

/* --- the search text --- */

static void add_word(struct search *search, const char *p, size_t len)
{
    struct arena *arena = search->call->arena;
    if (search->word_count == WORDS_MAX || len == 0)
        return;
    char *word = arena_alloc(arena, len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (p[i] != '\\' || i + 1 == len)
            word[n++] = p[i];
    while (n && word[n - 1] == '*')
        word[--n] = '\0';
    if (n && !text_eq_nocase(word, "AND"))
        search->words[search->word_count++] = word;
}

/* Words and "quoted phrases"; AND is what they mean anyway. */
static bool read_terms(struct search *search, const char *p, size_t len)
{
    const char *end = p + len;
    while (p < end) {
        size_t n = 0;
        if (isspace((unsigned char)*p)) {
            p++;
            continue;
        }
        if (*p == '"') {
            const char *stop = memchr(p + 1, '"', (size_t)(end - p) - 1);
            n = (size_t)((stop ? stop : end) - p) - 1;
            add_word(search, p + 1, n);
            p += n + 2;
            continue;
        }
        while (p + n < end && !isspace((unsigned char)p[n]))
            n += p[n] == '\\' && p + n + 1 < end ? 2 : 1;
        add_word(search, p, n);
        p += n;
    }
    return search->word_count > 0;
}

/* --- the condition --- */

static bool in_scope(const struct search *search, const struct field *field)
{
    if (strcmp(search->scope, "NAME") == 0)
        return field->name_field;
    if (strcmp(search->scope, "EMAIL") == 0)
        return field->type == FT_EMAIL;
    if (strcmp(search->scope, "PHONE") == 0)
        return field->type == FT_PHONE;
    return field->type == FT_STRING || field->type == FT_EMAIL || field->type == FT_PHONE ||
           field->type == FT_URL;
}

/* A quote or % inside a LIKE pattern of SOQL. */
static void like_text(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '*')
            buf_char(out, '%');
        else if (*text == '?')
            buf_char(out, '_');
        else {
            if (strchr("'\\%_\"", *text))
                buf_char(out, '\\');
            buf_char(out, *text);
        }
    }
}

static bool write_condition(const struct search *search, const struct sobject *object,
                            struct buf *out)
{
    for (size_t w = 0; w < search->word_count; w++) {
        size_t fields = 0;
        buf_str(out, w ? " AND (" : "(");
        for (size_t i = 0; i < object->field_count && fields < FIELDS_MAX; i++) {
            const struct field *field = object->fields[i];
            if (!field->filterable || !field->stored || !in_scope(search, field) ||
                !call_may_field(search->call, field, ORG_READ))
                continue;
            buf_printf(out, "%s%s LIKE '", fields++ ? " OR " : "", field->name);
            like_text(out, search->words[w]);
            buf_printf(out, "%%' OR %s LIKE '%% ", field->name);
            like_text(out, search->words[w]);
            buf_str(out, "%'");
        }
        if (!fields)
            return false;
        buf_char(out, ')');
    }
    return true;
}

/* --- one object --- */

/* Appends the object's records; *count of them. False after answering. */
static bool search_object(struct search *search, const struct target *target, struct buf *rows,
                          int64_t *left)
{
    struct call *call = search->call;
    struct err err = {{0}};
    struct buf soql = BUF_INIT;
    size_t written = 0;
    struct soql_context context = {.org = call->site->org,
                                   .user_id = call->session.user_id,
                                   .now_ms = call_now(call),
                                   .api_version = call->api_version};
    int64_t most = target->limit < *left ? target->limit : *left;
    buf_printf(&soql, "SELECT %s FROM %s WHERE ", target->fields, target->object->name);
    if (!write_condition(search, target->object, &soql) || most <= 0) {
        buf_free(&soql);
        return true;
    }
    if (target->where)
        buf_printf(&soql, " AND (%s)", target->where);
    buf_printf(&soql, " %s LIMIT %lld", target->tail, (long long)most);
    struct soql_plan *plan = soql_compile(call->arena, &context, buf_text(&soql), &err);
    struct soql_cursor *cursor = plan ? soql_open(call->site->org, plan, &err) : NULL;
    size_t before = rows->len;
    if (before)
        buf_char(rows, ',');
    bool ok =
        cursor && soql_write_json(cursor, call->base, (size_t)most, rows, &written, &err) == OK;
    if (!written && before)
        rows->len = before;
    soql_close(cursor);
    buf_free(&soql);
    *left -= (int64_t)written;
    requests_records(call->site->requests, COUNT_READ, written);
    if (!ok)
        answer_error(call, 400, err.code, "%s", err.message);
    return ok;
}

static void run_search(struct search *search)
{
    struct call *call = search->call;
    struct buf rows = BUF_INIT;
    struct jw w;
    int64_t left = search->limit;
    for (size_t i = 0; i < search->target_count; i++)
        if (!search_object(search, &search->targets[i], &rows, &left)) {
            buf_free(&rows);
            return;
        }
    answer_json(call, 200, &w);
    if (call->api_version >= 37)
        buf_str(&call->out->body, "{\"searchRecords\":");
    buf_char(&call->out->body, '[');
    buf_append(&call->out->body, buf_text(&rows), rows.len);
    buf_str(&call->out->body, call->api_version >= 37 ? "]}" : "]");
    buf_free(&rows);
}

/* Without RETURNING every searchable object is asked for its ids. */
static void all_targets(struct search *search)
{
    const struct schema *schema = org_schema(search->call->site->org);
    for (size_t i = 0; i < schema_count(schema) && search->target_count < 32; i++) {
        const struct sobject *object = schema_at(schema, i);
        if (object->searchable && object->name_field && object->key_prefix &&
            org_may_object(search->call->site->org, search->call->session.user_id, object,
                           ORG_READ))
            search->targets[search->target_count++] =
                (struct target){.object = object, .fields = "Id", .tail = "", .limit = OBJECT_MAX};
    }
}

/* The object of a RETURNING entry. NULL after answering 400. */
static const struct sobject *target_object(struct search *search, const char *name)
{
    const struct sobject *object = schema_find(org_schema(search->call->site->org), name);
    if (object &&
        org_may_object(search->call->site->org, search->call->session.user_id, object, ORG_READ))
        return object;
    answer_error(search->call, 400, "INVALID_TYPE", "sObject type '%s' is not supported.", name);
    return NULL;
}

/* --- SOSL --- */

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Past the keyword, or NULL when something else stands there. */
static const char *keyword(const char *p, const char *word)
{
    size_t len = strlen(word);
    p = skip_space(p);
    return strncasecmp(p, word, len) == 0 && !isalnum((unsigned char)p[len]) ? p + len : NULL;
}

/* Where the keyword starts in a text, outside quotes; NULL. */
static const char *find_keyword(const char *text, const char *word)
{
    bool quoted = false;
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            quoted = !quoted;
        if (!quoted && (p == text || isspace((unsigned char)p[-1])) && keyword(p, word) &&
            !isspace((unsigned char)*p))
            return p;
    }
    return NULL;
}

/* "Id, Name WHERE .. ORDER BY .. LIMIT n" of one object. */
static void read_inside(struct arena *arena, char *inside, struct target *target)
{
    char *limit = (char *)find_keyword(inside, "LIMIT");
    if (limit) {
        long long n = strtoll(limit + 5, NULL, 10);
        target->limit = n > 0 && n < OVERALL_MAX ? n : OVERALL_MAX;
        *limit = '\0';
    }
    char *order = (char *)find_keyword(inside, "ORDER");
    if (order) {
        target->tail = arena_strdup(arena, order);
        *order = '\0';
    }
    char *where = (char *)find_keyword(inside, "WHERE");
    if (where) {
        target->where = arena_strdup(arena, where + 5);
        *where = '\0';
    }
    target->fields = text_blank(inside) ? "Id" : arena_strdup(arena, inside);
}

/* The closing bracket that fits the opening one. */
static const char *closing(const char *p)
{
    int depth = 0;
    bool quoted = false;
    for (; *p; p++) {
        if (*p == '\'' && p[-1] != '\\')
            quoted = !quoted;
        if (quoted)
            continue;
        depth += *p == '(';
        depth -= *p == ')';
        if (depth == 0)
            return p;
    }
    return NULL;
}

/* Past RETURNING's list. NULL after answering. */
static const char *read_returning(struct search *search, const char *p)
{
    struct arena *arena = search->call->arena;
    do {
        struct target target = {.fields = "Id", .tail = "", .limit = OBJECT_MAX};
        p = skip_space(p);
        size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        target.object = target_object(search, arena_strndup(arena, p, len));
        if (!target.object)
            return NULL;
        p = skip_space(p + len);
        if (*p == '(') {
            const char *stop = closing(p);
            if (!stop) {
                answer_error(search->call, 400, "MALFORMED_SEARCH", "missing closing bracket: %s",
                             p);
                return NULL;
            }
            read_inside(arena, arena_strndup(arena, p + 1, (size_t)(stop - p) - 1), &target);
            p = stop + 1;
        }
        if (search->target_count < 32)
            search->targets[search->target_count++] = target;
        p = skip_space(p);
    } while (*p++ == ',');
    return p - 1;
}

/* False after answering. */
static bool read_sosl(struct search *search, const char *sosl)
{
    static const char *const scopes[] = {"ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR"};
    const char *p = keyword(sosl, "FIND"), *q;
    p = p ? skip_space(p) : "";
    const char *stop = *p == '{' ? p + 1 : NULL;
    while (stop && *stop && *stop != '}')
        stop += *stop == '\\' && stop[1] ? 2 : 1;
    if (!stop || !*stop || !read_terms(search, p + 1, (size_t)(stop - p) - 1)) {
        answer_error(search->call, 400, "MALFORMED_SEARCH",
                     "No search term found. The search term must be enclosed in braces.");
        return false;
    }
    p = stop + 1;
    if ((q = keyword(p, "IN"))) {
        for (size_t i = 0; i < 5; i++)
            if ((p = keyword(q, scopes[i]))) {
                snprintf(search->scope, sizeof search->scope, "%s", scopes[i]);
                break;
            }
        if (!p || !(p = keyword(p, "FIELDS"))) {
            answer_error(search->call, 400, "MALFORMED_SEARCH", "unexpected token: %s", q);
            return false;
        }
    }
    if ((q = keyword(p, "RETURNING")) && !(p = read_returning(search, q)))
        return false;
    if ((q = find_keyword(p, "LIMIT"))) {
        long long n = strtoll(q + 5, NULL, 10);
        if (n > 0 && n < search->limit)
            search->limit = n;
    }
    return true;
}

void search_sosl(struct call *call)
{
    struct search *search = arena_alloc(call->arena, sizeof *search);
    const char *sosl = call_param(call, "q");
    *search = (struct search){.call = call, .scope = "ALL", .limit = OVERALL_MAX};
    if (text_blank(sosl)) {
        answer_error(call, 400, "MALFORMED_SEARCH",
                     "No search term found. The search term must be enclosed in braces.");
        return;
    }
    if (!read_sosl(search, sosl))
        return;
    if (!search->target_count)
        all_targets(search);
    run_search(search);
}

/* --- parameterized search --- */

/* One object of the POST body, or of ?sobject=. False after answering. */
static bool add_target(struct search *search, const struct json *entry, const char *name,
                       const char *fields, int64_t limit)
{
    struct arena *arena = search->call->arena;
    const struct json *list = json_get(entry, "fields");
    const char *order = json_get_text(entry, "orderBy");
    struct target target = {.object = target_object(search, name ? name : ""),
                            .fields = fields,
                            .tail = "",
                            .where = json_get_text(entry, "where"),
                            .limit = json_get_int(entry, "limit", limit)};
    if (!target.object)
        return false;
    if (json_is(list, JSON_ARRAY) && list->len) {
        struct buf names = BUF_INIT;
        json_each(field, list)
            buf_printf(&names, "%s%s", names.len ? "," : "", json_text(field));
        target.fields = arena_strdup(arena, buf_text(&names));
        buf_free(&names);
    }
    if (order)
        target.tail = arena_printf(arena, "ORDER BY %s", order);
    if (search->target_count < 32)
        search->targets[search->target_count++] = target;
    return true;
}

static bool read_post(struct search *search, const struct json *body)
{
    int64_t limit = json_get_int(body, "defaultLimit", OBJECT_MAX);
    search->limit = json_get_int(body, "overallLimit", OVERALL_MAX);
    if (json_get_text(body, "in"))
        snprintf(search->scope, sizeof search->scope, "%.7s", json_get_text(body, "in"));
    json_each(entry, json_get(body, "sobjects")) {
        const char *name = json_is(entry, JSON_STRING) ? entry->text : json_get_text(entry, "name");
        if (!add_target(search, entry, name, "Id", limit))
            return false;
    }
    return true;
}

static bool read_get(struct search *search)
{
    struct call *call = search->call;
    for (const struct uri_pair *pair = call->query; pair; pair = pair->next) {
        if (strcmp(pair->name, "sobject") != 0)
            continue;
        const char *fields = call_param(call, arena_printf(call->arena, "%s.fields", pair->value));
        const char *limit = call_param(call, arena_printf(call->arena, "%s.limit", pair->value));
        if (!add_target(search, NULL, pair->value, fields ? fields : "Id",
                        limit ? strtoll(limit, NULL, 10) : OBJECT_MAX))
            return false;
    }
    return true;
}

void search_parameterized(struct call *call)
{
    struct search *search = arena_alloc(call->arena, sizeof *search);
    bool post = strcmp(call->method, "POST") == 0;
    const struct json *body = post ? call_json(call) : NULL;
    const char *q = post ? json_get_text(body, "q") : call_param(call, "q");
    *search = (struct search){.call = call, .scope = "ALL", .limit = OVERALL_MAX};
    if (post && !body)
        return;
    if (text_blank(q) || !read_terms(search, q, strlen(q))) {
        answer_error(call, 400, "MISSING_ARGUMENT", "the search text q has to be specified");
        return;
    }
    if (!(post ? read_post(search, body) : read_get(search)))
        return;
    if (!search->target_count)
        all_targets(search);
    run_search(search);
}
