/* select.c - a query of the user's own, once a row.
 *
 * query_text puts a row's values into the query: quoted and escaped as text, or
 * bare as numbers, dates and truth values; inside quotes of the query only
 * escaped, and after LIKE so that % and _ stand for themselves (F-61). Up to
 * five queries go in one call; when one of them is refused the five are asked
 * alone, so that a row's mistake is that row's. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>
#include <strings.h>

/* ------------------------------------------------------------- the text */

struct writing {
    struct arena *arena;
    struct buf out;
    bool quoted, like; /* inside quotes; of a LIKE */
};

static bool ends_in_like(const struct buf *text)
{
    size_t n = text->len;
    while (n && strchr(" \t\r\n", text->data[n - 1]))
        n--;
    return n >= 4 && strncasecmp(text->data + n - 4, "LIKE", 4) == 0 &&
           (n == 4 || strchr(" \t\r\n)", text->data[n - 5]));
}

static void write_text(struct writing *w, const char *text)
{
    for (; *text; text++) {
        if (w->quoted && *text == '\\' && text[1]) {
            buf_char(&w->out, *text++);
        } else if (*text == '\'') {
            w->like = !w->quoted && ends_in_like(&w->out);
            w->quoted = !w->quoted;
        }
        buf_char(&w->out, *text);
    }
}

/* A value outside quotes, by its type. False when it is not one of that type. */
static bool write_bare(struct writing *w, enum value_type type, struct value value)
{
    struct str s = str_trim((struct str){value.text, value.len});
    const char *text = str_dup(w->arena, s);
    struct date date;
    int64_t ms;
    if (type == TYPE_NUMBER || type == TYPE_CURRENCY) {
        const char *number = sf_decimal(w->arena, s.p, s.n);
        buf_str(&w->out, number ? number : "");
        return number != NULL;
    }
    if (type == TYPE_CHECKBOX) {
        buf_str(&w->out, text);
        return text_eq(text, "true") || text_eq(text, "false");
    }
    if (type == TYPE_DATE && date_parse(text, &date)) {
        buf_str(&w->out, text);
        return true;
    }
    if (type == TYPE_DATETIME && when_parse(text, &ms)) {
        soql_when(&w->out, ms);
        return true;
    }
    if (type == TYPE_DATE || type == TYPE_DATETIME)
        return false;
    if (ends_in_like(&w->out))
        soql_like(&w->out, s.p, s.n);
    else
        soql_quote(&w->out, value.text, value.len);
    return true;
}

static enum status write_value(struct writing *w, const struct crm_query_piece *piece,
                               struct err *err)
{
    struct value value = piece->value;
    if (value.text && (!utf8_valid(value.text, value.len) || memchr(value.text, 0, value.len)))
        return err_set(err, "refused.bad_text", "a value holds bytes that are not text");
    if (w->quoted) {
        soql_escape(&w->out, value.text ? value.text : "", value.len, w->like);
        return OK;
    }
    if (!value.text || value.len == 0) {
        buf_str(&w->out, "null");
        return OK;
    }
    if (write_bare(w, piece->type, value))
        return OK;
    return err_set(err, "refused.bad_value", "\"%.*s\" is not a %s",
                   (int)utf8_cut(value.text, value.len, 80), value.text,
                   value_type_name(piece->type));
}

const char *sf_query_text(struct arena *arena, const struct crm_query_piece *pieces,
                          struct err *err)
{
    struct writing w = {.arena = arena, .out = BUF_INIT};
    const char *out = NULL;
    for (; pieces; pieces = pieces->next) {
        if (pieces->text)
            write_text(&w, pieces->text);
        else if (write_value(&w, pieces, err) != OK)
            goto done;
    }
    if (w.quoted)
        err_set(err, "refused.bad_query", "the query has a quote that does not end");
    else
        out = arena_strndup(arena, buf_text(&w.out), w.out.len);
done:
    buf_free(&w.out);
    return out;
}

/* ------------------------------------------------------------ the records */

/* Everything Salesforce sent, but for what says where it came from. */
static void write_member(struct jw *w, const struct json *from)
{
    if (json_is(from, JSON_OBJECT)) {
        jw_object(w);
        json_each(member, from) {
            if (text_eq(member->key, "attributes"))
                continue;
            jw_key(w, member->key);
            write_member(w, member);
        }
        jw_end_object(w);
    } else if (json_is(from, JSON_ARRAY)) {
        jw_array(w);
        json_each(item, from)
            write_member(w, item);
        jw_end_array(w);
    } else {
        jw_value(w, from);
    }
}

static struct crm_match *match_of(struct arena *arena, const struct json *record)
{
    struct crm_match *match = arena_alloc(arena, sizeof *match);
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    write_member(&w, record);
    match->id = sf_id_dup(arena, json_get_text(record, "Id")); /* NULL: not selected, or grouped */
    match->record = arena_strndup(arena, text.data, text.len);
    buf_free(&text);
    return match;
}

struct selecting {
    struct sf *sf;
    struct arena *arena, *scratch;
    size_t most;
};

/* The records of one query, further pages too, up to the limit. */
static enum status take_rows(struct selecting *s, struct sf_rows rows, struct crm_match **result,
                             struct err *err)
{
    size_t count = 0;
    for (;;) {
        json_each(record, rows.records) {
            if (count++ == s->most)
                return OK;
            *result = match_of(s->arena, record);
            result = &(*result)->next;
        }
        if (!rows.locator || count >= s->most)
            return OK;
        struct sf_query next = {.locator = rows.locator};
        if (sf_query(s->sf, &next, NULL, s->scratch, &rows, err) != OK)
            return FAIL;
    }
}

/* True when the query itself is wrong: another row's may be right. */
static bool of_the_query(const struct err *err)
{
    return strncmp(err->code, "sf.", 3) == 0;
}

static enum status select_alone(struct selecting *s, const char *soql, struct crm_match **result,
                                struct err *mine, struct err *err)
{
    struct sf_query query = {.soql = soql};
    struct sf_rows rows;
    struct err local = {0};
    if (sf_query(s->sf, &query, NULL, s->scratch, &rows, &local) == OK &&
        take_rows(s, rows, result, &local) == OK)
        return OK;
    *result = NULL;
    if (of_the_query(&local)) {
        *mine = local;
        return OK;
    }
    *err = local;
    return FAIL;
}

static enum status select_together(struct selecting *s, const char *const *soqls, const size_t *at,
                                   size_t count, struct crm_match **results, struct err *errs,
                                   struct err *err)
{
    struct sf_query queries[SF_PARTS_PER_CALL];
    struct sf_rows rows[SF_PARTS_PER_CALL];
    struct err local = {0};
    for (size_t i = 0; i < count; i++)
        queries[i] = (struct sf_query){.soql = soqls[at[i]]};
    if (count > 1 && sf_query_many(s->sf, queries, count, NULL, s->scratch, rows, &local) == OK) {
        for (size_t i = 0; i < count; i++)
            if (take_rows(s, rows[i], &results[at[i]], err) != OK)
                return FAIL;
        return OK;
    }
    if (count > 1 && !of_the_query(&local)) {
        *err = local;
        return FAIL;
    }
    for (size_t i = 0; i < count; i++)
        if (select_alone(s, soqls[at[i]], &results[at[i]], &errs[at[i]], err) != OK)
            return FAIL;
    return OK;
}

enum status sf_select(struct crm_session *session, const char *const *soqls, size_t count,
                      size_t most, struct arena *arena, struct crm_match **results,
                      struct err *errs, struct err *err)
{
    struct selecting s = {
        .sf = sf_of(session), .arena = arena, .scratch = arena_new(), .most = most};
    enum status rc = OK;
    size_t at[SF_PARTS_PER_CALL];
    for (size_t i = 0; i < count; i++) {
        results[i] = NULL;
        err_clear(&errs[i]);
    }
    for (size_t i = 0; i < count && rc == OK;) {
        size_t n = 0;
        for (; i < count && n < SF_PARTS_PER_CALL; i++)
            if (soqls[i]) /* NULL: this row has no query */
                at[n++] = i;
        rc = n ? select_together(&s, soqls, at, n, results, errs, err) : OK;
        s.sf->crm.calls_one_each += n;
        arena_reset(s.scratch);
    }
    arena_free(s.scratch);
    return rc == OK ? OK : err_wrap(err, "running a query");
}
