/* csv.c - a state machine that may stop and go on at any byte.
 *
 * A field that lies whole and unescaped in the window is lent straight from
 * it. A field that was cut by the end of a window, or that holds a doubled
 * quote, is collected in `scratch`; the window itself is never written to, and
 * no byte of it is scanned twice. Rules beyond RFC 4180: a quote inside an unquoted
 * field is text; text after a closing quote belongs to the field; CR, LF and
 * CRLF all end a record; lines with nothing on them are skipped.
 *
 * Invariant between calls of csv_feed: every field of the open record is in
 * scratch (its `p` is an offset there), because the window may go away. */
#include "base/csv.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define DEFAULT_MAX_FIELD  (10 * MIB)
#define DEFAULT_MAX_FIELDS ((size_t)5000)
#define MAX_RECORD         (256 * MIB) /* of a record that has to be copied */

enum state {
    AT_FIELD,    /* nothing of the field was seen yet */
    IN_PLAIN,    /* inside an unquoted field, or after a closing quote */
    IN_QUOTES,   /* inside quotes */
    AFTER_QUOTE, /* a quote inside quotes: an escape or the end */
};

struct csv_reader {
    csv_record_fn *fn;
    void *ctx;
    struct csv_options options;

    enum state state;
    bool after_cr; /* a LF now belongs to the CR before it */
    bool failed;
    int bom;          /* bytes of the byte-order mark seen; -1 = past the start */
    uint64_t line;    /* of the byte at hand, from 1 */
    uint64_t started; /* line on which the record began */

    struct str *fields;
    bool *quoted;
    bool *scratched; /* fields[i].p is an offset into scratch */
    size_t count, room;
    bool now_quoted, now_scratched; /* the field being read */
    size_t scratch_start;           /* where it began in scratch */
    size_t dropped;                 /* bytes of it that were not kept: it is too large */
    struct buf scratch;
};

struct csv_reader *csv_reader_new(const struct csv_options *options, csv_record_fn *fn, void *ctx)
{
    struct csv_reader *reader = mem_alloc(sizeof *reader);
    reader->fn = fn;
    reader->ctx = ctx;
    if (options)
        reader->options = *options;
    if (!reader->options.delimiter)
        reader->options.delimiter = ',';
    if (!reader->options.max_field)
        reader->options.max_field = DEFAULT_MAX_FIELD;
    if (!reader->options.max_fields)
        reader->options.max_fields = DEFAULT_MAX_FIELDS;
    reader->line = reader->started = 1;
    reader->scratch.limit = MAX_RECORD;
    return reader;
}

void csv_reader_free(struct csv_reader *reader)
{
    if (!reader)
        return;
    free(reader->fields);
    free(reader->quoted);
    free(reader->scratched);
    buf_free(&reader->scratch);
    free(reader);
}

/* --- looking for the next byte that matters --- */

/* The first delimiter, CR or LF in [p, end), or end. */
static const char *plain_end(const char *p, const char *end, char delimiter)
{
#ifdef __SSE2__
    const __m128i d = _mm_set1_epi8(delimiter), cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, d),
                         _mm_or_si128(_mm_cmpeq_epi8(bytes, cr), _mm_cmpeq_epi8(bytes, lf)));
        int mask = _mm_movemask_epi8(hit);
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
    }
#endif
    while (p < end && *p != delimiter && *p != '\r' && *p != '\n')
        p++;
    return p;
}

static uint64_t count_lines(const char *p, const char *end)
{
    uint64_t lines = 0;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        lines++;
        p++;
    }
    return lines;
}

/* --- fields and records --- */

static enum status csv_error(struct csv_reader *reader, struct err *err, const char *code,
                             const char *what)
{
    reader->failed = true;
    err_set(err, code, "%s", what);
    err_where(err, "line %llu", (unsigned long long)reader->started);
    return FAIL;
}

static void move_to_scratch(struct csv_reader *reader)
{
    if (!reader->now_scratched)
        reader->scratch_start = reader->scratch.len;
    reader->now_scratched = true;
}

/* What was kept of the field at hand goes; from now on its bytes are only counted. */
static void drop_field(struct csv_reader *reader, size_t len)
{
    reader->dropped = reader->scratch.len - reader->scratch_start + len;
    reader->scratch.len = reader->scratch_start;
}

static enum status collect(struct csv_reader *reader, const char *p, size_t len, struct err *err)
{
    move_to_scratch(reader);
    if (reader->dropped) {
        reader->dropped += len;
        return OK;
    }
    if (reader->scratch.len - reader->scratch_start + len > reader->options.max_field) {
        if (reader->options.skip_large) {
            drop_field(reader, len);
            return OK;
        }
        return csv_error(reader, err, ERR_CSV_FIELD_TOO_LARGE, "a CSV field is too long");
    }
    buf_append(&reader->scratch, p, len);
    if (reader->scratch.overflow)
        return csv_error(reader, err, ERR_CSV_FIELD_TOO_LARGE, "a CSV record is too long");
    return OK;
}

static void make_room(struct csv_reader *reader)
{
    reader->room = reader->room ? reader->room * 2 : 32;
    reader->fields = mem_resize_array(reader->fields, reader->room, sizeof *reader->fields);
    reader->quoted = mem_resize_array(reader->quoted, reader->room, sizeof *reader->quoted);
    reader->scratched =
        mem_resize_array(reader->scratched, reader->room, sizeof *reader->scratched);
}

/* Ends the field at hand: [p, p+len) is its last (or only) piece. */
static enum status end_field(struct csv_reader *reader, const char *p, size_t len, struct err *err)
{
    if (reader->count == reader->options.max_fields)
        return csv_error(reader, err, ERR_CSV_TOO_MANY_FIELDS, "a CSV record has too many fields");
    if (reader->count == reader->room)
        make_room(reader);
    struct str field = {p, len};
    if (reader->now_scratched) {
        if (len > 0 && collect(reader, p, len, err) != OK)
            return FAIL;
        field.p = (const char *)reader->scratch_start; /* an offset until emit_record */
        field.n = reader->scratch.len - reader->scratch_start;
    } else if (len > reader->options.max_field && reader->options.skip_large) {
        reader->dropped = len;
    } else if (len > reader->options.max_field) {
        return csv_error(reader, err, ERR_CSV_FIELD_TOO_LARGE, "a CSV field is too long");
    }
    if (reader->dropped) {
        field = (struct str){NULL, reader->dropped};
        reader->now_scratched = false;
        reader->dropped = 0;
    }
    reader->fields[reader->count] = field;
    reader->quoted[reader->count] = reader->now_quoted;
    reader->scratched[reader->count++] = reader->now_scratched;
    reader->now_quoted = reader->now_scratched = false;
    reader->state = AT_FIELD;
    return OK;
}

static enum status emit_record(struct csv_reader *reader, struct err *err)
{
    if (reader->scratch.len > 0 || reader->count > 0) {
        const char *base = buf_text(&reader->scratch);
        for (size_t i = 0; i < reader->count; i++)
            if (reader->scratched[i])
                reader->fields[i].p = base + (size_t)reader->fields[i].p;
    }
    enum status rc = reader->fn(reader->ctx, reader->fields, reader->quoted, reader->count,
                                reader->started, err);
    reader->failed = rc != OK;
    reader->count = 0;
    buf_clear(&reader->scratch);
    return rc;
}

/* A delimiter or a line end stands at *at: the field ends at `field`..`len`. */
static enum status end_at(struct csv_reader *reader, const char **at, const char *field, size_t len,
                          struct err *err)
{
    char c = *(*at)++;
    if (c == reader->options.delimiter)
        return end_field(reader, field, len, err);
    bool blank = reader->count == 0 && len == 0 && !reader->now_quoted && !reader->now_scratched;
    reader->after_cr = c == '\r';
    reader->line++;
    enum status rc = OK;
    if (!blank && (rc = end_field(reader, field, len, err)) == OK)
        rc = emit_record(reader, err);
    reader->started = reader->line;
    return rc;
}

static bool ends_field(const struct csv_reader *reader, char c)
{
    return c == reader->options.delimiter || c == '\r' || c == '\n';
}

/* --- one step per state; each moves *at forward --- */

static enum status step_plain(struct csv_reader *reader, const char **at, const char *end,
                              struct err *err)
{
    const char *start = *at, *stop = plain_end(start, end, reader->options.delimiter);
    size_t len = (size_t)(stop - start);
    *at = stop;
    if (stop < end)
        return end_at(reader, at, start, len, err);
    reader->state = IN_PLAIN;
    return collect(reader, start, len, err);
}

/* Inside quotes. The common field, closed within the window and without a
 * doubled quote, is lent without a copy. */
static enum status step_quotes(struct csv_reader *reader, const char **at, const char *end,
                               struct err *err)
{
    const char *start = *at, *quote = memchr(start, '"', (size_t)(end - start));
    const char *stop = quote ? quote : end;
    size_t len = (size_t)(stop - start);
    reader->line += count_lines(start, stop);
    if (quote && quote + 1 < end && !reader->now_scratched && ends_field(reader, quote[1])) {
        *at = quote + 1;
        return end_at(reader, at, start, len, err);
    }
    *at = quote ? quote + 1 : end;
    reader->state = quote ? AFTER_QUOTE : IN_QUOTES;
    return collect(reader, start, len, err);
}

static enum status step_after_quote(struct csv_reader *reader, const char **at, const char *end,
                                    struct err *err)
{
    char c = **at;
    if (c == '"') {
        reader->state = IN_QUOTES;
        return collect(reader, (*at)++, 1, err);
    }
    if (ends_field(reader, c))
        return end_at(reader, at, *at, 0, err);
    reader->state = IN_PLAIN;
    return OK;
}

static enum status step(struct csv_reader *reader, const char **at, const char *end,
                        struct err *err)
{
    switch (reader->state) {
    case IN_QUOTES:
        return step_quotes(reader, at, end, err);
    case AFTER_QUOTE:
        return step_after_quote(reader, at, end, err);
    case IN_PLAIN:
        return step_plain(reader, at, end, err);
    case AT_FIELD:
        break;
    }
    if (reader->after_cr) {
        reader->after_cr = false;
        if (**at == '\n') {
            (*at)++;
            return OK;
        }
    }
    if (**at != '"')
        return step_plain(reader, at, end, err);
    (*at)++;
    reader->now_quoted = true;
    reader->state = IN_QUOTES;
    return OK;
}

/* The window goes away: what the open record lent from it is copied. The field
 * being read must stay in one piece, so it moves behind the copies. */
static enum status keep_open_record(struct csv_reader *reader, struct err *err)
{
    struct buf *scratch = &reader->scratch;
    size_t open_at = reader->scratch_start, open_len = scratch->len - open_at, copied = 0;
    for (size_t i = 0; i < reader->count; i++) {
        if (reader->scratched[i] || !reader->fields[i].p)
            continue;
        size_t offset = scratch->len;
        buf_append(scratch, reader->fields[i].p, reader->fields[i].n);
        reader->fields[i].p = (const char *)offset;
        reader->scratched[i] = true;
        copied++;
    }
    if (copied > 0 && reader->now_scratched && open_len > 0) {
        char *to = buf_room(scratch, open_len);
        reader->scratch_start = scratch->len;
        if (to) {
            memcpy(to, scratch->data + open_at, open_len);
            buf_added(scratch, open_len);
        }
    } else if (copied > 0 && reader->now_scratched) {
        reader->scratch_start = scratch->len;
    }
    if (scratch->overflow)
        return csv_error(reader, err, ERR_CSV_FIELD_TOO_LARGE, "a CSV record is too long");
    return OK;
}

static enum status scan(struct csv_reader *reader, const char *bytes, size_t len, struct err *err)
{
    const char *at = bytes, *end = bytes + len;
    while (at < end)
        if (step(reader, &at, end, err) != OK)
            return FAIL;
    return keep_open_record(reader, err);
}

/* --- the door --- */

static const char byte_order_mark[] = "\xEF\xBB\xBF";

/* Takes what may be a byte-order mark; a false start is scanned as text. */
static enum status take_mark(struct csv_reader *reader, const char **bytes, size_t *len,
                             struct err *err)
{
    while (reader->bom >= 0 && *len > 0) {
        if (**bytes != byte_order_mark[reader->bom]) {
            size_t seen = (size_t)reader->bom;
            reader->bom = -1;
            return scan(reader, byte_order_mark, seen, err);
        }
        (*bytes)++;
        (*len)--;
        if (++reader->bom == 3)
            reader->bom = -1;
    }
    return OK;
}

static enum status refuse_after_failure(struct err *err)
{
    return err_set(err, ERR_INVALID, "this CSV reader has stopped after an error");
}

enum status csv_feed(struct csv_reader *reader, const char *bytes, size_t len, struct err *err)
{
    if (reader->failed)
        return refuse_after_failure(err);
    if (take_mark(reader, &bytes, &len, err) != OK)
        return FAIL;
    return scan(reader, bytes, len, err);
}

enum status csv_finish(struct csv_reader *reader, struct err *err)
{
    if (reader->failed)
        return refuse_after_failure(err);
    if (reader->bom > 0) {
        size_t seen = (size_t)reader->bom;
        reader->bom = -1;
        if (scan(reader, byte_order_mark, seen, err) != OK)
            return FAIL;
    }
    if (reader->state == IN_QUOTES)
        return csv_error(reader, err, ERR_CSV_OPEN_QUOTE, "a quoted CSV field is never closed");
    if (reader->state == AT_FIELD && reader->count == 0)
        return OK;
    if (end_field(reader, "", 0, err) != OK)
        return FAIL;
    return emit_record(reader, err);
}

char csv_detect_delimiter(const char *header, size_t len)
{
    static const char candidates[] = ",;\t|^`";
    size_t counts[sizeof candidates] = {0}, best = 0;
    bool quotes = false;
    for (size_t i = 0; i < len; i++) {
        char c = header[i];
        if (c == '"')
            quotes = !quotes;
        if (quotes)
            continue;
        if (c == '\n' || c == '\r')
            break;
        const char *hit = c ? strchr(candidates, c) : NULL;
        if (hit)
            counts[hit - candidates]++;
    }
    for (size_t i = 1; i < sizeof candidates - 1; i++)
        if (counts[i] > counts[best])
            best = i;
    return candidates[best];
}

/* --- writing --- */

static bool needs_quotes(const char *text, size_t len)
{
    if (len == 0)
        return false;
    if (text[0] == ' ' || text[len - 1] == ' ')
        return true;
    return plain_end(text, text + len, ',') < text + len || memchr(text, '"', len);
}

void csv_field(struct buf *out, const char *text, size_t len, bool first, bool always_quote)
{
    if (!first)
        buf_char(out, ',');
    if (!text)
        return;
    if (!always_quote && !needs_quotes(text, len)) {
        buf_append(out, text, len);
        return;
    }
    buf_char(out, '"');
    for (const char *end = text + len; text < end;) {
        const char *quote = memchr(text, '"', (size_t)(end - text));
        size_t run = quote ? (size_t)(quote - text) + 1 : (size_t)(end - text);
        buf_append(out, text, run);
        if (quote)
            buf_char(out, '"');
        text += run;
    }
    buf_char(out, '"');
}

void csv_end(struct buf *out)
{
    /* One empty field alone would read back as a blank line: say it with quotes. */
    if (out->len == 0 || out->data[out->len - 1] == '\n')
        buf_append(out, "\"\"", 2);
    buf_char(out, '\n');
}
