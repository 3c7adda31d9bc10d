/* csv.h - streaming CSV, RFC 4180 with the liberties people take.
 *
 * The reader is fed windows of any size and calls back once a record, however
 * the windows cut it. Quoted fields may hold delimiters, CR, LF and doubled
 * quotes. A UTF-8 byte-order mark and blank lines are skipped. Unescaping never
 * touches the window. With skip_large a field over the limit is not kept and does
 * not end the reading: it comes as {NULL, its length}. */
#ifndef ARGIL_BASE_CSV_H
#define ARGIL_BASE_CSV_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define ERR_CSV_OPEN_QUOTE      "csv.open_quote" /* err.where is "line L", where it began */
#define ERR_CSV_FIELD_TOO_LARGE "csv.field_too_large"
#define ERR_CSV_TOO_MANY_FIELDS "csv.too_many_fields"

struct csv_reader;

/* fields live until the callback returns. `quoted[i]` tells "" from nothing.
 * Return FAIL to stop; csv_feed then returns FAIL with your error. */
typedef enum status csv_record_fn(void *ctx, const struct str *fields, const bool *quoted,
                                  size_t count, uint64_t line, struct err *err);

struct csv_options {
    char delimiter;    /* 0 = ',' */
    size_t max_field;  /* bytes; 0 = 10 MiB */
    size_t max_fields; /* 0 = 5000 */
    bool skip_large;
};

struct csv_reader *csv_reader_new(const struct csv_options *options, csv_record_fn *fn, void *ctx);
void csv_reader_free(struct csv_reader *reader);
enum status csv_feed(struct csv_reader *reader, const char *bytes, size_t len, struct err *err);
/* The end of input: the last record may lack its line end; an open quote is an error. */
enum status csv_finish(struct csv_reader *reader, struct err *err);
char csv_detect_delimiter(const char *header,
                          size_t len); /* , ; tab | ^ ` by count outside quotes */

/* Writing: quotes only where needed, or always. Line end is LF. */
void csv_field(struct buf *out, const char *text, size_t len, bool first, bool always_quote);
void csv_end(struct buf *out);

#endif
