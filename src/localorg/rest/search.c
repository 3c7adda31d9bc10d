/* search.c - the search resources: SOSL, parameterized search, and the small
 * helpers a search box asks: scope order, result layouts, suggestions.
 *
 * What a search means and finds is localorg/search's business. */
#include "localorg/search/search.h"

#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { SUGGESTED = 5, SUGGESTED_MAX = 25, SUGGEST_FROM = 3 };

static struct search_options options_of(struct call *call)
{
    struct org_policy policy;
    policies_org(call->site->policies, &policy);
    return (struct search_options){.soql = {.org = call->site->org,
                                            .user_id = call->session.user_id,
                                            .now_ms = call_now(call),
                                            .api_version = call->api_version},
                                   .base = call->base,
                                   .lag_ms = policy.search_lag_s * 1000};
}

static void refuse(struct call *call, const struct err *err)
{
    if (err_is(err, "UNKNOWN_EXCEPTION") || strchr(err->code, '.'))
        answer_failed(call, err);
    else
        answer_error(call, 400, err->code, "%s", err->message);
}

/* --- labels --- */

/* The fields of a select list, with their labels. */
static void field_labels(struct call *call, struct jw *w, const struct search_target *target,
                         const struct sobject *object)
{
    const char *list = target->fields;
    jw_array(w);
    while (*list) {
        size_t len = strcspn(list, ",");
        const char *name = text_trim(call->arena, arena_strndup(call->arena, list, len));
        const struct field *field = sobject_field(object, name);
        if (field) {
            jw_object(w);
            jw_kv_text(w, "label", field->label);
            jw_kv_text(w, "name", field->name);
            jw_end_object(w);
        }
        list += len + (list[len] == ',');
    }
    jw_end_array(w);
}

/* "metadata":{"entityMetadata":[..]} */
static void labels_json(struct call *call, const struct search *search, struct buf *out)
{
    struct jw w;
    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "entityMetadata");
    jw_array(&w);
    for (size_t i = 0; i < search->target_count; i++) {
        const struct search_target *target = &search->targets[i];
        const struct sobject *object = schema_find(org_schema(call->site->org), target->object);
        jw_object(&w);
        jw_kv_text(&w, "entityName", object->name);
        jw_key(&w, "fieldMetadata");
        field_labels(call, &w, target, object);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
}

/* --- answering --- */

static void answer_search(struct call *call, const struct search *search)
{
    struct jw w;
    struct err err = {{0}};
    struct buf rows = BUF_INIT, *body = &call->out->body;
    struct search_options options = options_of(call);
    size_t count = 0;
    if (search_run(call->site->search, search, &options, call->arena, &rows, &count, &err) != OK) {
        refuse(call, &err);
        buf_free(&rows);
        return;
    }
    requests_records(call->site->requests, COUNT_READ, count);
    answer_json(call, 200, &w);
    bool wrapped = call->api_version >= 37;
    buf_str(body, wrapped ? "{\"searchRecords\":[" : "[");
    buf_append(body, buf_text(&rows), rows.len);
    buf_char(body, ']');
    if (wrapped && search->labels) {
        buf_str(body, ",\"metadata\":");
        labels_json(call, search, body);
    }
    if (wrapped)
        buf_char(body, '}');
    buf_free(&rows);
}

void search_sosl(struct call *call)
{
    struct err err = {{0}};
    const char *sosl = call_param(call, "q");
    const struct search *search = search_parse(call->arena, sosl ? sosl : "", &err);
    if (search)
        answer_search(call, search);
    else
        refuse(call, &err);
}

/* --- parameterized search --- */

struct parameters {
    struct call *call;
    struct search search;
    const char *fields; /* of objects that name none; NULL: Id */
    int64_t limit, offset;
};

static enum status add_target(struct parameters *p, struct search_target target, struct err *err)
{
    struct search *search = &p->search;
    if (search->target_count == SEARCH_TARGETS_MAX)
        return err_set(err, SEARCH_MALFORMED, "a search can return at most %d objects",
                       SEARCH_TARGETS_MAX);
    if (!target.fields)
        target.fields = p->fields ? p->fields : "Id";
    if (target.limit < 0)
        target.limit = p->limit;
    target.offset = p->offset;
    search->targets[search->target_count++] = target;
    return OK;
}

/* ["Id","Name"] as "Id,Name"; NULL when there are none. */
static const char *joined(struct arena *arena, const struct json *list)
{
    struct buf names = BUF_INIT;
    json_each(field, list) {
        if (json_text(field))
            buf_printf(&names, "%s%s", names.len ? "," : "", json_text(field));
    }
    const char *text = names.len ? arena_strdup(arena, buf_text(&names)) : NULL;
    buf_free(&names);
    return text;
}

static enum status read_post(struct parameters *p, const struct json *body, struct err *err)
{
    const char *scope = json_get_text(body, "in"), *labels = json_get_text(body, "metadata");
    p->fields = joined(p->call->arena, json_get(body, "fields"));
    p->limit = json_get_int(body, "defaultLimit", -1);
    p->offset = json_get_int(body, "offset", -1);
    p->search.limit = json_get_int(body, "overallLimit", SEARCH_ROWS_MAX);
    p->search.labels = labels && text_eq_nocase(labels, "LABELS");
    if (scope && !search_scope_parse(scope, &p->search.scope))
        return err_set(err, "INVALID_SEARCH_SCOPE", "unknown search scope: %s", scope);
    json_each(entry, json_get(body, "sobjects")) {
        struct search_target target = {
            .object = json_is(entry, JSON_STRING) ? entry->text : json_get_text(entry, "name"),
            .fields = joined(p->call->arena, json_get(entry, "fields")),
            .where = json_get_text(entry, "where"),
            .order = json_get_text(entry, "orderBy"),
            .limit = json_get_int(entry, "limit", -1)};
        if (!target.object)
            return err_set(err, "MISSING_ARGUMENT", "an entry of sobjects has no name");
        if (add_target(p, target, err) != OK)
            return FAIL;
    }
    return OK;
}

static int64_t number_of(struct call *call, const char *name, int64_t otherwise)
{
    const char *text = call_param(call, name);
    return text && *text ? strtoll(text, NULL, 10) : otherwise;
}

/* Account.fields, Account.limit ... of the object. */
static const char *object_param(struct call *call, const char *object, const char *name)
{
    return call_param(call, arena_printf(call->arena, "%s.%s", object, name));
}

static enum status read_get(struct parameters *p, struct err *err)
{
    struct call *call = p->call;
    const char *scope = call_param(call, "in"), *labels = call_param(call, "metadata");
    p->fields = call_param(call, "fields");
    p->limit = number_of(call, "defaultLimit", -1);
    p->offset = number_of(call, "offset", -1);
    p->search.limit = number_of(call, "overallLimit", SEARCH_ROWS_MAX);
    p->search.labels = labels && text_eq_nocase(labels, "LABELS");
    if (scope && !search_scope_parse(scope, &p->search.scope))
        return err_set(err, "INVALID_SEARCH_SCOPE", "unknown search scope: %s", scope);
    for (const struct uri_pair *pair = call->query; pair; pair = pair->next) {
        if (strcmp(pair->name, "sobject") != 0)
            continue;
        struct search_target target = {
            .object = pair->value,
            .fields = object_param(call, pair->value, "fields"),
            .where = object_param(call, pair->value, "where"),
            .order = object_param(call, pair->value, "orderBy"),
            .limit = number_of(call, arena_printf(call->arena, "%s.limit", pair->value), -1)};
        if (add_target(p, target, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status check_parameters(struct parameters *p, struct err *err)
{
    if (p->search.limit < 0 || p->search.limit > SEARCH_ROWS_MAX)
        p->search.limit = SEARCH_ROWS_MAX;
    if (p->offset > SEARCH_OFFSET_MAX)
        return err_set(err, "NUMBER_OUTSIDE_VALID_RANGE", "SOSL offset should be between 0 to %d",
                       SEARCH_OFFSET_MAX);
    if (p->offset >= 0 && p->search.target_count != 1)
        return err_set(err, SEARCH_MALFORMED,
                       "OFFSET is only supported for queries on a single object");
    return OK;
}

void search_parameterized(struct call *call)
{
    struct err err = {{0}};
    struct parameters p = {.call = call};
    bool post = strcmp(call->method, "POST") == 0;
    const struct json *body = post ? call_json(call) : NULL;
    if (post && !body)
        return;
    const char *q = post ? json_get_text(body, "q") : call_param(call, "q");
    if (text_blank(q)) {
        answer_error(call, 400, "MISSING_ARGUMENT", "the search text q has to be specified");
        return;
    }
    if (search_parse_find(call->arena, q, &p.search, &err) == OK &&
        (post ? read_post(&p, body, &err) : read_get(&p, &err)) == OK &&
        check_parameters(&p, &err) == OK)
        answer_search(call, &p.search);
    else
        refuse(call, &err);
}

/* --- helpers of a search box --- */

/* The objects that people search for, most of all first: here the main ones. */
void search_scope_order(struct call *call)
{
    static const char *const order[] = {"Account", "Contact",  "Opportunity", "Lead",
                                        "Case",    "Campaign", "User"};
    struct jw w;
    answer_json(call, 200, &w);
    jw_array(&w);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const struct sobject *object = schema_find(org_schema(call->site->org), order[i]);
        if (!object || !org_may_object(call->site->org, call->session.user_id, object, ORG_READ))
            continue;
        jw_object(&w);
        jw_kv_text(&w, "type", object->name);
        jw_kv_text(&w, "url",
                   arena_printf(call->arena, "%s/sobjects/%s/describe", call->base, object->name));
        jw_end_object(&w);
    }
    jw_end_array(&w);
}

static void layout_column(struct call *call, struct jw *w, const struct sobject *object,
                          const char *name)
{
    const struct field *field = sobject_field(object, name);
    if (!field || !call_may_field(call, field, ORG_READ))
        return;
    jw_object(w);
    jw_kv_text(w, "field", arena_printf(call->arena, "%s.%s", object->name, field->name));
    jw_kv_null(w, "format");
    jw_kv_text(w, "label", field->label);
    jw_kv_text(w, "name", field->name);
    jw_end_object(w);
}

/* What a result list shows of each object of ?q=Account,Contact. */
void search_layout(struct call *call)
{
    static const char *const columns[] = {"Company", "AccountNumber", "Title",     "Phone",
                                          "Email",   "StageName",     "CloseDate", "Status"};
    struct jw w;
    const char *list = call_param(call, "q"), *word;
    size_t len;
    if (text_blank(list)) {
        answer_error(call, 400, "MISSING_ARGUMENT", "q has to name objects");
        return;
    }
    answer_json(call, 200, &w);
    jw_array(&w);
    while ((word = words_next(&list, &len))) {
        const char *name = arena_strndup(call->arena, word, len);
        const struct sobject *object = schema_find(org_schema(call->site->org), name);
        bool seen =
            object && org_may_object(call->site->org, call->session.user_id, object, ORG_READ);
        jw_object(&w);
        jw_kv_text(&w, "errorMsg",
                   seen ? NULL
                        : arena_printf(call->arena, "sObject type '%s' is not supported.", name));
        jw_kv_text(&w, "label", "Search Results");
        jw_kv_int(&w, "limitRows", 25);
        jw_kv_text(&w, "objectType", seen ? object->name : name);
        jw_key(&w, "searchColumns");
        jw_array(&w);
        if (seen && object->name_field)
            layout_column(call, &w, object, object->name_field->name);
        for (size_t i = 0; seen && i < sizeof columns / sizeof *columns; i++)
            layout_column(call, &w, object, columns[i]);
        jw_end_array(&w);
        jw_end_object(&w);
    }
    jw_end_array(&w);
}

/* Records whose name starts like this, a few; *more says that there are others. */
static enum status suggest(struct call *call, const char *q, const struct sobject *object,
                           int64_t limit, struct buf *rows, bool *more, struct err *err)
{
    struct search search = {.scope = SEARCH_NAME, .limit = limit + 1, .target_count = 1};
    struct search_options options = options_of(call);
    struct buf found = BUF_INIT;
    size_t count = 0;
    search.targets[0] = (struct search_target){
        .object = object->name,
        .fields = arena_printf(call->arena, "Id,%s", object->name_field->name),
        .order = object->name_field->sortable ? object->name_field->name : NULL,
        .limit = limit + 1,
        .offset = -1};
    enum status rc =
        search_parse_find(call->arena, arena_printf(call->arena, "%s*", q), &search, err);
    if (rc == OK)
        rc = search_run(call->site->search, &search, &options, call->arena, &found, &count, err);
    *more = rc == OK && (int64_t)count > limit;
    if (rc == OK)
        buf_append(rows, buf_text(&found), found.len);
    buf_free(&found);
    return rc;
}

/* Only the first `limit` of the records written as JSON. */
static void answer_suggestions(struct call *call, struct buf *rows, int64_t limit, bool more)
{
    struct jw w;
    struct buf list = BUF_INIT;
    buf_printf(&list, "[%s]", buf_text(rows));
    const struct json *records = json_parse_buf(call->arena, &list, NULL);
    buf_free(&list);
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "autoSuggestResults");
    jw_array(&w);
    json_each(record, records) {
        if (limit-- > 0)
            jw_value(&w, record);
    }
    jw_end_array(&w);
    jw_kv_bool(&w, "hasMoreResults", more);
    jw_end_object(&w);
}

void search_suggestions(struct call *call)
{
    struct err err = {{0}};
    struct buf rows = BUF_INIT;
    const char *q = call_param(call, "q"), *name = call_param(call, "sobject");
    int64_t limit = number_of(call, "limit", SUGGESTED);
    bool more = false;
    if (limit < 1 || limit > SUGGESTED_MAX)
        limit = SUGGESTED_MAX;
    const struct sobject *object = name ? call_object(call, name) : NULL;
    if (name && !object)
        return;
    if (!q || utf8_length(q, strlen(q)) < SUGGEST_FROM || !object || !search_can(object)) {
        answer_error(call, 400, "MISSING_ARGUMENT",
                     "q has to have at least %d characters, and sobject has to name a searchable "
                     "object",
                     SUGGEST_FROM);
        return;
    }
    if (suggest(call, q, object, limit, &rows, &more, &err) == OK)
        answer_suggestions(call, &rows, limit, more);
    else
        refuse(call, &err);
    buf_free(&rows);
}
