/* fuzz_json.c - the quick reader and the plain scanner accept the same texts,
 * and what was read is written and read again without a change. */
#include "base/json.h"
#include "base/json_priv.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void write_tree(struct buf *out, const struct json *value, bool pretty)
{
    struct jw w;
    jw_init(&w, out);
    w.pretty = pretty;
    jw_value(&w, value);
}

static void check_round_trip(struct arena *arena, const struct json *root)
{
    struct buf plain = BUF_INIT, pretty = BUF_INIT, again = BUF_INIT;
    write_tree(&plain, root, false);
    write_tree(&pretty, root, true);
    const struct json *one = json_parse_buf(arena, &plain, NULL);
    const struct json *two = json_parse_buf(arena, &pretty, NULL);
    if (!one || !two)
        abort();
    write_tree(&again, two, false);
    if (plain.len != again.len || memcmp(plain.data, again.data, plain.len) != 0)
        abort();
    buf_free(&plain);
    buf_free(&pretty);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    const char *text = (const char *)data, *why = NULL;
    size_t mark = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0, at = 0;
    const struct json *root = json_parse(arena, text, len, &err);
    bool valid = json_check(text + mark, len - mark, &at, &why);
    if (valid != (root != NULL) || at > len - mark || valid == (err.code[0] != '\0'))
        abort();
    if (root)
        check_round_trip(arena, root);
    arena_free(arena);
    return 0;
}
