/* propose.c - types by looking at every value.
 *
 * A column keeps a type as long as each of its values fits it; the first of the
 * list that is left is proposed. "00123" is no number: a leading zero means that
 * somebody wants to keep it. Whether a column tells rows apart is found with a
 * hash of each value: a collision could only hide a good column, never propose a
 * bad one. */
#include "engine/sources/propose.h"

#include "engine/run_priv.h"
#include "engine/sources/csv_file.h"

#include "base/str.h"
#include "base/uri.h"

#include <stdlib.h>
#include <string.h>

#define MOST_HASHES ((size_t)4 << 20) /* rows beyond which uniqueness is not looked at */

static const enum value_type tried[] = {TYPE_CHECKBOX, TYPE_NUMBER, TYPE_DATE,
                                        TYPE_DATETIME, TYPE_EMAIL,  TYPE_URL};
#define TRIED (sizeof tried / sizeof *tried)

struct look {
    struct arena *scratch;
    struct proposal *out;
    struct seen {
        unsigned fits; /* bits of tried */
        bool unique;
        uint64_t *hashes; /* open addressing; 0 = free */
        size_t room, used;
    } * seen;
};

/* ------------------------------------------------------------------ types */

static bool is_email(struct str s)
{
    const char *at = memchr(s.p, '@', s.n);
    size_t before = at ? (size_t)(at - s.p) : 0;
    const char *dot = at ? memchr(at + 1, '.', s.n - before - 1) : NULL;
    return before > 0 && dot > at + 1 && dot < s.p + s.n - 1 && !memchr(s.p, ' ', s.n);
}

static bool is_url(struct arena *arena, struct str s)
{
    struct uri uri;
    char *text = arena_strndup(arena, s.p, s.n);
    return (text_starts(text, "https://") || text_starts(text, "http://")) &&
           uri_parse(arena, text, &uri);
}

static bool leading_zero(struct str s)
{
    size_t sign = s.n && (s.p[0] == '-' || s.p[0] == '+');
    return s.n > sign + 1 && s.p[sign] == '0' && s.p[sign + 1] != '.';
}

static bool fits(struct look *look, enum value_type type, struct str s)
{
    struct value value = {s.p, (uint32_t)s.n}, ignored;
    if (type == TYPE_EMAIL)
        return is_email(s);
    if (type == TYPE_URL)
        return is_url(look->scratch, s);
    if (type == TYPE_CHECKBOX) /* 0 and 1 may as well be numbers */
        return str_eq_nocase(s, STR("true")) || str_eq_nocase(s, STR("false"));
    if (type == TYPE_DATE && s.n != 10)
        return false;
    if ((type == TYPE_NUMBER && leading_zero(s)) || s.n > 40)
        return false;
    return value_from_text(look->scratch, type, value, &ignored, NULL) == OK;
}

/* ------------------------------------------------------------- uniqueness */

static bool put_hash(struct seen *seen, uint64_t hash)
{
    size_t at = hash & (seen->room - 1);
    for (; seen->hashes[at]; at = (at + 1) & (seen->room - 1))
        if (seen->hashes[at] == hash)
            return false;
    seen->hashes[at] = hash;
    return true;
}

static void grow(struct seen *seen)
{
    struct seen bigger = {.room = seen->room ? seen->room * 2 : 1024};
    bigger.hashes = mem_array(bigger.room, sizeof *bigger.hashes);
    for (size_t i = 0; i < seen->room; i++)
        if (seen->hashes[i])
            put_hash(&bigger, seen->hashes[i]);
    free(seen->hashes);
    seen->hashes = bigger.hashes;
    seen->room = bigger.room;
}

static void see_value(struct seen *seen, struct str s)
{
    if (!seen->unique)
        return;
    if (seen->used * 2 >= seen->room)
        grow(seen);
    uint64_t hash = text_hash(s.p, s.n);
    seen->unique = seen->used < MOST_HASHES && put_hash(seen, hash ? hash : 1);
    seen->used++;
    if (!seen->unique) {
        free(seen->hashes);
        seen->hashes = NULL;
    }
}

/* ------------------------------------------------------------------- rows */

static enum status look_at(void *ctx, const struct str *fields, const bool *quoted, size_t count,
                           uint64_t line, struct err *err)
{
    struct look *look = ctx;
    arena_reset(look->scratch);
    look->out->rows++;
    for (size_t i = 0; i < look->out->count; i++) {
        struct seen *seen = &look->seen[i];
        struct str s = i < count && fields[i].p ? str_trim(fields[i]) : (struct str){0};
        if (!s.n)
            continue;
        look->out->columns[i].filled++;
        see_value(seen, s);
        for (size_t t = 0; t < TRIED && seen->fits; t++)
            if (seen->fits & 1u << t && !fits(look, tried[t], s))
                seen->fits &= ~(1u << t);
    }
    return OK;
}

static void conclude(struct look *look)
{
    for (size_t i = 0; i < look->out->count; i++) {
        struct proposed_column *column = &look->out->columns[i];
        const struct seen *seen = &look->seen[i];
        column->type = TYPE_TEXT;
        for (size_t t = TRIED; t-- > 0 && column->filled;)
            if (seen->fits & 1u << t)
                column->type = tried[t];
        column->unique = seen->unique && column->filled == look->out->rows && column->filled > 0;
    }
}

enum status source_propose(struct arena *arena, const char *path, struct proposal *out,
                           struct err *err)
{
    struct csv_file file;
    struct look look = {.out = out};
    *out = (struct proposal){0};
    if (csv_file_open(&file, arena, path, NULL, NULL, err) != OK)
        return FAIL;
    out->form = csv_file_form(&file, arena);
    out->count = file.count;
    out->columns = arena_array(arena, file.count + 1, sizeof *out->columns);
    look.seen = mem_array(file.count + 1, sizeof *look.seen);
    look.scratch = arena_new();
    for (size_t i = 0; i < file.count; i++) {
        out->columns[i].name = file.names[i];
        look.seen[i] = (struct seen){.fits = (1u << TRIED) - 1, .unique = true};
    }
    enum status rc = csv_file_read(&file, look_at, &look, err);
    conclude(&look);
    for (size_t i = 0; i < file.count; i++)
        free(look.seen[i].hashes);
    free(look.seen);
    arena_free(look.scratch);
    csv_file_close(&file);
    return rc;
}

/* ----------------------------------------------------------------- recipe */

/* JSON texts are YAML texts, too. */
static void put_text(struct buf *out, const char *text)
{
    struct jw w;
    jw_init(&w, out);
    jw_text(&w, text);
}

static void put_field(struct buf *out, const struct proposed_column *column)
{
    buf_str(out, "      - ");
    if (column->type == TYPE_TEXT && !strpbrk(column->name, "{}")) {
        put_text(out, column->name);
    } else {
        buf_str(out, "{ ");
        put_text(out, column->name);
        buf_str(out, ": { ");
        if (strpbrk(column->name, "{}"))
            buf_str(out, "column: RENAME ME, ");
        buf_printf(out, "type: %s } }", value_type_name(column->type));
    }
    buf_str(out, "\n");
}

const char *proposal_recipe(struct arena *arena, const struct proposal *proposal, const char *table,
                            const char *file)
{
    struct buf out = BUF_INIT;
    const struct proposed_column *key = NULL;
    buf_str(&out, "table: ");
    put_text(&out, table);
    buf_printf(&out, "\nsource:\n  csv:    # %s, %lld rows\n", proposal->form,
               (long long)proposal->rows);
    if (file) {
        buf_str(&out, "    file: ");
        put_text(&out, file);
        buf_str(&out, "\n");
    }
    buf_str(&out, "    fields:\n");
    for (size_t i = 0; i < proposal->count; i++) {
        put_field(&out, &proposal->columns[i]);
        if (proposal->columns[i].unique && !key)
            key = &proposal->columns[i];
    }
    if (key) {
        buf_str(&out, "  unique_by: ");
        put_text(&out, key->name);
        buf_str(&out, "    # the first column with another value in every row\n");
    }
    const char *text = arena_strndup(arena, buf_text(&out), out.len);
    buf_free(&out);
    return text;
}
