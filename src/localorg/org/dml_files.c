/* dml_files.c - what records that hold a file work out for themselves.
 *
 * An attachment and a document know the length of their body. A ContentVersion
 * knows more (size, type, MD5), belongs to a ContentDocument that is made with
 * the first version, and is linked to its owner and to the place it was
 * published at. The document's id is given out before the version is written,
 * the document and its links are written after it. */
#include "localorg/org/dml_priv.h"

#include "base/when.h"

#include <ctype.h>
#include <stdlib.h>

/* --- MD5 (RFC 1321): the checksum clients compare --- */

static uint32_t turned(uint32_t x, unsigned by)
{
    return (x << by) | (x >> (32 - by));
}

static void md5_block(uint32_t state[4], const uint8_t block[64])
{
    static const uint8_t turns[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    /* floor(2^32 * |sin(i + 1)|) */
    static const uint32_t sines[64] = {
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613,
        0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193,
        0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d,
        0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed,
        0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122,
        0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
        0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244,
        0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
        0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb,
        0xeb86d391};
    uint32_t word[16], a = state[0], b = state[1], c = state[2], d = state[3];
    for (int i = 0; i < 16; i++)
        word[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 |
                  (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
    for (int i = 0; i < 64; i++) {
        uint32_t mixed = i < 16   ? (b & c) | (~b & d)
                         : i < 32 ? (d & b) | (~d & c)
                         : i < 48 ? b ^ c ^ d
                                  : c ^ (b | ~d);
        int at = (i < 16 ? i : i < 32 ? 5 * i + 1 : i < 48 ? 3 * i + 5 : 7 * i) % 16;
        uint32_t next = b + turned(a + mixed + sines[i] + word[at], turns[i / 16][i % 4]);
        a = d;
        d = c;
        c = b;
        b = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

static void md5_hex(const uint8_t *bytes, size_t len, char out[33])
{
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    uint8_t tail[128] = {0};
    size_t done = len / 64 * 64, rest = len - done, end = rest < 56 ? 64 : 128;
    for (size_t i = 0; i < done; i += 64)
        md5_block(state, bytes + i);
    memcpy(tail, bytes + done, rest);
    tail[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        tail[end - 8 + (size_t)i] = (uint8_t)((uint64_t)len * 8 >> (8 * i));
    for (size_t i = 0; i < end; i += 64)
        md5_block(state, tail + i);
    for (int i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", (unsigned)(state[i / 4] >> (8 * (i % 4)) & 0xff));
}

/* --- cells --- */

static struct cell *cell_of(struct draft *draft, const char *name)
{
    const struct field *field = sobject_field(draft->object, name);
    return field && field->stored ? &draft->cells[field->index] : NULL;
}

static bool given(struct draft *draft, const char *name)
{
    const struct cell *cell = cell_of(draft, name);
    return cell && cell_has(cell);
}

static const char *text_of(struct work *work, struct draft *draft, const char *name)
{
    const struct cell *cell = cell_of(draft, name);
    return cell ? cell_string(work, cell) : NULL;
}

static void put_text(struct draft *draft, const char *name, const char *text)
{
    struct cell *cell = cell_of(draft, name);
    if (cell && text)
        cell_text(cell, text);
}

static void put_int(struct draft *draft, const char *name, int64_t value)
{
    struct cell *cell = cell_of(draft, name);
    if (cell)
        cell_int(cell, value);
}

/* The bytes of a base64 cell. NULL when it is not set; *bad when it is no base64. */
static const uint8_t *bytes_of(struct work *work, struct draft *draft, const char *name,
                               size_t *len, bool *bad)
{
    const struct cell *cell = cell_of(draft, name);
    *len = 0;
    *bad = false;
    if (!cell || !cell_has(cell))
        return NULL;
    const uint8_t *bytes = base64_decode(work->scratch, cell->text, cell->len, len);
    *bad = !bytes;
    return bytes;
}

static bool not_base64(struct work *work, struct draft *draft, const char *name)
{
    return field_error(work, draft, sobject_field(draft->object, name), "JSON_PARSER_ERROR",
                       "Cannot deserialize instance of base64Binary from VALUE_STRING value");
}

/* --- attachments and documents --- */

static bool body_before(struct work *work, struct draft *draft)
{
    size_t len;
    bool bad;
    const uint8_t *bytes = bytes_of(work, draft, "Body", &len, &bad);
    if (bad)
        return not_base64(work, draft, "Body");
    if (bytes || draft->insert)
        put_int(draft, "BodyLength", (int64_t)len);
    return true;
}

/* A document's unique name is made of its name. */
static bool document_before(struct work *work, struct draft *draft)
{
    const char *name = text_of(work, draft, "Name");
    if (draft->insert && name && !given(draft, "DeveloperName")) {
        char *plain = arena_strdup(work->scratch, name);
        for (char *p = plain; *p; p++)
            *p = isalnum((unsigned char)*p) ? *p : '_';
        put_text(draft, "DeveloperName", plain);
    }
    return body_before(work, draft);
}

/* --- versions --- */

/* "report.final.PDF": the extension without its dot, in lower case; "" without one. */
static const char *extension_of(struct work *work, const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    return dot && dot[1] ? text_lower(work->scratch, dot + 1) : "";
}

/* As FileType tells it: a few are called differently than their extension. */
static const char *type_of(struct work *work, const char *extension)
{
    static const char *const types[][2] = {{"txt", "TEXT"},
                                           {"doc", "WORD"},
                                           {"docx", "WORD_X"},
                                           {"xls", "EXCEL"},
                                           {"xlsx", "EXCEL_X"},
                                           {"ppt", "POWER_POINT"},
                                           {"pptx", "POWER_POINT_X"},
                                           {"jpeg", "JPG"},
                                           {"htm", "HTML"},
                                           {"tgz", "TGZ"},
                                           {"", "UNKNOWN"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i][0], extension) == 0)
            return types[i][1];
    char *type = arena_strdup(work->scratch, extension);
    for (char *p = type; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return strlen(type) > 20 ? "UNKNOWN" : type;
}

static void name_version(struct work *work, struct draft *draft, const char *path)
{
    const char *slash = strrchr(path, '/'), *extension = extension_of(work, path);
    const char *file = slash ? slash + 1 : path;
    size_t len = strlen(file) - (*extension ? strlen(extension) + 1 : 0);
    if (!given(draft, "Title"))
        put_text(draft, "Title", arena_strndup(work->scratch, file, len));
    put_text(draft, "FileExtension", *extension ? extension : NULL);
    put_text(draft, "FileType", type_of(work, extension));
}

/* How many versions the document has. */
static int64_t count_versions(struct work *work, struct draft *draft, const char *document)
{
    const struct field *field = sobject_field(draft->object, "ContentDocumentId");
    sqlite3_stmt *find = table_finder(work, draft->table, field);
    int64_t count = 0;
    if (!find)
        return 0;
    sqlite3_bind_text(find, 1, document, 18, SQLITE_STATIC);
    while (next_row(work, find))
        count++;
    sqlite3_reset(find);
    return count;
}

static bool version_document(struct work *work, struct draft *draft)
{
    const struct sobject *object = schema_find(work->org->schema, "ContentDocument");
    const char *document = text_of(work, draft, "ContentDocumentId");
    int64_t number = 1;
    char id[19];
    if (document) {
        number = count_versions(work, draft, document) + 1;
    } else {
        if (org_next_id(work->org, object, id, work->err) != OK)
            return work_broke(work);
        put_text(draft, "ContentDocumentId", arena_strdup(work->scratch, id));
        check_trust(work, sobject_field(draft->object, "ContentDocumentId"), id);
    }
    put_text(draft, "VersionNumber", arena_printf(work->scratch, "%lld", (long long)number));
    put_int(draft, "IsLatest", 1);
    return true;
}

static bool version_before(struct work *work, struct draft *draft)
{
    size_t len;
    bool bad;
    const uint8_t *bytes = bytes_of(work, draft, "VersionData", &len, &bad);
    const char *path = text_of(work, draft, "PathOnClient"),
               *url = text_of(work, draft, "ContentUrl");
    static const char *const missing[] = {"VersionData", "PathOnClient"};
    if (bad)
        return not_base64(work, draft, "VersionData");
    if (bytes) {
        char sum[33];
        md5_hex(bytes, len, sum);
        put_int(draft, "ContentSize", (int64_t)len);
        put_text(draft, "Checksum", arena_strdup(work->scratch, sum));
    }
    if (!draft->insert || work->options->system)
        return true;
    if (!url && (!bytes || !path))
        return row_error(work, draft->result, "REQUIRED_FIELD_MISSING",
                         bytes ? missing + 1 : missing, bytes || path ? 1 : 2,
                         "Required fields are missing: [%s]",
                         bytes  ? "PathOnClient"
                         : path ? "VersionData"
                                : "VersionData, PathOnClient");
    if (url) {
        put_text(draft, "FileType", "LINK");
        put_text(draft, "ContentLocation", "E");
        if (!given(draft, "Title"))
            put_text(draft, "Title", url);
    } else {
        name_version(work, draft, path);
    }
    put_int(draft, "ContentModifiedDate", work->now_ms);
    put_text(draft, "ContentModifiedById", work->user);
    return version_document(work, draft);
}

/* --- after a version: its document and links --- */

/* Writes one record as the system, inside this call. */
static bool write_record(struct work *work, enum dml_kind kind, const char *object, const char *id,
                         const struct buf *json)
{
    struct dml_options options = {.user_id = work->user, .all_or_none = true, .system = true};
    struct dml_result result;
    struct dml_row row = {.object = schema_find(work->org->schema, object),
                          .id = id,
                          .body = json_parse_buf(work->call_arena, json, work->err)};
    if (!row.object)
        return true;
    if (!row.body ||
        org_dml(work->org, kind, &options, &row, 1, &result, work->call_arena, work->err) != OK)
        return work_broke(work);
    if (!result.success) {
        err_set(work->err, ERR_IO, "%s: %s", object, result.errors->message);
        return work_broke(work);
    }
    return true;
}

static bool write_document(struct work *work, struct draft *draft, const char *document, bool fresh)
{
    struct buf json = BUF_INIT;
    struct jw w;
    const char *extension = text_of(work, draft, "FileExtension");
    const struct cell *size = cell_of(draft, "ContentSize");
    jw_init(&w, &json);
    jw_object(&w);
    if (fresh) {
        jw_kv_text(&w, "Id", document);
        jw_kv_text(&w, "OwnerId", text_of(work, draft, "OwnerId"));
        jw_kv_text(&w, "PublishStatus", "P");
    }
    jw_kv_text(&w, "Title", text_of(work, draft, "Title"));
    jw_kv_text(&w, "LatestPublishedVersionId", draft->id);
    jw_kv_text(&w, "FileType", text_of(work, draft, "FileType"));
    jw_kv_text(&w, "FileExtension", extension);
    jw_kv_text(&w, "Description", text_of(work, draft, "Description"));
    if (size && cell_has(size))
        jw_kv_int(&w, "ContentSize", size->integer);
    jw_end_object(&w);
    bool good = write_record(work, fresh ? DML_INSERT : DML_UPDATE, "ContentDocument",
                             fresh ? NULL : document, &json);
    buf_free(&json);
    return good;
}

static bool write_link(struct work *work, const char *document, const char *entity)
{
    struct buf json = BUF_INIT;
    if (!entity)
        return true;
    buf_printf(&json,
               "{\"ContentDocumentId\":\"%s\",\"LinkedEntityId\":\"%s\",\"ShareType\":\"I\","
               "\"Visibility\":\"AllUsers\"}",
               document, entity);
    bool good = write_record(work, DML_INSERT, "ContentDocumentLink", NULL, &json);
    buf_free(&json);
    return good;
}

/* The versions before are not the latest any more. */
static bool demote_others(struct work *work, struct draft *draft, const char *document)
{
    sqlite3_stmt *update = NULL;
    enum status status = db_prepare(
        work->org->db, &update,
        "UPDATE \"ContentVersion\" SET \"IsLatest\" = 0 WHERE \"ContentDocumentId\" = ?1 "
        "AND \"Id\" <> ?2",
        work->err);
    if (status == OK) {
        sqlite3_bind_text(update, 1, document, 18, SQLITE_STATIC);
        sqlite3_bind_text(update, 2, draft->id, 18, SQLITE_STATIC);
        status = db_run(update, work->err);
    }
    sqlite3_finalize(update);
    return status == OK || work_broke(work);
}

static bool version_after(struct work *work, struct draft *draft)
{
    const char *number = text_of(work, draft, "VersionNumber");
    const char *document = text_of(work, draft, "ContentDocumentId");
    if (!draft->insert || work->options->system || !document)
        return true;
    bool fresh = text_eq(number, "1");
    if (!write_document(work, draft, document, fresh))
        return false;
    if (!fresh)
        return demote_others(work, draft, document);
    const char *owner = text_of(work, draft, "OwnerId");
    const char *place = text_of(work, draft, "FirstPublishLocationId");
    return write_link(work, document, owner) &&
           (text_eq(place, owner) || write_link(work, document, place));
}

/* --- the doors --- */

bool files_before(struct work *work, struct draft *draft)
{
    switch (draft->table->standard) {
    case STANDARD_ATTACHMENT:
        return body_before(work, draft);
    case STANDARD_DOCUMENT:
        return document_before(work, draft);
    case STANDARD_CONTENT_VERSION:
        return version_before(work, draft);
    default:
        return true;
    }
}

bool files_after(struct work *work, struct draft *draft)
{
    return draft->table->standard != STANDARD_CONTENT_VERSION || version_after(work, draft);
}
