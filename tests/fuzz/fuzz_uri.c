/* fuzz_uri.c - URLs, escapes, pairs, and the other small text readers that see
 * foreign bytes: dates, base64, UTF-8 counting, log redaction. */
#include "base/log.h"
#include "base/mem.h"
#include "base/uri.h"
#include "base/when.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_uri(struct arena *arena, const char *text)
{
    struct uri uri;
    if (!uri_parse(arena, text, &uri))
        return;
    require(uri.scheme[0] && uri.host[0] && uri.path[0] == '/');
    require(uri.port >= 0 && uri.port <= 65535);
    require(!strpbrk(uri.host, "/?#@[]"));
}

static void check_escapes(struct arena *arena, const char *text, size_t len)
{
    struct buf escaped = BUF_INIT;
    size_t n = 0;
    uri_encode(&escaped, text, len);
    char *back = uri_decode(arena, buf_text(&escaped), escaped.len, true, &n);
    require(back && n == len && (len == 0 || memcmp(back, text, len) == 0));
    uri_decode(arena, text, len, false, &n);
    buf_free(&escaped);
    for (struct uri_pair *pair = uri_pairs(arena, text, len); pair; pair = pair->next)
        require(pair->name && pair->value);
}

static void check_text(struct arena *arena, const char *text, size_t len)
{
    size_t n = 0;
    void *bytes = base64_decode(arena, text, len, &n);
    if (bytes) { /* only one text decodes to these bytes, padding and alphabet aside */
        char *again = base64url_encode(arena, bytes, n);
        require(strlen(again) <= len);
    }
    for (size_t max = 0; max <= len; max++) {
        size_t cut = utf8_cut(text, len, max);
        require(cut <= max && (!utf8_valid(text, len) || utf8_valid(text, cut)));
    }
    require(utf8_length(text, len) <= utf16_length(text, len));
}

static void check_dates(const char *text)
{
    struct date date;
    int64_t ms, back;
    char printed[32];
    if (date_parse(text, &date))
        require(date_valid(date_from_days(date_to_days(date))));
    if (when_parse(text, &ms) && ms >= INT64_C(-62167219200000) && ms <= INT64_C(253402300799999)) {
        when_iso(ms, printed);
        require(when_parse(printed, &back) && back == ms);
    }
    when_parse_http(text, &ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len > 4096)
        return 0;
    struct arena *arena = arena_new();
    struct buf redacted = BUF_INIT;
    char *text = mem_strndup((const char *)data, len);
    check_uri(arena, text);
    check_escapes(arena, text, len);
    check_text(arena, text, len);
    check_dates(text);
    log_redact(text, &redacted);
    buf_free(&redacted);
    free(text);
    arena_free(arena);
    return 0;
}
