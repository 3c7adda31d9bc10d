/* contract_csv.c - a contract's fields as a sheet that people can edit, and back.
 *
 * The sheet holds the fields only; default, objects and guards stay those of the contract
 * that it is put into. */
#include "engine/contract.h"

#include "base/csv.h"
#include "base/str.h"

#include <string.h>

static const char *const columns[] = {"field",  "direction", "status",      "rule",
                                      "when",   "ticket",    "sensitivity", "note",
                                      "newer_than", "sources"};
#define COLUMNS (sizeof columns / sizeof *columns)

static const char *direction_of(const struct contract_field *field)
{
    return field->reads && field->writes ? "both" : field->reads ? "read" : "write";
}

/* A spreadsheet must not take it for a formula. */
static void cell(struct buf *out, const char *text, bool first)
{
    const char *safe = text ? text : "";
    struct buf quoted = BUF_INIT;
    if (*safe && strchr("=+-@\t\r", *safe))
        buf_printf(&quoted, "'%s", safe);
    else
        buf_str(&quoted, safe);
    csv_field(out, buf_text(&quoted), quoted.len, first, false);
    buf_free(&quoted);
}

const char *contract_csv(struct arena *arena, const struct contract *contract)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < COLUMNS; i++)
        cell(&out, columns[i], i == 0);
    csv_end(&out);
    for (size_t i = 0; i < contract->field_count; i++) {
        const struct contract_field *f = &contract->fields[i];
        const char *name = text_eq(f->object, "*") && text_eq(f->field, "*")
                               ? "*"
                               : arena_printf(arena, "%s.%s", f->object, f->field);
        const char *const cells[COLUMNS] = {name,
                                            direction_of(f),
                                            f->active ? "active" : "pending",
                                            contract_rule_name(f->rule),
                                            f->when,
                                            f->ticket,
                                            f->sensitivity,
                                            f->note,
                                            f->newer_than,
                                            contract_sources(arena, f)};
        for (size_t k = 0; k < COLUMNS; k++)
            cell(&out, cells[k], k == 0);
        csv_end(&out);
    }
    const char *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}

/* -------------------------------------------------------------------- back */

struct sheet {
    struct buf yaml;
    int place[64]; /* column of the sheet -> of `columns`; -1 = none */
    size_t count;
    bool begun;
};

static void put_scalar(struct buf *out, const char *key, const char *text, size_t len)
{
    struct jw w;
    buf_printf(out, "%s: ", key);
    jw_init(&w, out); /* a JSON string is a YAML one */
    jw_text_n(&w, text, len);
}

static enum status take_header(struct sheet *sheet, const struct str *fields, size_t count,
                               struct err *err)
{
    bool has_field = false;
    sheet->count = count < 64 ? count : 64;
    for (size_t i = 0; i < sheet->count; i++) {
        sheet->place[i] = -1;
        for (size_t k = 0; k < COLUMNS; k++)
            if (fields[i].n == strlen(columns[k]) && strncmp(fields[i].p, columns[k], fields[i].n) == 0)
                sheet->place[i] = (int)k;
        if (sheet->place[i] < 0)
            return err_set(err, ERR_INVALID, "the sheet has a column \"%.*s\"; a contract's are field, "
                                             "direction, status, rule, when, ticket, sensitivity, note, "
                                             "newer_than, sources",
                           (int)fields[i].n, fields[i].p);
        has_field = has_field || sheet->place[i] == 0;
    }
    sheet->begun = true;
    return has_field ? OK : err_set(err, ERR_INVALID, "the sheet has no column \"field\"");
}

static enum status take_record(void *ctx, const struct str *fields, const bool *quoted,
                               size_t count, uint64_t line, struct err *err)
{
    struct sheet *sheet = ctx;
    (void)quoted;
    if (!sheet->begun)
        return take_header(sheet, fields, count, err);
    if (count != sheet->count)
        return err_set(err, ERR_INVALID, "line %llu has %zu cells, the header has %zu",
                       (unsigned long long)line, count, sheet->count);
    bool first = true;
    buf_str(&sheet->yaml, "  - { ");
    for (size_t i = 0; i < count; i++) {
        const char *text = fields[i].p;
        size_t len = fields[i].n;
        if (len > 1 && *text == '\'' && strchr("=+-@\t\r", text[1])) {
            text++; /* the quote that keeps a spreadsheet off */
            len--;
        }
        if (!len)
            continue;
        if (!first)
            buf_str(&sheet->yaml, ", ");
        first = false;
        put_scalar(&sheet->yaml, columns[sheet->place[i]], text, len);
    }
    buf_str(&sheet->yaml, " }\n");
    return OK;
}

static void put_rest(struct buf *out, const struct contract *old)
{
    put_scalar(out, "connection", old->connection, strlen(old->connection));
    buf_printf(out, "\ndefault: %s\n", old->allow ? "allow" : "deny");
    if (old->approve_above >= 0)
        buf_printf(out, "approve_above: %lld\n", (long long)old->approve_above);
    if (old->object_count)
        buf_str(out, "objects:\n");
    for (size_t i = 0; i < old->object_count; i++) {
        const struct contract_object *o = &old->objects[i];
        buf_str(out, "  ");
        buf_printf(out, "%s: [%s%s%s%s%s]\n", o->name, o->create ? "create" : "",
                   o->create && (o->update || o->remove) ? ", " : "", o->update ? "update" : "",
                   o->update && o->remove ? ", " : "", o->remove ? "delete" : "");
    }
    if (old->guard_count)
        buf_str(out, "guards:\n");
    for (size_t i = 0; i < old->guard_count; i++) {
        buf_str(out, "  ");
        put_scalar(out, old->guards[i].name, old->guards[i].condition,
                   strlen(old->guards[i].condition));
        buf_char(out, '\n');
    }
    buf_str(out, "fields:\n");
}

enum status contract_from_csv(struct arena *arena, const char *path, const char *csv, size_t len,
                              const struct contract *old, const char **out, struct err *err)
{
    struct sheet sheet = {.yaml = BUF_INIT};
    struct csv_options options = {.delimiter = csv_detect_delimiter(csv, len)};
    struct csv_reader *reader = csv_reader_new(&options, take_record, &sheet);
    put_rest(&sheet.yaml, old);
    enum status rc = csv_feed(reader, csv, len, err);
    if (rc == OK)
        rc = csv_finish(reader, err);
    csv_reader_free(reader);
    if (rc == OK && !sheet.begun)
        rc = err_set(err, ERR_INVALID, "the sheet is empty");
    *out = arena_strdup(arena, buf_text(&sheet.yaml));
    buf_free(&sheet.yaml);
    return rc == OK ? OK : err_wrap(err, "%s", path);
}
