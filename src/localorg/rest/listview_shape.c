/* listview_shape.c - what a list view shows: its definition, or what its name
 * says, to columns, a condition and a query.
 *
 *   {"columns": ["Name", "Owner.Alias"], "scope": "mine",
 *    "filters": [{"field": "Industry", "operation": "equals", "value": "Energy,Banking"}],
 *    "booleanFilter": "1", "orderBy": [{"field": "Name", "descending": false}]}
 *
 * Filters speak as the ListView of the Metadata API does; what is answered
 * speaks as a describe of list views does (operators of SoqlCondition). */
#include "localorg/rest/listviews.h"

#include "base/str.h"
#include "localorg/org/paths.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { FILTERS_MAX = 10, LOGIC_DEPTH = 20, VALUES_MAX = 50 };

static const struct {
    const char *object, *columns;
} layouts[] = {
    {"Account", "Name Site BillingState Phone Type Owner.Alias"},
    {"Contact", "Name Account.Name Title Phone Email Owner.Alias"},
    {"Lead", "Name Company State Email Status CreatedDate Owner.Alias"},
    {"Opportunity", "Name Account.Name Amount CloseDate StageName Owner.Alias"},
    {"Case", "CaseNumber Contact.Name Subject Status Priority CreatedDate Owner.Alias"},
    {"Campaign", "Name Type Status StartDate EndDate Owner.Alias"},
};

static enum status bad(struct err *err, const char *what, const char *which)
{
    return err_set(err, "localorg.listview", "%s: %s", what, which ? which : "null");
}

/* --- columns --- */

static const char *label_of(struct arena *arena, const struct sobject *object,
                            const struct path *path)
{
    const struct field *lookup = path->lookup;
    if (lookup && strcmp(lookup->name, "OwnerId") == 0)
        return arena_printf(arena, "%s Owner %s", object->label, path->field->label);
    return path->field->label;
}

/* False when the user has no such column. */
static bool add_column(struct call *call, struct listview_shape *shape, const char *text,
                       bool hidden)
{
    struct path path;
    if (!path_walk(call->arena, call->site->org, call->session.user_id, shape->object, text,
                   &path) ||
        shape->column_count == LISTVIEW_COLUMNS_MAX)
        return false;
    for (size_t i = 0; i < shape->column_count; i++)
        if (strcmp(shape->columns[i].path, path.text) == 0)
            return true;
    bool labelled = !path.lookup && path.field->type == FT_PICKLIST;
    shape->columns[shape->column_count++] = (struct listview_column){
        .path = path.text,
        .field = path.field,
        .hidden = hidden,
        .label = label_of(call->arena, shape->object, &path),
        .selected = labelled ? arena_printf(call->arena, "toLabel(%s)", path.text) : path.text};
    return true;
}

static void usual_columns(struct call *call, struct listview_shape *shape)
{
    const struct field *name = shape->object->name_field;
    const char *layout =
        arena_printf(call->arena, "%s CreatedDate Owner.Alias", name ? name->name : "Id");
    const char *word;
    size_t len;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (strcmp(layouts[i].object, shape->object->name) == 0)
            layout = layouts[i].columns;
    while ((word = words_next(&layout, &len)))
        add_column(call, shape, arena_strndup(call->arena, word, len), false);
}

static enum status read_columns(struct call *call, const struct json *list, bool strict,
                                struct listview_shape *shape, struct err *err)
{
    static const char *const last[] = {"Id", "CreatedDate", "LastModifiedDate", "SystemModstamp"};
    json_each(column, list) {
        const char *text = json_text(column);
        if ((!text || !add_column(call, shape, text, false)) && strict)
            return bad(err, "no such column", text);
    }
    if (!shape->column_count)
        usual_columns(call, shape);
    for (size_t i = 0; i < sizeof last / sizeof *last; i++)
        add_column(call, shape, last[i], true);
    return OK;
}

/* --- filters --- */

static const struct {
    const char *given, *told, *several; /* several: with more than one value; NULL: not allowed */
} operations[] = {
    {"equals", "equals", "in"},
    {"notEqual", "notEquals", "notIn"},
    {"lessThan", "lessThan", NULL},
    {"greaterThan", "greaterThan", NULL},
    {"lessOrEqual", "lessThanOrEqualTo", NULL},
    {"greaterOrEqual", "greaterThanOrEqualTo", NULL},
    {"contains", "like", NULL},
    {"notContain", "like", NULL},
    {"startsWith", "like", NULL},
    {"includes", "includes", "includes"},
    {"excludes", "excludes", "excludes"},
};
#define OPERATIONS (sizeof operations / sizeof *operations)

/* A value as SOQL writes it: text in quotes, everything else bare. NULL: it cannot be one. */
static const char *literal(struct arena *arena, const struct field *field, const char *value,
                           const char *before, const char *after)
{
    struct buf out = BUF_INIT;
    bool bare = field->type == FT_INT || field->type == FT_DOUBLE || field->type == FT_CURRENCY ||
                field->type == FT_PERCENT || field->type == FT_DATE || field->type == FT_DATETIME ||
                field->type == FT_BOOLEAN || field->type == FT_TIME;
    if (!*value && !*before && !*after)
        return "null";
    if (bare)
        return strspn(value, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "_:.+-") == strlen(value)
                   ? arena_strdup(arena, value)
                   : NULL;
    buf_printf(&out, "'%s", before);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\' || ((*before || *after) && strchr("%_", *value)))
            buf_char(&out, '\\');
        if (*value == '\n')
            buf_str(&out, "\\n");
        else
            buf_char(&out, *value);
    }
    buf_printf(&out, "%s'", after);
    const char *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}

/* "a,b", or ["a","b"]. False: too many, or one that cannot be. */
static bool read_values(struct arena *arena, const struct json *json, const struct field *field,
                        const char *before, const char *after, struct listview_condition *out)
{
    const char *list = json_is(json, JSON_ARRAY) ? NULL : json_text(json);
    const struct json *item = json_is(json, JSON_ARRAY) ? json->first : NULL;
    if (!list && !item)
        list = "";
    while (list || item) {
        const char *value = item ? json_text(item) : NULL;
        if (!item) {
            size_t len = strcspn(list, ",");
            value = text_trim(arena, arena_strndup(arena, list, len));
            list = list[len] ? list + len + 1 : NULL;
        } else {
            item = item->next;
        }
        const char *text = literal(arena, field, value ? value : "", before, after);
        if (!text || out->value_count == VALUES_MAX)
            return false;
        out->values[out->value_count++] = text;
    }
    return true;
}

static enum status read_filter(struct call *call, const struct sobject *object,
                               const struct json *json, struct listview_condition **out,
                               struct err *err)
{
    struct arena *arena = call->arena;
    struct path path;
    struct listview_condition *one = arena_alloc(arena, sizeof *one);
    const char *field = json_get_text(json, "field"), *given = json_get_text(json, "operation");
    size_t i = 0;
    if (!field || !path_walk(arena, call->site->org, call->session.user_id, object, field, &path))
        return bad(err, "no such field to filter by", field);
    while (i < OPERATIONS && !text_eq_nocase(operations[i].given, given))
        i++;
    if (i == OPERATIONS)
        return bad(err, "no such operation", given);
    bool like = strcmp(operations[i].told, "like") == 0;
    bool starts = text_eq(operations[i].given, "startsWith");
    if (!read_values(arena, json_get(json, "value"), path.field, like && !starts ? "%" : "",
                     like ? "%" : "", one))
        return bad(err, "not a value of this field", field);
    if (one->value_count > 1 && !operations[i].several)
        return bad(err, "this operation takes one value", given);
    one->field = path.text;
    one->operator= one->value_count> 1 ? operations[i].several : operations[i].told;
    *out = one;
    if (text_eq(operations[i].given, "notContain")) {
        *out = arena_alloc(arena, sizeof **out);
        (*out)->joint = LISTVIEW_NOT;
        (*out)->first = one;
    }
    return OK;
}

/* --- filter logic: 1 AND (2 OR 3) --- */

struct logic {
    struct arena *arena;
    const char *at;
    const struct listview_condition *const *filters;
    size_t count;
    int depth;
};

static bool word(struct logic *l, const char *text)
{
    size_t len = strlen(text);
    l->at += strspn(l->at, " ");
    if (strncasecmp(l->at, text, len) != 0)
        return false;
    l->at += len;
    return true;
}

static struct listview_condition *any_of(struct logic *l);

static struct listview_condition *one_of(struct logic *l)
{
    char *end = NULL;
    if (++l->depth > LOGIC_DEPTH)
        return NULL;
    if (word(l, "(")) {
        struct listview_condition *inner = any_of(l);
        l->depth--;
        return inner && word(l, ")") ? inner : NULL;
    }
    unsigned long n = isdigit((unsigned char)*l->at) ? strtoul(l->at, &end, 10) : 0;
    if (!n || n > l->count)
        return NULL;
    l->at = end;
    l->depth--;
    struct listview_condition *copy = arena_alloc(l->arena, sizeof *copy);
    *copy = *l->filters[n - 1];
    return copy;
}

/* What `part` reads, joined by `text`; one of them stays as it is. */
static struct listview_condition *joined(struct logic *l, const char *text,
                                         enum listview_joint joint,
                                         struct listview_condition *(*part)(struct logic *))
{
    struct listview_condition *first = part(l), **tail;
    if (!first || !word(l, text))
        return first;
    struct listview_condition *whole = arena_alloc(l->arena, sizeof *whole);
    whole->joint = joint;
    whole->first = first;
    tail = &first->next;
    do {
        *tail = part(l);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
    } while (word(l, text));
    return whole;
}

static struct listview_condition *all_of(struct logic *l)
{
    return joined(l, "AND", LISTVIEW_AND, one_of);
}

static struct listview_condition *any_of(struct logic *l)
{
    return joined(l, "OR", LISTVIEW_OR, all_of);
}

static enum status read_filters(struct call *call, const struct json *definition, bool strict,
                                struct listview_shape *shape, struct err *err)
{
    struct listview_condition *filters[FILTERS_MAX];
    struct buf text = BUF_INIT;
    size_t count = 0;
    const char *given = json_get_text(definition, "booleanFilter");
    json_each(filter, json_get(definition, "filters")) {
        if (count == FILTERS_MAX)
            return bad(err, "a list view has at most 10 filters", "");
        if (read_filter(call, shape->object, filter, &filters[count], err) != OK)
            return FAIL; /* also of a user who may not see the field: no rows but the right ones */
        buf_printf(&text, "%s%zu", count ? " AND " : "", count + 1);
        count++;
    }
    if (count) {
        struct logic l = {.arena = call->arena,
                          .at = text_blank(given) ? buf_text(&text) : given,
                          .filters = (const struct listview_condition *const *)filters,
                          .count = count};
        struct listview_condition *condition = any_of(&l);
        l.at += strspn(l.at, " ");
        shape->condition = condition;
        if (!condition || *l.at) {
            buf_free(&text);
            return bad(err, "booleanFilter is not understood", given);
        }
    }
    buf_free(&text);
    return OK;
}

/* --- order and scope --- */

static enum status read_sorts(struct call *call, const struct json *list, bool strict,
                              struct listview_shape *shape, struct err *err)
{
    struct path path;
    json_each(entry, list) {
        const char *field =
            json_is(entry, JSON_STRING) ? entry->text : json_get_text(entry, "field");
        bool good = field &&
                    path_walk(call->arena, call->site->org, call->session.user_id, shape->object,
                              field, &path) &&
                    path.field->sortable;
        if ((!good && strict) || shape->sort_count == LISTVIEW_SORTS_MAX)
            return bad(err, "cannot be sorted by", field);
        if (good)
            shape->sorts[shape->sort_count++] =
                (struct listview_sort){.path = path.text,
                                       .descending = json_get_bool(entry, "descending", false),
                                       .nulls_last = json_get_bool(entry, "nullsLast", false)};
    }
    return OK;
}

/* What the view's name says about its rows. */
static void follow_name(struct call *call, const char *developer_name, struct listview_shape *shape)
{
    struct listview_condition *one = arena_alloc(call->arena, sizeof *one);
    if (text_starts(developer_name, "My") && sobject_field(shape->object, "OwnerId"))
        shape->scope = "mine";
    if (text_starts(developer_name, "NewThisWeek")) {
        one->field = "CreatedDate";
        one->operator= "equals";
        one->values[0] = "THIS_WEEK";
    }
    if (text_starts(developer_name, "RecentlyViewed") &&
        sobject_field(shape->object, "LastViewedDate")) {
        one->field = "LastViewedDate";
        one->operator= "notEquals";
        one->values[0] = "null";
        shape->sorts[shape->sort_count++] =
            (struct listview_sort){.path = "LastViewedDate", .descending = true};
    }
    one->value_count = 1;
    if (one->field)
        shape->condition = one;
}

enum status listview_read(struct call *call, const struct sobject *object,
                          const struct json *definition, const char *developer_name, bool strict,
                          struct listview_shape *out, struct err *err)
{
    const char *scope = json_get_text(definition, "scope");
    *out = (struct listview_shape){.object = object};
    if (scope && text_eq_nocase(scope, "mine"))
        out->scope = "mine";
    else if (scope && strict && !text_eq_nocase(scope, "everything"))
        return bad(err, "scope is everything or mine, not", scope);
    if (out->scope && !sobject_field(object, "OwnerId"))
        return bad(err, "no owner, so no scope mine", object->name);
    if (!definition)
        follow_name(call, developer_name, out);
    if (read_columns(call, json_get(definition, "columns"), strict, out, err) != OK ||
        read_filters(call, definition, strict, out, err) != OK ||
        read_sorts(call, json_get(definition, "orderBy"), strict, out, err) != OK)
        return FAIL;
    if (!out->sort_count && object->name_field && object->name_field->sortable)
        out->sorts[out->sort_count++] = (struct listview_sort){.path = object->name_field->name};
    if (!out->sort_count || strcmp(out->sorts[out->sort_count - 1].path, "Id") != 0) {
        if (out->sort_count == LISTVIEW_SORTS_MAX)
            out->sort_count--;
        out->sorts[out->sort_count++] = (struct listview_sort){.path = "Id"};
    }
    return OK;
}

/* --- as a query --- */

static const char *soql_operator(const char *told)
{
    static const char *const names[][2] = {{"equals", "="},
                                           {"notEquals", "!="},
                                           {"lessThan", "<"},
                                           {"greaterThan", ">"},
                                           {"lessThanOrEqualTo", "<="},
                                           {"greaterThanOrEqualTo", ">="},
                                           {"like", "LIKE"},
                                           {"in", "IN"},
                                           {"notIn", "NOT IN"},
                                           {"includes", "INCLUDES"},
                                           {"excludes", "EXCLUDES"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], told) == 0)
            return names[i][1];
    return "=";
}

static void put_one(const struct listview_condition *one, struct buf *soql)
{
    const char *sign = soql_operator(one->operator);
    bool list = isalpha((unsigned char)*sign) && strcmp(sign, "LIKE") != 0;
    buf_printf(soql, "%s %s %s", one->field, sign, list ? "(" : "");
    for (size_t i = 0; i < one->value_count; i++)
        buf_printf(soql, "%s%s", i ? ", " : "", one->values[i]);
    if (list)
        buf_char(soql, ')');
}

static void put_condition(const struct listview_condition *condition, bool outermost,
                          struct buf *soql)
{
    if (condition->joint == LISTVIEW_ONE) {
        put_one(condition, soql);
        return;
    }
    buf_str(soql, outermost && condition->joint != LISTVIEW_NOT ? "" : "(");
    if (condition->joint == LISTVIEW_NOT)
        buf_str(soql, "NOT ");
    for (const struct listview_condition *part = condition->first; part; part = part->next) {
        put_condition(part, false, soql);
        if (part->next)
            buf_str(soql, condition->joint == LISTVIEW_OR ? " OR " : " AND ");
    }
    buf_str(soql, outermost && condition->joint != LISTVIEW_NOT ? "" : ")");
}

const char *listview_soql(struct call *call, const struct listview_shape *shape, bool labels)
{
    struct buf soql = BUF_INIT;
    for (size_t i = 0; i < shape->column_count; i++)
        buf_printf(&soql, "%s%s", i ? ", " : "SELECT ",
                   labels ? shape->columns[i].selected : shape->columns[i].path);
    buf_printf(&soql, " FROM %s", shape->object->name);
    if (shape->scope)
        buf_printf(&soql, " USING SCOPE %s", shape->scope);
    if (shape->condition) {
        buf_str(&soql, " WHERE ");
        put_condition(shape->condition, true, &soql);
    }
    for (size_t i = 0; i < shape->sort_count; i++)
        buf_printf(&soql, "%s%s %s NULLS %s", i ? ", " : " ORDER BY ", shape->sorts[i].path,
                   shape->sorts[i].descending ? "DESC" : "ASC",
                   shape->sorts[i].nulls_last || shape->sorts[i].descending ? "LAST" : "FIRST");
    const char *text = arena_strdup(call->arena, buf_text(&soql));
    buf_free(&soql);
    return text;
}

/* --- as a describe tells it --- */

void listview_condition_json(const struct listview_condition *condition, struct jw *w)
{
    jw_object(w);
    if (condition->joint == LISTVIEW_ONE) {
        jw_kv_text(w, "field", condition->field);
        jw_kv_text(w, "operator", condition->operator);
        jw_key(w, "values");
        jw_array(w);
        for (size_t i = 0; i < condition->value_count; i++)
            jw_text(w, condition->values[i]);
        jw_end_array(w);
    } else if (condition->joint == LISTVIEW_NOT) {
        jw_key(w, "condition");
        listview_condition_json(condition->first, w);
    } else {
        jw_key(w, "conditions");
        jw_array(w);
        for (const struct listview_condition *part = condition->first; part; part = part->next)
            listview_condition_json(part, w);
        jw_end_array(w);
        jw_kv_text(w, "conjunction", condition->joint == LISTVIEW_AND ? "and" : "or");
    }
    jw_end_object(w);
}
