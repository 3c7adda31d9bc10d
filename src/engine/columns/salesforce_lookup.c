/* salesforce_lookup.c - finds existing records for each row.
 *
 * Three ways to say what is meant: `match` (all fields must hold), `match_any`
 * (mappings tried one after the other, for rows that found nothing yet), `soql`
 * (a free query with the row's values quoted into it). One look-up serves the
 * whole batch; a free query is one a row, five in a call. A look-up that fails
 * is an error or a retry, never "nothing found": that mistake makes duplicates
 * (F-61). */
#include "engine/columns/org_find.h"

#include "base/str.h"

#include <string.h>

#define QUERY_MOST 2000 /* records of a free query that a cell may hold */

static const char *const compare[] = {"equals", "contains", NULL};

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to look in", NULL, NULL, 0, 0},
    {"object", OPT_OBJECT, false, "object to look in; a free query names its own", NULL, NULL, 0,
     0},
    {"match", OPT_FIELD_MAP, false, "fields and the values they must hold; all must match", NULL,
     NULL, 0, 0},
    {"match_any", OPT_FIELD_MAPS, false,
     "several such mappings: the next is tried where the one before found nothing", NULL, NULL, 0,
     0},
    {"soql", OPT_QUERY, false,
     "a query of your own instead; each {{Column}} becomes a quoted value", NULL, NULL, 0, 0},
    {"compare", OPT_ENUM, false, "how values are compared", "equals", compare, 0, 0},
    FIND_NORMALISE,
    {"return", OPT_FIELD_LIST, false, "fields to keep of the record", "[Id]", NULL, 0, 0},
    {"where", OPT_TEXT, false, "further SOQL condition", NULL, NULL, 0, 0},
    FIND_SEVERAL("oldest"),
    FIND_RULE,
    {"all", OPT_BOOL, false, "keep every record that matches, as a list", "false", NULL, 0, 0},
    {"limit", OPT_INT, false, "with all: at most so many records", "2000", NULL, 1, QUERY_MOST},
};

/* ----------------------------------------------------------- recipe check */

static void check_ways(struct kind_check *check)
{
    static const char *const ways[] = {"match", "match_any", "soql"};
    size_t given = 0;
    for (size_t i = 0; i < 3; i++)
        given += json_get(check->config, ways[i]) != NULL;
    if (given != 1)
        kind_check_fail(check, "", given ? "recipe.two_ways" : "recipe.missing_key",
                        "salesforce_lookup takes one of match, match_any and soql");
    bool free_query = json_get(check->config, "soql") != NULL;
    if (!free_query && !json_get(check->config, "object"))
        kind_check_fail(check, "", "recipe.missing_key", "salesforce_lookup needs \"object\"");
    static const char *const not_with_soql[] = {"object", "compare", "normalise", "return", "where"};
    for (size_t i = 0; free_query && i < sizeof not_with_soql / sizeof *not_with_soql; i++)
        if (json_get(check->config, not_with_soql[i]))
            kind_check_fail(check, not_with_soql[i], "recipe.no_effect",
                            "with soql, the query itself says that");
}

static void check_return(struct kind_check *check, const struct crm_object *object)
{
    const struct json *list = json_get(check->config, "return");
    if (json_is(list, JSON_STRING) && !strchr(json_text(list), '.'))
        kind_field(check, object, "return", json_text(list));
    json_each(name, list) {
        if (!strchr(json_text(name), '.')) /* paths are the connector's business */
            kind_field(check, object, "return", json_text(name));
    }
}

static void validate(struct kind_check *check)
{
    check_ways(check);
    if (json_get(check->config, "soql") || !json_get(check->config, "object"))
        return;
    const struct crm_object *object = kind_object(check);
    if (!object)
        return;
    find_check(check, object, "match", json_get(check->config, "match"));
    size_t at = 0;
    json_each(map, json_get(check->config, "match_any")) {
        char where[40];
        snprintf(where, sizeof where, "match_any/%zu", at++);
        find_check_match(check, object, where, map);
    }
    check_return(check, object);
}

/* ----------------------------------------------------------------- result */

static void write_record(struct jw *w, struct arena *arena, const struct crm_match *match,
                         int64_t matches)
{
    struct err ignored = {0};
    const struct json *record =
        match->record ? json_parse(arena, match->record, strlen(match->record), &ignored) : NULL;
    jw_object(w);
    if (match->id)
        jw_kv_text(w, "id", match->id);
    json_each(member, record) {
        if (text_eq(member->key, "attributes"))
            continue;
        jw_key(w, member->key);
        jw_value(w, member);
    }
    if (matches > 1)
        jw_kv_int(w, "matches", matches);
    jw_end_object(w);
}

static int64_t length_of(const struct crm_match *match)
{
    int64_t n = 0;
    for (; match; match = match->next)
        n++;
    return n;
}

static void put_text(struct column_batch *batch, size_t i, struct buf *text)
{
    struct value value = {arena_strndup(batch->arena, buf_text(text), text->len),
                          (uint32_t)text->len};
    buf_free(text);
    batch_value(batch, i, value);
}

/* {"id":..., the record's members, "matches": n when there are several} */
static void take_one(struct column_batch *batch, size_t i, const struct crm_match *match,
                     int64_t matches)
{
    struct buf text = BUF_INIT;
    struct jw w;
    if (batch->plan->column->type != TYPE_JSON) {
        batch_value(batch, i, value_of(match->id));
        return;
    }
    jw_init(&w, &text);
    write_record(&w, batch->arena, match, matches);
    put_text(batch, i, &text);
}

static void take_all(struct column_batch *batch, size_t i, const struct crm_match *match)
{
    int64_t most = json_get_int(batch->config, "limit", QUERY_MOST);
    struct buf text = BUF_INIT;
    struct jw w;
    if (length_of(match) > most) {
        batch_fail(batch, i, CELL_ERROR, "lookup.too_many",
                   "more than %lld records match; narrow the look-up, or raise its limit",
                   (long long)most);
        return;
    }
    jw_init(&w, &text);
    jw_array(&w);
    for (; match; match = match->next)
        write_record(&w, batch->arena, match, 0);
    jw_end_array(&w);
    put_text(batch, i, &text);
}

static bool undecided(const struct column_batch *batch, size_t i)
{
    return !batch->stored[i] && batch->results[i].state == CELL_DUE;
}

static enum status take(struct find *find, struct crm_match **matches, struct err *err)
{
    struct column_batch *batch = find->batch;
    const struct crm_match **chosen = arena_array(batch->arena, batch->count + 1, sizeof *chosen);
    if (json_get_bool(batch->config, "all", false)) {
        for (size_t i = 0; i < batch->count; i++)
            if (matches[i] && undecided(batch, i))
                take_all(batch, i, matches[i]);
        return OK;
    }
    if (find_choose(find, matches, chosen, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++)
        if (chosen[i] && undecided(batch, i))
            take_one(batch, i, chosen[i], length_of(matches[i]));
    return OK;
}

/* --------------------------------------------------------------- by fields */

static const char **field_list(struct column_batch *batch, size_t *count)
{
    const struct json *list = json_get(batch->config, "return");
    const char **fields = arena_array(batch->arena, (list ? list->len : 0) + 1, sizeof *fields);
    *count = 0;
    if (json_is(list, JSON_STRING))
        fields[(*count)++] = json_text(list);
    json_each(name, list)
        fields[(*count)++] = json_text(name);
    return fields;
}

/* *failed: the call failed and the rows have their results. */
static enum status by_match(struct column_batch *batch, struct job_session *on,
                            const struct json *match, bool *failed, struct err *err)
{
    struct find find;
    struct crm_match **matches = arena_array(batch->arena, batch->count + 1, sizeof *matches);
    if (find_open(&find, batch, on, json_get_text(batch->config, "object"), match, SEVERAL_OLDEST,
                  err) != OK)
        return FAIL;
    find.lookup.contains = text_eq(json_get_text(batch->config, "compare"), "contains");
    find.lookup.and_where = json_get_text(batch->config, "where");
    find.lookup.return_fields = field_list(batch, &find.lookup.return_count);
    for (size_t i = 0; i < batch->count; i++)
        if (!undecided(batch, i))
            find_skip(&find, i);
    if (find_run(&find, matches, err) != OK) {
        *failed = true;
        return batch_call_failed(batch, err);
    }
    return take(&find, matches, err);
}

static enum status by_matches(struct column_batch *batch, struct job_session *on, struct err *err)
{
    const struct json *match = json_get(batch->config, "match");
    bool failed = false;
    enum status rc = match ? by_match(batch, on, match, &failed, err) : OK;
    json_each(map, json_get(batch->config, "match_any"))
        if (rc == OK && !failed)
            rc = by_match(batch, on, map, &failed, err);
    for (size_t i = 0; rc == OK && !failed && i < batch->count; i++)
        if (undecided(batch, i))
            batch_no_result(batch, i);
    return rc;
}

/* ------------------------------------------------------------ a free query */

/* The query cut at its references, each a value to be filled in. */
static struct crm_query_piece *cut_query(struct column_batch *batch, const char *soql)
{
    struct crm_query_piece *first = NULL, **last = &first;
    const char *at = soql;
    for (;;) {
        const char *open = strstr(at, "{{"), *end = open ? strstr(open, "}}") : NULL;
        struct crm_query_piece *text = arena_alloc(batch->arena, sizeof *text);
        text->text = end ? arena_strndup(batch->arena, at, (size_t)(open - at)) : at;
        *last = text;
        last = &text->next;
        if (!end)
            return first;
        struct crm_query_piece *value = arena_alloc(batch->arena, sizeof *value);
        value->value = value_of(str_dup(
            batch->arena, str_trim((struct str){open + 2, (size_t)(end - open) - 2})));
        *last = value; /* holds the reference's name until a row fills it */
        last = &value->next;
        at = end + 2;
    }
}

/* Fills the references with a row's values. False when one of them is blank: nothing is
 * looked for by it. */
static bool fill_query(struct column_batch *batch, size_t row, const struct crm_query_piece *from,
                       struct crm_query_piece **out)
{
    struct crm_query_piece **last = out;
    for (; from; from = from->next) {
        struct crm_query_piece *piece = arena_alloc(batch->arena, sizeof *piece);
        *piece = *from;
        piece->next = NULL;
        if (!from->text) {
            const char *path = "";
            int input = batch_input(batch, from->value.text, &path);
            piece->value = batch_ref_value(batch, row, from->value.text);
            piece->type = input >= 0 && !*path ? batch->plan->inputs[input]->type : TYPE_TEXT;
            if (!piece->value.text ||
                !str_trim((struct str){piece->value.text, piece->value.len}).n)
                return false;
        }
        *last = piece;
        last = &piece->next;
    }
    return true;
}

static void write_queries(struct column_batch *batch, struct crm_session *session,
                          const struct crm_query_piece *pieces, const char **soqls)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct crm_query_piece *mine = NULL;
        struct err refused = {0};
        if (!undecided(batch, i))
            continue;
        if (!fill_query(batch, i, pieces, &mine)) {
            batch_no_result(batch, i);
            continue;
        }
        soqls[i] = session->does->query_text(batch->arena, mine, &refused);
        if (!soqls[i])
            batch_error(batch, i, CELL_REFUSED, &refused);
    }
}

static enum status by_query(struct column_batch *batch, struct job_session *on, struct err *err)
{
    struct crm_session *session = on->session;
    const char *soql = json_get_text(batch->config, "soql");
    const char **soqls = arena_array(batch->arena, batch->count + 1, sizeof *soqls);
    struct crm_match **matches = arena_array(batch->arena, batch->count + 1, sizeof *matches);
    struct err *errs = arena_array(batch->arena, batch->count + 1, sizeof *errs);
    write_queries(batch, session, cut_query(batch, soql), soqls);
    if (session->does->select(session, soqls, batch->count, QUERY_MOST + 1, batch->arena, matches,
                              errs, err) != OK)
        return batch_call_failed(batch, err);
    for (size_t i = 0; i < batch->count; i++)
        if (undecided(batch, i) && errs[i].code[0])
            batch_error(batch, i, CELL_ERROR, &errs[i]);
    struct find find = {.batch = batch, .on = on, .lookup = {.object = "the query's"}};
    find_policy(&find, SEVERAL_OLDEST);
    if (take(&find, matches, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++)
        if (undecided(batch, i))
            batch_no_result(batch, i);
    return OK;
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct job_session *on = batch_session(batch, err);
    if (!on)
        return batch_call_failed(batch, err);
    if (job_over_budget(batch->job, on, 0)) {
        batch->job->stop_column = true;
        memset(batch->stored, true, batch->count);
        return OK;
    }
    bool free_query = json_get(batch->config, "soql") != NULL;
    enum status rc = free_query ? by_query(batch, on, err) : by_matches(batch, on, err);
    batch->job->report->looked_up += (int64_t)batch->count;
    return rc;
}

const struct column_kind salesforce_lookup_column = {
    .name = "salesforce_lookup",
    .title = "Look up a Salesforce record",
    .help = "Finds the record whose fields hold the row's values, or all such records.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .type = TYPE_JSON,
    .costs = true,
    .batch_rows = ORG_ROWS,
    .validate = validate,
    .execute = execute,
};
