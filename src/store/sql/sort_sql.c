/* sort_sql.c - sorts and filters as SQL, and the functions they use.
 *
 * argil_sort('1n+t-', c5, c7) is the key of base/sortkey.h over columns: a letter
 * and a direction each, behind the version. argil_fold(c5) is text as it is
 * compared. Both are in every handle; an index over argil_sort lives in the file,
 * so its text must not change while its bytes do (SORT_KEY_VERSION).
 *
 * A filter becomes an expression that is true or false, never null, with
 * ?-parameters bound in the order they were written. */
#include "store/sql/views_priv.h"

#include <string.h>

static const char letters[] = {
    [SORT_TEXT] = 't', [SORT_NUMBER] = 'n', [SORT_TIME] = 'd', [SORT_BOOL] = 'b'};

/* ------------------------------------------------------------------ sorts */

/* NULL = no sort: the order of arrival is the order of rid. */
const char *sort_expr(struct arena *arena, const struct sort *sorts, size_t count)
{
    struct buf sql = BUF_INIT;
    if (!count)
        return NULL;
    buf_str(&sql, "argil_sort('" SORT_KEY_VERSION);
    for (size_t i = 0; i < count; i++)
        buf_printf(&sql, "%c%c", letters[value_sort_as(sorts[i].type)],
                   sorts[i].descending ? '-' : '+');
    buf_char(&sql, '\'');
    for (size_t i = 0; i < count; i++)
        buf_printf(&sql, ",c%d", sorts[i].slot);
    buf_char(&sql, ')');
    const char *out = arena_strdup(arena, buf_text(&sql));
    buf_free(&sql);
    return out;
}

/* ---------------------------------------------------------------- filters */

static void bind_folded(struct filter_sql *f, struct value value)
{
    struct buf folded = BUF_INIT;
    text_fold(&folded, value.text ? value.text : "", value.len);
    char *copy = arena_strndup(f->arena, buf_text(&folded), folded.len);
    vec_push(&f->params, ((struct filter_param){copy, (int)folded.len, false}));
    buf_free(&folded);
}

static void bind_key(struct filter_sql *f, enum sort_as as, struct value value)
{
    struct buf key = BUF_INIT;
    sort_key_add(&key, as, false, value.text, value.len);
    char *copy = arena_strndup(f->arena, buf_text(&key), key.len);
    vec_push(&f->params, ((struct filter_param){copy, (int)key.len, true}));
    buf_free(&key);
}

/* Keys of values begin with 1; below are the empty ones, above what is no such value. */
static void put_range(struct filter_sql *f, const struct filter *t, const char *low,
                      const char *high)
{
    enum sort_as as = value_sort_as(t->type);
    size_t at = 0;
    char key[64];
    snprintf(key, sizeof key, "argil_sort('" SORT_KEY_VERSION "%c+',c%d)", letters[as], t->slot);
    buf_printf(&f->sql, "(%s%s", key, low ? low : ">=x'01'");
    if (low)
        bind_key(f, as, t->values[at++]);
    buf_printf(&f->sql, " AND %s%s)", key, high ? high : "<x'02'");
    if (high)
        bind_key(f, as, t->values[at]);
}

static void put_equal(struct filter_sql *f, const struct filter *t)
{
    enum sort_as as = value_sort_as(t->type);
    bool text = as == SORT_TEXT; /* whole, where a key would be cut */
    if (text)
        buf_printf(&f->sql, "coalesce(argil_fold(c%d) IN (", t->slot);
    else
        buf_printf(&f->sql, "(argil_sort('" SORT_KEY_VERSION "%c+',c%d) IN (", letters[as],
                   t->slot);
    for (size_t i = 0; i < t->value_count; i++) {
        buf_str(&f->sql, i ? ",?" : "?");
        if (text)
            bind_folded(f, t->values[i]);
        else
            bind_key(f, as, t->values[i]);
    }
    buf_str(&f->sql, text ? "),1=0)" : "))");
}

static void put_test(struct filter_sql *f, const struct filter *t)
{
    switch (t->test) {
    case TEST_IS:
    case TEST_ONE_OF:
        put_equal(f, t);
        break;
    case TEST_CONTAINS:
        buf_printf(&f->sql, "(coalesce(instr(argil_fold(c%d),?),0)>0)", t->slot);
        bind_folded(f, t->values[0]);
        break;
    case TEST_STARTS:
        buf_printf(&f->sql, "(coalesce(instr(argil_fold(c%d),?),0)=1)", t->slot);
        bind_folded(f, t->values[0]);
        break;
    case TEST_ENDS:
        buf_printf(&f->sql, "coalesce(substr(argil_fold(c%d),length(argil_fold(c%d))-length(?)+1)=?,1=0)",
                   t->slot, t->slot);
        bind_folded(f, t->values[0]);
        bind_folded(f, t->values[0]);
        break;
    case TEST_EMPTY:
        buf_printf(&f->sql, "(c%d IS NULL OR c%d='')", t->slot, t->slot);
        break;
    case TEST_LESS:
        put_range(f, t, NULL, "<?");
        break;
    case TEST_AT_MOST:
        put_range(f, t, NULL, "<=?");
        break;
    case TEST_MORE:
        put_range(f, t, ">?", NULL);
        break;
    case TEST_AT_LEAST:
        put_range(f, t, ">=?", NULL);
        break;
    case TEST_BETWEEN:
        put_range(f, t, ">=?", "<=?");
        break;
    }
}

static void put_state(struct filter_sql *f, const struct filter *t)
{
    buf_printf(&f->sql,
               "(((1<<CAST(coalesce((SELECT state FROM s%lld s WHERE s.cid=%lld AND s.rid=t.rid),"
               "CASE WHEN c%d IS NULL THEN %d ELSE %d END) AS INT))&%u)<>0)",
               (long long)f->table_id, (long long)t->column_id, t->slot, CELL_EMPTY, CELL_OK,
               t->states);
}

static void put_search(struct filter_sql *f, const struct filter *t)
{
    buf_char(&f->sql, '(');
    for (size_t i = 0; i < t->slot_count; i++) {
        buf_printf(&f->sql, "%scoalesce(instr(argil_fold(c%d),?),0)>0", i ? " OR " : "",
                   t->slots[i]);
        bind_folded(f, t->values[0]);
    }
    buf_str(&f->sql, t->slot_count ? ")" : "1=0)");
}

static void put_group(struct filter_sql *f, const struct filter *t)
{
    bool all = t->kind == FILTER_ALL;
    buf_char(&f->sql, '(');
    for (size_t i = 0; i < t->kid_count; i++) {
        buf_str(&f->sql, i ? (all ? " AND " : " OR ") : "");
        filter_put(f, &t->kids[i]);
    }
    buf_str(&f->sql, t->kid_count ? ")" : all ? "1=1)" : "1=0)");
}

void filter_put(struct filter_sql *f, const struct filter *filter)
{
    switch (filter->kind) {
    case FILTER_ALL:
    case FILTER_ANY:
        put_group(f, filter);
        break;
    case FILTER_NOT:
        buf_str(&f->sql, "NOT ");
        filter_put(f, &filter->kids[0]);
        break;
    case FILTER_TEST:
        put_test(f, filter);
        break;
    case FILTER_STATE:
        put_state(f, filter);
        break;
    case FILTER_SEARCH:
        put_search(f, filter);
        break;
    }
}

void filter_sql_free(struct filter_sql *f)
{
    buf_free(&f->sql);
    vec_free(&f->params);
}

int filter_bind(const struct filter_sql *f, struct sq_stmt *stmt, int at)
{
    for (size_t i = 0; i < f->params.len; i++) {
        const struct filter_param *p = &f->params.at[i];
        struct value value = {p->bytes, (uint32_t)p->len};
        if (p->blob)
            sq_bytes(stmt, at++, value);
        else
            sq_value(stmt, at++, value);
    }
    return at;
}
