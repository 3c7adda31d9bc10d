/* cmd_export.c - `argil export`: a table's rows as CSV or JSON lines.
 *
 * CSV meant for spreadsheets gets a leading apostrophe where a cell would be
 * read as a formula (OWASP ASVS 1.2.10); numbers stay numbers. --raw leaves
 * every byte as it is, for machines. */
#include "cli/cli.h"

#include "base/csv.h"
#include "base/str.h"

#include <string.h>

#define BATCH 2000

static bool is_number(enum value_type type)
{
    return type == TYPE_NUMBER || type == TYPE_CURRENCY;
}

static void csv_value(struct buf *out, const struct column *column, struct value value, bool first,
                      bool raw)
{
    if (!raw && value.len && !is_number(column->type) && strchr("=+-@\t\r\n", value.text[0])) {
        struct buf safe = BUF_INIT;
        buf_char(&safe, '\'');
        buf_append(&safe, value.text, value.len);
        csv_field(out, safe.data, safe.len, first, false);
        buf_free(&safe);
        return;
    }
    csv_field(out, value.text, value.len, first, false);
}

static void json_value(struct jw *w, const struct column *column, struct value value)
{
    if (!value.text)
        jw_null(w);
    else if (column->type == TYPE_JSON || column->type == TYPE_CHECKBOX || is_number(column->type))
        jw_raw(w, value.text, value.len);
    else
        jw_text_n(w, value.text, value.len);
}

static void write_row(struct buf *out, const struct table *table, const struct row *row, bool json,
                      bool raw)
{
    if (!json) {
        csv_field(out, row->key, strlen(row->key), true, false);
        for (size_t c = 0; c < table->column_count; c++)
            csv_value(out, &table->columns[c], row->values[c], false, raw);
        csv_end(out);
        return;
    }
    struct jw w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_text(&w, "row_key", row->key);
    for (size_t c = 0; c < table->column_count; c++) {
        jw_key(&w, table->columns[c].name);
        json_value(&w, &table->columns[c], row->values[c]);
    }
    jw_end_object(&w);
    buf_char(out, '\n');
}

static enum status write_all(struct store *store, const struct table *table, bool json, bool raw,
                             FILE *to, int64_t *written, struct err *err)
{
    struct arena *arena = arena_new();
    struct buf out = BUF_INIT;
    int *slots = mem_array(table->column_count + 1, sizeof *slots);
    struct row_query query = {.table_id = table->id, .limit = BATCH, .slots = slots,
                              .slot_count = table->column_count};
    enum status rc = OK;
    for (size_t c = 0; c < table->column_count; c++)
        slots[c] = table->columns[c].slot;
    if (!json) {
        csv_field(&out, "row_key", 7, true, false);
        for (size_t c = 0; c < table->column_count; c++)
            csv_field(&out, table->columns[c].name, strlen(table->columns[c].name), false, false);
        csv_end(&out);
    }
    for (;;) {
        struct row *rows = NULL;
        size_t count = 0;
        if ((rc = store->does->rows(store, arena, &query, &rows, &count, err)) != OK)
            break;
        for (size_t i = 0; i < count; i++)
            write_row(&out, table, &rows[i], json, raw);
        *written += (int64_t)count;
        if (fwrite(buf_text(&out), 1, out.len, to) != out.len) {
            rc = err_set(err, ERR_IO, "the output could not be written after %lld rows",
                         (long long)*written);
            break;
        }
        if (count < BATCH)
            break;
        query.after = rows[count - 1].id;
        buf_clear(&out);
        arena_reset(arena);
    }
    if (rc == OK && fflush(to) != 0)
        rc = err_set(err, ERR_IO, "the output could not be written");
    free(slots);
    buf_free(&out);
    arena_free(arena);
    return rc;
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct table table;
    int64_t written = 0;
    const char *path = args_get(args, "output");
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    FILE *to = stdout;
    int rc = EXIT_DONE;
    if (store->does->table_get(store, arena, args->words[0], &table, &err) != OK) {
        rc = cli_fail(cli, &err);
        goto done;
    }
    if (path && !(to = fopen(path, "w"))) {
        err_set(&err, ERR_IO, "cannot write %s", path);
        rc = cli_fail(cli, &err);
        goto done;
    }
    if (write_all(store, &table, cli->json, args_has(args, "raw"), to, &written, &err) != OK)
        rc = cli_fail(cli, &err);
    else if (path && !cli->quiet)
        fprintf(stderr, "%s rows written to %s\n", thousands(written), path);
    if (path && fclose(to) != 0 && rc == EXIT_DONE) {
        err_set(&err, ERR_IO, "cannot finish %s", path);
        rc = cli_fail(cli, &err);
    }
done:
    arena_free(arena);
    store->does->close(store);
    return rc;
}

static const struct cli_option options[] = {
    {"output", 'o', "FILE", "write to a file instead of stdout"},
    {"raw", 0, NULL, "no protection against spreadsheet formulas (for machines)"},
    {0},
};

const struct command command_export = {
    .name = "export",
    .summary = "a table's rows as CSV, or with --json as JSON lines",
    .words = "TABLE",
    .about = "Live rows with every column. The first column, row_key, is the record's Id.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .far = true,
    .run = run,
};
