/* value.h - values as REST JSON, fast: straight into the buffer, no printf, no
 * allocation. The put_ functions write at `out` and return the end; each says
 * how much room it needs. */
#ifndef LOCALORG_SOQL_VALUE_H
#define LOCALORG_SOQL_VALUE_H

#include "base/buf.h"
#include "localorg/org/schema.h"

#include <sqlite3.h>

enum { VALUE_ROOM = 64 }; /* enough for anything but text */

struct value_style {
    enum field_type type;
    bool formatted; /* FORMAT(): localised text, en_US */
    int scale;
};

/* Room for len more bytes, or NULL (and overflow set). The common case is inline. */
static inline char *value_room(struct buf *out, size_t len)
{
    if (out->cap - out->len > len + BUF_PADDING && (!out->limit || out->len + len <= out->limit) &&
        !out->overflow && out->data)
        return out->data + out->len;
    return buf_room(out, len);
}

/* The end of what was written at value_room's answer; the NUL is the caller's last step. */
static inline void value_added(struct buf *out, const char *end)
{
    out->len = (size_t)(end - out->data);
}

char *value_put_int(char *out, int64_t value);   /* 20 bytes */
char *value_put_double(char *out, double value); /* VALUE_ROOM; at least one decimal */
char *value_put_datetime(char *out, int64_t ms); /* VALUE_ROOM; with its quotes */
char *value_put_text(char *out, const char *text, size_t len); /* 6 * len + 2; with quotes */

/* 1234567.5 with two decimals: 1,234,567.50 */
void value_format_number(double value, int decimals, char *out, size_t size);

/* Appends `lead` (",\"Name\":") and the value. False on overflow. */
bool value_write(struct buf *out, const char *lead, size_t lead_len, sqlite3_value *value,
                 const struct value_style *style);

#endif
