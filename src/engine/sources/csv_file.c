/* csv_file.c - opening and reading a CSV file.
 *
 * Two passes: the first tells the encoding (a file is UTF-8 when all of it is),
 * the second decodes and reads records, window by window. */
#include "engine/sources/csv_file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW ((size_t)64 << 10)

static enum status file_failed(const struct csv_file *file, struct err *err)
{
    return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_INVALID, "cannot read %s: %s",
                   file->name, strerror(errno));
}

/* ---------------------------------------------------------------- reading */

struct reading {
    struct csv_file *file;
    csv_record_fn *fn;
    void *ctx;
    struct csv_reader *reader;
    bool behind_header;
};

static enum status take_record(void *ctx, const struct str *fields, const bool *quoted,
                               size_t count, uint64_t line, struct err *err)
{
    struct reading *r = ctx;
    if (!r->behind_header) {
        r->behind_header = true;
        if (r->file->header)
            return OK;
    }
    return r->fn(r->ctx, fields, quoted, count, line, err);
}

static enum status feed(struct reading *r, struct charset_decoder *decoder, char *window,
                        struct buf *text, struct err *err)
{
    for (;;) {
        ssize_t n = read(r->file->fd, window, WINDOW);
        if (n < 0)
            return file_failed(r->file, err);
        buf_clear(text);
        charset_decode(decoder, window, (size_t)n, n == 0, text);
        if (csv_feed(r->reader, buf_text(text), text->len, err) != OK)
            return FAIL;
        if (n == 0)
            return csv_finish(r->reader, err);
    }
}

static enum status read_records(struct csv_file *file, csv_record_fn *fn, void *ctx,
                                struct err *err)
{
    struct csv_options options = {
        .delimiter = file->delimiter, .max_field = CSV_FIELD_MAX, .skip_large = true};
    struct reading r = {.file = file, .fn = fn, .ctx = ctx};
    struct charset_decoder decoder = {.charset = file->charset};
    struct buf text = BUF_INIT;
    char *window = mem_alloc(WINDOW);
    r.reader = csv_reader_new(&options, take_record, &r);
    enum status rc = lseek(file->fd, 0, SEEK_SET) < 0 ? file_failed(file, err)
                                                      : feed(&r, &decoder, window, &text, err);
    file->nuls = decoder.nuls;
    file->bad = decoder.bad;
    csv_reader_free(r.reader);
    buf_free(&text);
    free(window);
    return rc;
}

enum status csv_file_read(struct csv_file *file, csv_record_fn *fn, void *ctx, struct err *err)
{
    enum status rc = read_records(file, fn, ctx, err);
    if (rc != OK && err_is(err, ERR_CSV_OPEN_QUOTE))
        err_hint(err, "From there on nothing can be told apart: close the quote, or double it "
                      "(\"\") where it is part of the text.");
    return rc;
}

/* ---------------------------------------------------------------- heading */

struct heading {
    struct csv_file *file;
    struct arena *arena;
    bool names_columns;
};

static bool name_taken(const struct csv_file *file, size_t before, const char *name)
{
    for (size_t i = 0; i < before; i++)
        if (text_eq_nocase(file->names[i], name))
            return true;
    return false;
}

static const char *heading_name(struct heading *h, size_t at, struct str field)
{
    struct str text = h->names_columns && field.p ? str_trim(field) : (struct str){0};
    const char *name = text.n ? arena_strndup(h->arena, text.p, text.n)
                              : arena_printf(h->arena, "Column %zu", at + 1);
    const char *unique = name;
    for (int n = 2; name_taken(h->file, at, unique); n++)
        unique = arena_printf(h->arena, "%s (%d)", name, n);
    return unique;
}

#define ERR_HEADING_DONE "csv.heading_done" /* stops the reading; never leaves this file */

static enum status take_heading(void *ctx, const struct str *fields, const bool *quoted,
                                size_t count, uint64_t line, struct err *err)
{
    struct heading *h = ctx;
    h->file->names = arena_array(h->arena, count + 1, sizeof *h->file->names);
    for (size_t i = 0; i < count; i++)
        h->file->names[i] = heading_name(h, i, fields[i]);
    h->file->count = count;
    return err_set(err, ERR_HEADING_DONE, "the heading was read");
}

static enum status read_heading(struct csv_file *file, struct arena *arena, struct err *err)
{
    struct heading h = {file, arena, file->header};
    struct err mine = {0};
    file->header = false; /* the first record is wanted itself */
    enum status rc = read_records(file, take_heading, &h, &mine);
    file->header = h.names_columns;
    if (rc != OK && !err_is(&mine, ERR_HEADING_DONE)) {
        *err = mine;
        return FAIL;
    }
    if (file->count)
        return OK;
    err_set(err, "csv.no_heading", "%s is empty: there is not even a heading", file->name);
    err_hint(err, "A file of no rows still names its columns in the first line.");
    return FAIL;
}

/* ---------------------------------------------------------------- opening */

static enum status sniff(struct csv_file *file, struct charset_sniffer *sniffer, struct err *err)
{
    char *window = mem_alloc(WINDOW);
    ssize_t n;
    while ((n = read(file->fd, window, WINDOW)) > 0)
        charset_sniff(sniffer, window, (size_t)n);
    free(window);
    return n < 0 ? file_failed(file, err) : OK;
}

/* What a text is that is plainly something else: a page of an org that asks to sign in, the
 * answer of an API. NULL: it may be CSV. */
static const char *other_form(const struct buf *text)
{
    static const struct {
        const char *start, *what;
    } forms[] = {{"<!doctype html", "an HTML page"},
                 {"<html", "an HTML page"},
                 {"<?xml", "XML"},
                 {"{\"", "JSON"},
                 {"[{\"", "JSON"}};
    struct str s = str_trim((struct str){buf_text(text), text->len});
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t n = strlen(forms[i].start);
        if (s.n >= n && str_eq_nocase((struct str){s.p, n}, (struct str){forms[i].start, n}))
            return forms[i].what;
    }
    return NULL;
}

/* By the first line, as far as the sniffer kept it. */
static enum status guess_delimiter(struct csv_file *file, const struct charset_sniffer *sniffer,
                                   struct err *err)
{
    struct charset_decoder decoder = {.charset = file->charset};
    struct buf text = BUF_INIT;
    charset_decode(&decoder, (const char *)sniffer->first, sniffer->first_len, true, &text);
    const char *other = other_form(&text);
    file->delimiter = csv_detect_delimiter(buf_text(&text), text.len);
    buf_free(&text);
    if (!other)
        return OK;
    err_set(err, "csv.not_text", "%s is %s, not a CSV file", file->name, other);
    err_hint(err, "Fetch it again as CSV: what came may be a page that wants a sign-in.");
    return FAIL;
}

static char delimiter_named(const char *name)
{
    return text_eq(name, "tab") || text_eq(name, "\\t") ? '\t' : name[0];
}

static enum status tell_form(struct csv_file *file, const struct json *config, struct err *err)
{
    struct charset_sniffer sniffer = {0};
    const char *encoding = json_get_text(config, "encoding");
    const char *delimiter = json_get_text(config, "delimiter");
    if (sniff(file, &sniffer, err) != OK)
        return FAIL;
    if (charset_not_text(&sniffer)) {
        err_set(err, "csv.not_text", "%s is %s, not a CSV file", file->name,
                charset_not_text(&sniffer));
        err_hint(err, "Unpack it, or save it as CSV first.");
        return FAIL;
    }
    file->size = sniffer.bytes;
    file->charset = charset_guess(&sniffer);
    if (encoding && !text_eq(encoding, "auto"))
        charset_parse(encoding, &file->charset);
    if (guess_delimiter(file, &sniffer, err) != OK)
        return FAIL;
    if (delimiter)
        file->delimiter = delimiter_named(delimiter);
    file->header = json_get_bool(config, "header", true);
    return OK;
}

enum status csv_file_open(struct csv_file *file, struct arena *arena, const char *path,
                          const char *name, const struct json *config, struct err *err)
{
    struct stat about;
    *file = (struct csv_file){.path = path, .name = name ? name : path};
    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &about) != 0)
        return file_failed(file, err);
    if (!S_ISREG(about.st_mode)) {
        csv_file_close(file);
        return err_set(err, ERR_INVALID, "%s is no file", file->name);
    }
    file->changed_ms = about.st_mtim.tv_sec * 1000 + about.st_mtim.tv_nsec / 1000000;
    if (tell_form(file, config, err) == OK && read_heading(file, arena, err) == OK)
        return OK;
    csv_file_close(file);
    return FAIL;
}

void csv_file_close(struct csv_file *file)
{
    if (file->fd > 0)
        close(file->fd);
    file->fd = -1;
}

const char *csv_file_form(const struct csv_file *file, struct arena *arena)
{
    static const struct {
        char sign;
        const char *name;
    } signs[] = {{',', "comma"}, {';', "semicolon"}, {'\t', "tab"}, {'|', "bar"}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (signs[i].sign == file->delimiter)
            return arena_printf(arena, "%s, %s", charset_name(file->charset), signs[i].name);
    return arena_printf(arena, "%s, delimiter %c", charset_name(file->charset), file->delimiter);
}
