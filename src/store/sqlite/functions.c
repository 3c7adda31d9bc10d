/* functions.c - argil_sort and argil_fold in SQLite: base/sortkey.h over columns.
 *
 * An index over argil_sort lives in the file: see sort_sql.c. */
#include "store/sqlite/sqlite_priv.h"

#include "base/sortkey.h"

#include <string.h>

static enum sort_as letter_as(char letter)
{
    return letter == 'n'   ? SORT_NUMBER
           : letter == 'd' ? SORT_TIME
           : letter == 'b' ? SORT_BOOL
                           : SORT_TEXT;
}

static void give_bytes(sqlite3_context *ctx, struct buf *bytes, bool blob)
{
    size_t len = bytes->len;
    char *data = buf_take(bytes);
    if (blob)
        sqlite3_result_blob64(ctx, data ? data : "", len, data ? free : SQLITE_STATIC);
    else
        sqlite3_result_text64(ctx, data ? data : "", len, data ? free : SQLITE_STATIC, SQLITE_UTF8);
}

static void sort_function(sqlite3_context *ctx, int count, sqlite3_value **values)
{
    struct buf key = BUF_INIT;
    const char *spec = (const char *)sqlite3_value_text(values[0]);
    if (!spec || strlen(spec) != (size_t)(2 * count - 1)) {
        sqlite3_result_error(ctx, "argil_sort: another number of columns than the key says", -1);
        return;
    }
    for (int i = 1; i < count; i++) {
        const char *text = (const char *)sqlite3_value_text(values[i]);
        size_t len = (size_t)sqlite3_value_bytes(values[i]);
        sort_key_add(&key, letter_as(spec[2 * i - 1]), spec[2 * i] == '-', text, len);
    }
    give_bytes(ctx, &key, true);
}

static void fold_function(sqlite3_context *ctx, int count, sqlite3_value **values)
{
    struct buf folded = BUF_INIT;
    const char *text = (const char *)sqlite3_value_text(values[0]);
    (void)count;
    if (!text) {
        sqlite3_result_null(ctx);
        return;
    }
    text_fold(&folded, text, (size_t)sqlite3_value_bytes(values[0]));
    give_bytes(ctx, &folded, false);
}

int sqlite_register_functions(sqlite3 *db)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    int rc = sqlite3_create_function_v2(db, "argil_sort", -1, flags, NULL, sort_function, NULL,
                                        NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(db, "argil_fold", 1, flags, NULL, fold_function, NULL, NULL,
                                        NULL);
    return rc;
}
