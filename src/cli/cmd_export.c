/* cmd_export.c - `argil export`: a table's rows as CSV or JSON lines, streamed.
 *
 * CSV meant for spreadsheets gets a leading apostrophe where a cell would be
 * read as a formula (OWASP ASVS 1.2.10): it begins with = + - @, their full-width
 * forms, a tab or a line break, after spaces too. Numbers stay numbers. --raw
 * leaves every byte as it is, for machines, and says so. */
#include "cli/look.h"

#include "base/csv.h"
#include "base/str.h"

#include <string.h>

#define BATCH 2000

/* What a column of numbers holds is text until somebody computes: is this one a number? */
static bool is_number(const struct column *column, struct value value)
{
    struct buf key = BUF_INIT;
    if ((column->type != TYPE_NUMBER && column->type != TYPE_CURRENCY) || !value.len)
        return false;
    sort_key_add(&key, SORT_NUMBER, false, value.text, value.len);
    bool number = key.len && key.data[0] == 1;
    buf_free(&key);
    return number;
}

/* Would a spreadsheet take it for a formula? */
static bool is_formula(struct value value)
{
    static const char *const starts[] = {"=",
                                         "+",
                                         "-",
                                         "@",
                                         "\t",
                                         "\r",
                                         "\n",
                                         "\xEF\xBC\x9D",
                                         "\xEF\xBC\x8B",
                                         "\xEF\xBC\x8D",
                                         "\xEF\xBC\xA0"};
    struct str text = {value.text, value.len};
    while (text.n && *text.p == ' ')
        text = (struct str){text.p + 1, text.n - 1};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        size_t len = strlen(starts[i]);
        if (text.n >= len && memcmp(text.p, starts[i], len) == 0)
            return true;
    }
    return false;
}

static void csv_value(struct buf *out, struct value value, bool safe, bool first)
{
    if (safe || !is_formula(value)) {
        csv_field(out, value.text, value.len, first, false);
        return;
    }
    struct buf guarded = BUF_INIT;
    buf_char(&guarded, '\'');
    buf_append(&guarded, value.text, value.len);
    csv_field(out, guarded.data, guarded.len, first, false);
    buf_free(&guarded);
}

static const char *digits_end(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* As JSON writes them: no plus, no leading zero, digits on both sides of the point. */
static bool is_json_number(struct value value)
{
    const char *p = value.text, *end = p + value.len, *start;
    p += p < end && *p == '-';
    start = p;
    p = digits_end(p, end);
    if (p == start || (*start == '0' && p > start + 1))
        return false;
    if (p < end && *p == '.') {
        start = ++p;
        p = digits_end(p, end);
        if (p == start)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        start = p;
        p = digits_end(p, end);
        if (p == start)
            return false;
    }
    return p == end;
}

static void json_value(struct jw *w, const struct column *column, struct value value)
{
    struct str text = {value.text, value.len};
    bool number = column->type == TYPE_NUMBER || column->type == TYPE_CURRENCY;
    bool json = column->type == TYPE_JSON || (number && is_json_number(value)) ||
                (column->type == TYPE_CHECKBOX &&
                 (str_eq(text, STR("true")) || str_eq(text, STR("false"))));
    if (!value.text)
        jw_null(w);
    else if (json)
        jw_raw(w, value.text, value.len);
    else
        jw_text_n(w, value.text, value.len);
}

/* What is written, and how. */
struct export
{
    struct store *store;
    const struct table *table;
    struct look look;
    const struct column **columns;
    size_t column_count;
    bool json, raw;
    FILE *to;
    struct buf out;
    char *anchor; /* of the last row written, when filtered or sorted */
    int64_t written;
};

#define ROW_KEY "row_key"

/* The heading of a column. One that is called as the row's own key is, such as the key of an
 * export that was imported, comes under another name: each name stands once in a row. */
static const char *heading_of(const struct column *column)
{
    return text_eq_nocase(column->name, ROW_KEY) ? ROW_KEY " (2)" : column->name;
}

static void write_row(struct export *e, const struct row *row)
{
    if (!e->json) {
        csv_value(&e->out, (struct value){row->key, (uint32_t)strlen(row->key)}, e->raw, true);
        for (size_t c = 0; c < e->column_count; c++)
            csv_value(&e->out, row->values[c], e->raw || is_number(e->columns[c], row->values[c]),
                      false);
        csv_end(&e->out);
        return;
    }
    struct jw w;
    jw_init(&w, &e->out);
    jw_object(&w);
    jw_kv_text(&w, ROW_KEY, row->key);
    for (size_t c = 0; c < e->column_count; c++) {
        jw_key(&w, heading_of(e->columns[c]));
        json_value(&w, e->columns[c], row->values[c]);
    }
    jw_end_object(&w);
    buf_char(&e->out, '\n');
}

static void write_heading(struct export *e)
{
    if (e->json)
        return;
    csv_field(&e->out, ROW_KEY, strlen(ROW_KEY), true, false);
    for (size_t c = 0; c < e->column_count; c++) {
        const char *name = heading_of(e->columns[c]);
        csv_value(&e->out, (struct value){name, (uint32_t)strlen(name)}, e->raw, false);
    }
    csv_end(&e->out);
}

/* The next rows of the table as it is looked at; *count 0 at the end. */
static enum status next_rows(struct export *e, struct arena *arena, struct window_query *query,
                             struct row_query *plain, struct row **rows, size_t *count,
                             struct err *err)
{
    struct store *store = e->store;
    if (!e->look.filter && !e->look.sort_count) { /* also through a server, which has no windows */
        if (store->does->rows(store, arena, plain, rows, count, err) != OK)
            return FAIL;
        plain->after = *count ? (*rows)[*count - 1].id : plain->after;
        return OK;
    }
    struct window win;
    if (store->does->views->window(store, arena, query, &win, err) != OK)
        return FAIL;
    *rows = win.rows;
    *count = win.count;
    free(e->anchor);
    e->anchor = mem_strdup(win.last);
    query->from = WINDOW_AFTER;
    query->anchor = e->anchor;
    return OK;
}

static enum status flush(struct export *e, struct err *err)
{
    bool good = fwrite(buf_text(&e->out), 1, e->out.len, e->to) == e->out.len;
    buf_clear(&e->out);
    return good ? OK
                : err_set(err, ERR_IO, "the output could not be written after %lld rows",
                          (long long)e->written);
}

static enum status write_all(struct export *e, struct err *err)
{
    int *slots = mem_array(e->column_count + 1, sizeof *slots);
    struct row_query plain = {
        .table_id = e->table->id, .limit = BATCH, .slots = slots, .slot_count = e->column_count};
    struct window_query query = {.table_id = e->table->id,
                                 .sorts = e->look.sorts,
                                 .sort_count = e->look.sort_count,
                                 .filter = e->look.filter,
                                 .slots = slots,
                                 .slot_count = e->column_count,
                                 .limit = BATCH};
    struct arena *arena = arena_new();
    enum status rc = OK;
    for (size_t c = 0; c < e->column_count; c++)
        slots[c] = e->columns[c]->slot;
    write_heading(e);
    for (size_t count = BATCH; rc == OK && count == BATCH;) {
        struct row *rows = NULL;
        rc = next_rows(e, arena, &query, &plain, &rows, &count, err);
        for (size_t i = 0; rc == OK && i < count; i++)
            write_row(e, &rows[i]);
        e->written += rc == OK ? (int64_t)count : 0;
        if (rc == OK)
            rc = flush(e, err);
        arena_reset(arena);
    }
    if (rc == OK && fflush(e->to) != 0)
        rc = err_set(err, ERR_IO, "the output could not be written");
    free(slots);
    free(e->anchor);
    buf_free(&e->out);
    arena_free(arena);
    return rc;
}

static enum status open_export(struct export *e, const struct args *args, struct arena *arena,
                               struct table *table, struct err *err)
{
    const char *path = args_get(args, "output");
    bool plain = !args_get(args, "view") && !args_get(args, "filter") &&
                 !args_get(args, "search") && !args_get(args, "sort");
    if (e->store->does->table_get(e->store, arena, args->words[0], table, err) != OK)
        return FAIL;
    if (!plain && look_of(args, e->store, arena, table, &e->look, err) != OK)
        return FAIL;
    if (look_columns(args, arena, table, &e->look, &e->columns, &e->column_count, err) != OK)
        return FAIL;
    e->table = table;
    if (path && !(e->to = fopen(path, "w")))
        return err_set(err, ERR_IO, "cannot write %s", path);
    return OK;
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct table table;
    const char *path = args_get(args, "output");
    struct export e = {.store = cli_store_open(cli, false),
                       .json = cli->json,
                       .raw = args_has(args, "raw"),
                       .to = stdout};
    if (!e.store)
        return cli->failed;
    struct arena *arena = arena_new();
    int rc = EXIT_DONE;
    if (open_export(&e, args, arena, &table, &err) != OK || write_all(&e, &err) != OK)
        rc = cli_fail(cli, &err);
    else if (path && !cli->quiet)
        fprintf(stderr, "%s rows written to %s%s\n", thousands(e.written), path,
                e.raw && !e.json ? ", raw: a spreadsheet may take cells for formulas" : "");
    if (path && e.to && e.to != stdout && fclose(e.to) != 0 && rc == EXIT_DONE) {
        err_set(&err, ERR_IO, "cannot finish %s", path);
        rc = cli_fail(cli, &err);
    }
    arena_free(arena);
    e.store->does->close(e.store);
    return rc;
}

static const struct cli_option options[] = {
    {"output", 'o', "FILE", "write to a file instead of stdout"},
    {"raw", 0, NULL, "no protection against spreadsheet formulas (for machines)"},
    LOOK_OPTIONS,
    {"columns", 0, "NAMES", "these columns, with commas between them"},
    {0},
};

const struct command command_export = {
    .name = "export",
    .summary = "a table's rows as CSV, or with --json as JSON lines",
    .words = "TABLE",
    .about = "Live rows with every column, or what a view, filters and a sort leave of them (see\n"
             "`argil rows --help`). The first column, row_key, is the record's Id. Rows are\n"
             "written while they are read: memory does not grow with the table.\n\n"
             "    argil export accounts --filter 'Industry = Banking' -o banks.csv",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .far = true,
    .run = run,
};
