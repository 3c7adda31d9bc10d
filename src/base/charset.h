/* charset.h - bytes of a text file in whatever encoding, to UTF-8.
 *
 * First the whole file goes through a sniffer, which is exact where a sample
 * would guess: a file is UTF-8 when all of it is. Then it goes through a decoder,
 * in windows of any size. A byte-order mark decides and is not part of the text.
 * What has no character becomes U+FFFD and is counted, and so does NUL, which no
 * text holds and no database keeps. */
#ifndef ARGIL_BASE_CHARSET_H
#define ARGIL_BASE_CHARSET_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum charset {
    CHARSET_UTF8,
    CHARSET_UTF16LE,
    CHARSET_UTF16BE,
    CHARSET_1252 /* Windows-1252: Latin-1, with signs where that has controls */
};
const char *charset_name(enum charset charset); /* "utf-8", "utf-16le", ... */
bool charset_parse(const char *name, enum charset *out); /* also "latin-1" for Windows-1252 */

struct charset_sniffer {
    uint64_t bytes;
    unsigned char first[4096];
    size_t first_len;
    unsigned char open[4]; /* the beginning of a character that a window cut */
    size_t open_len;
    bool not_utf8;
};
/* Zeroed memory is a fresh sniffer. */
void charset_sniff(struct charset_sniffer *sniffer, const char *bytes, size_t len);
/* What it is, when all of it was seen. */
enum charset charset_guess(const struct charset_sniffer *sniffer);
/* A word for what is no text at all ("a gzip archive", "an Excel workbook"), or NULL. */
const char *charset_not_text(const struct charset_sniffer *sniffer);

struct charset_decoder {
    enum charset charset;
    unsigned char open[4]; /* of a character that a window cut */
    size_t open_len;
    uint64_t nuls, bad; /* how many became U+FFFD */
    bool begun;         /* the first character is through */
};
/* Appends to `out`. With `last` an open character counts as bad. */
void charset_decode(struct charset_decoder *decoder, const char *bytes, size_t len, bool last,
                    struct buf *out);

#endif
