/* zip.c - reading a zip archive by its central directory. */
#include "localorg/metadata/zip.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#define FILES_MAX   10000
#define UNPACKED_MAX ((size_t)100 << 20)
#define END_SIZE    22
#define ENTRY_SIZE  46
#define LOCAL_SIZE  30

struct archive {
    struct arena *arena;
    const unsigned char *bytes;
    size_t len, unpacked;
    struct err *err;
};

static uint32_t number(const unsigned char *at, int bytes)
{
    uint32_t value = 0;
    for (int i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

static enum status bad(struct archive *a, const char *why)
{
    return err_set(a->err, ERR_INVALID, "the zip archive cannot be read: %s", why);
}

/* The end record stands last, before a comment of at most 64 KiB. */
static const unsigned char *find_end(const struct archive *a)
{
    if (a->len < END_SIZE)
        return NULL;
    size_t lowest = a->len > END_SIZE + 65535 ? a->len - END_SIZE - 65535 : 0;
    for (size_t at = a->len - END_SIZE + 1; at-- > lowest;)
        if (memcmp(a->bytes + at, "PK\5\6", 4) == 0)
            return a->bytes + at;
    return NULL;
}

static enum status inflate_entry(struct archive *a, const unsigned char *packed, size_t packed_len,
                                 char *out, size_t len)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)packed,
                       .avail_in = (uInt)packed_len,
                       .next_out = (unsigned char *)out,
                       .avail_out = (uInt)len};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return bad(a, "zlib does not start");
    int rc = inflate(&stream, Z_FINISH);
    bool whole = rc == Z_STREAM_END && stream.avail_out == 0;
    inflateEnd(&stream);
    return whole ? OK : bad(a, "a file does not unpack to its size");
}

/* The file of one central directory entry. */
static enum status read_entry(struct archive *a, const unsigned char *entry, struct zip_file *out)
{
    uint32_t flags = number(entry + 8, 2), method = number(entry + 10, 2);
    uint32_t crc = number(entry + 16, 4), name_len = number(entry + 28, 2);
    size_t packed = number(entry + 20, 4), len = number(entry + 24, 4);
    size_t local = number(entry + 42, 4);
    if (flags & 1)
        return bad(a, "a file is encrypted");
    if (method != 0 && method != 8)
        return bad(a, "a file is packed by an unknown method");
    if (local + LOCAL_SIZE > a->len || memcmp(a->bytes + local, "PK\3\4", 4) != 0)
        return bad(a, "a file is not where its entry says");
    size_t begin = local + LOCAL_SIZE + number(a->bytes + local + 26, 2) +
                   number(a->bytes + local + 28, 2);
    if (begin > a->len || packed > a->len - begin || (method == 0 && packed != len))
        return bad(a, "a file ends early");
    a->unpacked += len;
    if (a->unpacked > UNPACKED_MAX)
        return bad(a, "it unpacks to more than 100 MB");
    out->name = arena_strndup(a->arena, (const char *)entry + ENTRY_SIZE, name_len);
    out->len = len;
    char *data = arena_raw(a->arena, len + 1);
    data[len] = '\0';
    out->data = data;
    if (method == 0)
        memcpy(data, a->bytes + begin, len);
    else if (inflate_entry(a, a->bytes + begin, packed, data, len) != OK)
        return FAIL;
    if (crc32(0, (const unsigned char *)data, (uInt)len) != crc)
        return bad(a, "a checksum does not fit");
    return OK;
}

enum status zip_read(struct arena *arena, const void *bytes, size_t len, struct zip_file **files,
                     size_t *count, struct err *err)
{
    struct archive a = {.arena = arena, .bytes = bytes, .len = len, .err = err};
    const unsigned char *end = find_end(&a);
    if (!end)
        return bad(&a, "it has no directory");
    size_t entries = number(end + 10, 2), at = number(end + 16, 4);
    if (entries > FILES_MAX)
        return bad(&a, "it holds more than 10,000 files");
    *files = arena_array(arena, entries + 1, sizeof **files);
    *count = 0;
    for (size_t i = 0; i < entries; i++) {
        if (at > len || len - at < ENTRY_SIZE || memcmp(a.bytes + at, "PK\1\2", 4) != 0)
            return bad(&a, "its directory is broken");
        const unsigned char *entry = a.bytes + at;
        size_t name = number(entry + 28, 2);
        size_t next = at + ENTRY_SIZE + name + number(entry + 30, 2) + number(entry + 32, 2);
        if (next > len)
            return bad(&a, "its directory is broken");
        bool directory = name && entry[ENTRY_SIZE + name - 1] == '/';
        if (!directory && read_entry(&a, entry, &(*files)[(*count)++]) != OK)
            return FAIL;
        at = next;
    }
    return OK;
}
