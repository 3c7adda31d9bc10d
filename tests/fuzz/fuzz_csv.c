/* fuzz_csv.c - the records do not depend on where the windows are cut, and
 * what was read is written and read again without a change. */
#include "base/csv.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
    struct buf dump;    /* fields with their lengths: unambiguous */
    struct buf written; /* the same records as CSV */
    bool failed;
};

static enum status take_record(void *ctx, const struct str *fields, const bool *quoted,
                               size_t count, uint64_t line, struct err *err)
{
    struct seen *seen = ctx;
    for (size_t i = 0; i < count; i++) {
        buf_printf(&seen->dump, "%zu:", fields[i].n);
        buf_append(&seen->dump, fields[i].p, fields[i].n);
        csv_field(&seen->written, fields[i].n ? fields[i].p : "", fields[i].n, i == 0, quoted[i]);
    }
    csv_end(&seen->written);
    buf_char(&seen->dump, '\n');
    return OK;
}

/* Reads in windows of `step` bytes, each in memory of its own. */
static void read_in_steps(const char *text, size_t len, size_t step, struct seen *seen)
{
    struct csv_options options = {.max_field = 4096, .max_fields = 100};
    struct csv_reader *reader = csv_reader_new(&options, take_record, seen);
    struct err err = {0};
    enum status rc = OK;
    for (size_t at = 0; at < len && rc == OK; at += step) {
        size_t n = len - at < step ? len - at : step;
        char *window = mem_strndup(text + at, n);
        rc = csv_feed(reader, window, n, &err);
        free(window);
    }
    if (rc == OK)
        rc = csv_finish(reader, &err);
    seen->failed = rc != OK;
    if (rc != OK)
        buf_printf(&seen->dump, "error %s at %s", err.code, err.where);
    csv_reader_free(reader);
}

static void same(const struct buf *a, const struct buf *b)
{
    if (a->len != b->len || (a->len && memcmp(a->data, b->data, a->len) != 0))
        abort();
}

static void seen_free(struct seen *seen)
{
    buf_free(&seen->dump);
    buf_free(&seen->written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1)
        return 0;
    const char *text = (const char *)data + 1;
    struct seen whole = {0}, cut = {0}, again = {0};
    read_in_steps(text, len - 1, len, &whole);
    read_in_steps(text, len - 1, 1 + data[0] % 40, &cut);
    same(&whole.dump, &cut.dump);
    bool mark = len > 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
    bool inner_mark = whole.written.len >= 3 && memcmp(whole.written.data, "\xEF\xBB\xBF", 3) == 0;
    if (!whole.failed && !mark && !inner_mark) { /* a mark that was text would be skipped now */
        read_in_steps(buf_text(&whole.written), whole.written.len, 7, &again);
        same(&whole.dump, &again.dump);
    }
    csv_detect_delimiter(text, len - 1);
    seen_free(&whole);
    seen_free(&cut);
    seen_free(&again);
    return 0;
}
