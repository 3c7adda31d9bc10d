/* json.cc - simdjson's on-demand reader behind a C function.
 *
 * simdjson's first stage checks UTF-8, control characters and closed strings
 * and finds the structure; it is lazy about everything else, so this file
 * visits every value, checks number and word tokens itself, and unescapes
 * strings itself into one slab of the arena (unescaping never grows text, so
 * the slab is as long as the input). No exception leaves this file: only the
 * error-code interface is used.
 *
 * The parser is the thread's own and is reused; a very large one is given back. */
extern "C" {
#include "base/json_priv.h"
}

#include <cstring>
#include <simdjson.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

using namespace simdjson;

namespace
{

constexpr size_t SLAB_SLACK = 64;                       /* copies go 16 bytes at a time */
constexpr size_t PARSER_KEEP = size_t(8) * 1024 * 1024; /* a larger parser is not kept */

static_assert(SIMDJSON_PADDING <= BUF_PADDING, "struct buf must be padded for simdjson");

struct builder {
    struct arena *arena;
    char *slab; /* where the next text goes */
    const char *why;
};

bool fail(builder &b, const char *why)
{
    b.why = why;
    return false;
}

struct json *new_node(builder &b, enum json_type type)
{
    auto *node = static_cast<struct json *>(arena_raw(b.arena, sizeof(struct json)));
    std::memset(node, 0, sizeof *node);
    node->type = type;
    return node;
}

/* --- strings --- */

int hex4(const char *p)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

char *put_utf8(char *to, int code)
{
    if (code < 0x80) {
        *to++ = char(code);
    } else if (code < 0x800) {
        *to++ = char(0xC0 | code >> 6);
        *to++ = char(0x80 | (code & 63));
    } else if (code < 0x10000) {
        *to++ = char(0xE0 | code >> 12);
        *to++ = char(0x80 | (code >> 6 & 63));
        *to++ = char(0x80 | (code & 63));
    } else {
        *to++ = char(0xF0 | code >> 18);
        *to++ = char(0x80 | (code >> 12 & 63));
        *to++ = char(0x80 | (code >> 6 & 63));
        *to++ = char(0x80 | (code & 63));
    }
    return to;
}

/* At the byte after "\u"; false for anything but a code point. */
bool unescape_unit(const char *&from, char *&to)
{
    int unit = hex4(from);
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
        return false;
    from += 4;
    if (unit >= 0xD800 && unit < 0xDC00) {
        int low = from[0] == '\\' && from[1] == 'u' ? hex4(from + 2) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return false;
        from += 6;
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    to = put_utf8(to, unit);
    return true;
}

/* At the byte after the backslash. */
bool unescape_one(const char *&from, char *&to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char name = *from++;
    if (name == 'u')
        return unescape_unit(from, to);
    const char *hit = name ? std::strchr(names, name) : nullptr;
    if (!hit)
        return false;
    *to++ = values[hit - names];
    return true;
}

/* Copies up to the next quote or backslash; stage 1 has proved there is a quote. */
inline void copy_plain(const char *&from, char *&to)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    for (;;) {
        __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(to), bytes);
        int hits = _mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)));
        int plain = hits ? __builtin_ctz(unsigned(hits)) : 16;
        from += plain;
        to += plain;
        if (hits)
            return;
    }
#else
    while (*from != '"' && *from != '\\')
        *to++ = *from++;
#endif
}

/* `from` is the byte after the opening quote. */
bool take_string(builder &b, const char *from, const char **text, uint32_t *len)
{
    char *to = b.slab;
    for (;;) {
        copy_plain(from, to);
        if (*from == '"')
            break;
        from++;
        if (!unescape_one(from, to))
            return fail(b, "a bad escape in a string");
    }
    *to = '\0';
    *text = b.slab;
    *len = uint32_t(to - b.slab);
    b.slab = to + 1;
    return true;
}

/* --- numbers and words: tokens run up to the next structural byte --- */

std::string_view trimmed(std::string_view token)
{
    while (!token.empty() && std::strchr(" \t\r\n", token.back()) && token.back())
        token.remove_suffix(1);
    return token;
}

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

bool number_valid(std::string_view token)
{
    const char *p = token.data(), *end = p + token.size(), *start;
    if (p < end && *p == '-')
        p++;
    start = p;
    p = skip_digits(p, end);
    if (p == start || (*start == '0' && p - start > 1))
        return false;
    if (p < end && *p == '.') {
        start = ++p;
        if ((p = skip_digits(p, end)) == start)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        start = p;
        if ((p = skip_digits(p, end)) == start)
            return false;
    }
    return p == end;
}

struct json *build_number(builder &b, std::string_view token)
{
    token = trimmed(token);
    if (!number_valid(token))
        return fail(b, "a malformed number"), nullptr;
    struct json *node = new_node(b, JSON_NUMBER);
    std::memcpy(b.slab, token.data(), token.size());
    b.slab[token.size()] = '\0';
    node->text = b.slab;
    node->len = uint32_t(token.size());
    b.slab += token.size() + 1;
    return node;
}

struct json *build_word(builder &b, std::string_view token)
{
    token = trimmed(token);
    if (token == "null")
        return new_node(b, JSON_NULL);
    if (token == "true")
        return new_node(b, JSON_TRUE);
    if (token == "false")
        return new_node(b, JSON_FALSE);
    return fail(b, "an unknown word"), nullptr;
}

/* --- the walk --- */

struct json *build_array(builder &b, ondemand::array array, int depth);
struct json *build_object(builder &b, ondemand::object object, int depth);

struct json *build_string(builder &b, ondemand::value &value)
{
    ondemand::raw_json_string raw;
    if (value.get_raw_json_string().get(raw))
        return fail(b, "a malformed string"), nullptr;
    struct json *node = new_node(b, JSON_STRING);
    return take_string(b, raw.raw(), &node->text, &node->len) ? node : nullptr;
}

struct json *build_value(builder &b, ondemand::value value, int depth)
{
    ondemand::json_type type;
    if (value.type().get(type))
        return fail(b, "a value is missing"), nullptr;
    switch (type) {
    case ondemand::json_type::string:
        return build_string(b, value);
    case ondemand::json_type::number:
        return build_number(b, value.raw_json_token());
    case ondemand::json_type::array: {
        ondemand::array array;
        if (value.get_array().get(array))
            return fail(b, "a malformed array"), nullptr;
        return build_array(b, array, depth);
    }
    case ondemand::json_type::object: {
        ondemand::object object;
        if (value.get_object().get(object))
            return fail(b, "a malformed object"), nullptr;
        return build_object(b, object, depth);
    }
    default:
        return build_word(b, value.raw_json_token());
    }
}

struct json *build_array(builder &b, ondemand::array array, int depth)
{
    if (depth >= JSON_MAX_DEPTH)
        return fail(b, "nested too deep"), nullptr;
    struct json *node = new_node(b, JSON_ARRAY), **last = &node->first;
    for (auto element : array) {
        ondemand::value value;
        if (std::move(element).get(value))
            return fail(b, "a malformed array"), nullptr;
        struct json *child = build_value(b, value, depth + 1);
        if (!child)
            return nullptr;
        *last = child;
        last = &child->next;
        node->len++;
    }
    return node;
}

struct json *build_object(builder &b, ondemand::object object, int depth)
{
    if (depth >= JSON_MAX_DEPTH)
        return fail(b, "nested too deep"), nullptr;
    struct json *node = new_node(b, JSON_OBJECT), **last = &node->first;
    for (auto result : object) {
        ondemand::field field;
        if (std::move(result).get(field))
            return fail(b, "a malformed object"), nullptr;
        const char *key;
        uint32_t key_len;
        if (!take_string(b, field.key().raw(), &key, &key_len))
            return nullptr;
        struct json *child = build_value(b, field.value(), depth + 1);
        if (!child)
            return nullptr;
        child->key = key;
        child->key_len = key_len;
        *last = child;
        last = &child->next;
        node->len++;
    }
    return node;
}

struct json *build_root(builder &b, ondemand::document &document)
{
    ondemand::json_type type;
    struct json *root = nullptr;
    if (document.type().get(type))
        return fail(b, "no value"), nullptr;
    if (type == ondemand::json_type::array) {
        ondemand::array array;
        if (document.get_array().get(array))
            return fail(b, "a malformed array"), nullptr;
        root = build_array(b, array, 0);
    } else if (type == ondemand::json_type::object) {
        ondemand::object object;
        if (document.get_object().get(object))
            return fail(b, "a malformed object"), nullptr;
        root = build_object(b, object, 0);
    }
    if (root && document.current_location().error() != OUT_OF_BOUNDS)
        return fail(b, "something follows the end of the document"), nullptr;
    return root;
}

bool reserve(ondemand::parser &parser, size_t len)
{
    if (parser.capacity() >= len)
        return true;
    size_t room = 16384;
    while (room < len)
        room *= 2;
    return parser.allocate(room) == SUCCESS;
}

} // namespace

const struct json *json_build(struct arena *arena, const char *text, size_t len, const char **why)
{
    thread_local ondemand::parser parser;
    builder b = {arena, static_cast<char *>(arena_raw(arena, len + SLAB_SLACK)), "not readable"};
    const struct json *root = nullptr;
    if (!reserve(parser, len)) {
        fail(b, "the document is too large");
    } else {
        ondemand::document document;
        error_code error =
            parser.iterate(padded_string_view(text, len, len + SIMDJSON_PADDING)).get(document);
        if (error)
            fail(b, error_message(error));
        else
            root = build_root(b, document);
    }
    if (parser.capacity() > PARSER_KEEP)
        parser = ondemand::parser();
    *why = b.why;
    return root;
}
