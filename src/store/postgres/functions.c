/* functions.c - argil_fold and argil_sort in PostgreSQL: base/sortkey.h over columns.
 *
 * They give the same bytes as text_fold and sort_key_add, in plain PL/pgSQL, which
 * every PostgreSQL has: nothing is installed on the server. What folding does to a
 * letter is taken from text_fold itself. Times, numbers: see sortkey.c. One limit:
 * a text key may end a byte or two apart from ours where it is cut off.
 *
 * Names of functions inside of functions are told with their schema: an index is
 * also kept by servers' own processes, which have another search path. */
#include "store/postgres/postgres_priv.h"

#include "base/sortkey.h"

#include <string.h>

#define FOLD_FROM 0x41
#define FOLD_TO   0x500 /* text_fold leaves what comes later */

const char *const pg_setup =
    "CREATE SCHEMA IF NOT EXISTS argil;"
    "SET LOCAL search_path=argil;"
    "CREATE COLLATION IF NOT EXISTS argil_nocase"
    " (provider=icu, locale='und-u-ks-level2', deterministic=false);"
    "CREATE TABLE IF NOT EXISTS argil_schema(ws bigint PRIMARY KEY, version bigint NOT NULL);"
    "CREATE TABLE IF NOT EXISTS argil_workspaces(ws bigint PRIMARY KEY, id text NOT NULL,"
    " name text NOT NULL);"
    "CREATE TABLE IF NOT EXISTS argil_ids(ws bigint, noun text, next bigint NOT NULL,"
    " PRIMARY KEY(ws, noun));"
    "CREATE TABLE IF NOT EXISTS argil_members(ws bigint, epoch bigint, host text, process text,"
    " since_ms bigint NOT NULL, until_ms bigint NOT NULL, PRIMARY KEY(ws, epoch));";

static size_t put_utf8(unsigned c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = (char)(0xC0 | c >> 6);
    out[1] = (char)(0x80 | (c & 0x3F));
    return 2;
}

static bool is_one_letter(const struct buf *text)
{
    return text->len == 1 || (text->len == 2 && (unsigned char)text->data[0] >= 0xC0);
}

struct folds {
    struct buf from, to, gone, calls, longer;
};

static void note_fold(struct folds *f, unsigned c)
{
    char letter[4];
    struct buf folded = BUF_INIT;
    size_t len = put_utf8(c, letter);
    text_fold(&folded, letter, len);
    if (!folded.len) {
        buf_append(&f->gone, letter, len);
    } else if (!is_one_letter(&folded)) {
        buf_str(&f->calls, "replace(");
        buf_printf(&f->longer, ",'%.*s','%s')", (int)len, letter, buf_text(&folded));
    } else if (folded.len != len || memcmp(folded.data, letter, len) != 0) {
        buf_append(&f->from, letter, len);
        buf_append(&f->to, folded.data, folded.len);
    }
    buf_free(&folded);
}

/* translate() drops the letters of `from` that have none in `to`. */
static void put_fold(struct buf *sql)
{
    struct folds f = {0};
    for (unsigned c = FOLD_FROM; c < FOLD_TO; c++)
        if (c < 0x7F || c > 0x9F)
            note_fold(&f, c);
    buf_printf(sql,
               "CREATE OR REPLACE FUNCTION argil.argil_fold(t text) RETURNS text"
               " IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $f$ SELECT translate(%st%s,'%s%s','%s')"
               " COLLATE \"C\" $f$;",
               buf_text(&f.calls), buf_text(&f.longer), buf_text(&f.from), buf_text(&f.gone),
               buf_text(&f.to));
    buf_free(&f.from);
    buf_free(&f.to);
    buf_free(&f.gone);
    buf_free(&f.calls);
    buf_free(&f.longer);
}

/* Keys are put together as hexadecimal digits. */
static const char sort_functions[] =
    "CREATE OR REPLACE FUNCTION argil.argil_key_text(t text) RETURNS text"
    " IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $f$"
    " DECLARE b bytea := convert_to(argil.argil_fold(left(t,2000)),'UTF8'); n int := 120;"
    " BEGIN"
    "  WHILE n < length(b) AND (get_byte(b,n) & 192) = 128 LOOP n := n+1; END LOOP;"
    "  RETURN encode(substring(b FROM 1 FOR n),'hex') || '00';"
    " END $f$;"

    "CREATE OR REPLACE FUNCTION argil.argil_key_number(t text) RETURNS text"
    " IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $f$"
    " DECLARE m text[] := regexp_match(t,'^([+-]?)([0-9]*)[.]?([0-9]*)(?:[eE]([+-]?[0-9]+))?$');"
    " digits text; first text; exponent numeric; place numeric; body text;"
    " BEGIN"
    "  digits := m[2] || m[3];"
    "  IF digits IS NULL OR digits = '' OR length(digits) > 1000 THEN RETURN NULL; END IF;"
    "  exponent := coalesce(m[4],'0')::numeric;"
    "  IF abs(exponent) >= 20000 THEN RETURN NULL; END IF;"
    "  first := ltrim(digits,'0');"
    "  place := length(m[2])-(length(digits)-length(first))+exponent;"
    "  first := rtrim(first,'0');"
    "  IF first = '' THEN RETURN '0102'; END IF;"
    "  body := lpad(to_hex((place+32768)::int),4,'0')"
    "   || regexp_replace(translate(first,'0123456789','123456789a'),'(.)','0\\1','g') || '00';"
    "  IF m[1] = '-' THEN RETURN '0101' || translate(body,'0123456789abcdef','fedcba9876543210');"
    "  END IF;"
    "  RETURN '0103' || body;"
    " END $f$;"

    "CREATE OR REPLACE FUNCTION argil.argil_key_time(t text) RETURNS text"
    " IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $f$"
    " DECLARE m text[] := regexp_match(t,'^([0-9]{4})-([0-9]{2})-([0-9]{2})"
    "(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.]([0-9]+))?(?:Z|([+-])([0-9]{2}):?([0-9]{2})))?$');"
    " y int; mo int; d int; era int; yoe int; ms bigint; most int;"
    " BEGIN"
    "  IF m IS NULL OR length(t) >= 48 THEN RETURN NULL; END IF;"
    "  y := m[1]::int; mo := m[2]::int; d := m[3]::int;"
    "  IF mo < 1 OR mo > 12 OR d < 1 THEN RETURN NULL; END IF;"
    "  most := CASE WHEN mo IN (4,6,9,11) THEN 30 WHEN mo <> 2 THEN 31"
    "   WHEN y%4 = 0 AND (y%100 <> 0 OR y%400 = 0) THEN 29 ELSE 28 END;"
    "  IF d > most THEN RETURN NULL; END IF;"
    "  IF m[4] IS NOT NULL AND (m[4]::int > 23 OR m[5]::int > 59 OR m[6]::int > 59) THEN RETURN NULL;"
    "  END IF;"
    "  IF m[8] IS NOT NULL AND (m[9]::int > 23 OR m[10]::int > 59) THEN RETURN NULL; END IF;"
    "  IF mo <= 2 THEN y := y-1; END IF;"
    "  era := floor(y/400.0); yoe := y-era*400;"
    "  ms := (era*146097::bigint + yoe*365+yoe/4-yoe/100"
    "   + (153*(mo+CASE WHEN mo > 2 THEN -3 ELSE 9 END)+2)/5+d-1 - 719468)*86400000;"
    "  IF m[4] IS NOT NULL THEN"
    "   ms := ms + (m[4]::int*3600+m[5]::int*60+m[6]::int)*1000::bigint"
    "    + rpad(left(coalesce(m[7],''),3),3,'0')::int;"
    "   IF m[8] IS NOT NULL THEN"
    "    ms := ms - (m[8] || '1')::int*(m[9]::int*60+m[10]::int)*60000::bigint;"
    "   END IF;"
    "  END IF;"
    "  RETURN '01' || lpad(to_hex(ms # (1::bigint << 63)),16,'0');"
    " END $f$;"

    "CREATE OR REPLACE FUNCTION argil.argil_key(letter text, t text) RETURNS text"
    " IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $f$"
    " DECLARE v text := btrim(t,E' \\t\\n\\x0b\\f\\r'); k text;"
    " BEGIN"
    "  IF v IS NULL OR v = '' THEN RETURN '00'; END IF;"
    "  IF letter = 't' THEN RETURN '01' || argil.argil_key_text(v); END IF;"
    "  k := CASE letter WHEN 'n' THEN argil.argil_key_number(v)"
    "   WHEN 'd' THEN argil.argil_key_time(v)"
    "   WHEN 'b' THEN CASE v WHEN 'true' THEN '0101' WHEN 'false' THEN '0100' END END;"
    "  RETURN coalesce(k,'02' || argil.argil_key_text(v));"
    " END $f$;"

    "CREATE OR REPLACE FUNCTION argil.argil_sort(spec text, VARIADIC cols text[]) RETURNS bytea"
    " IMMUTABLE PARALLEL SAFE COST 2000 LANGUAGE plpgsql AS $f$"
    " DECLARE k text := ''; part text;"
    " BEGIN"
    "  FOR i IN 1..cardinality(cols) LOOP"
    "   part := argil.argil_key(substr(spec,2*i,1),cols[i]);"
    "   IF substr(spec,2*i+1,1) = '-' THEN"
    "    part := translate(part,'0123456789abcdef','fedcba9876543210');"
    "   END IF;"
    "   k := k || part;"
    "  END LOOP;"
    "  RETURN decode(k,'hex');"
    " END $f$;";

char *pg_functions(struct arena *arena)
{
    struct buf sql = BUF_INIT;
    put_fold(&sql);
    buf_str(&sql, sort_functions);
    char *out = arena_strdup(arena, buf_text(&sql));
    buf_free(&sql);
    return out;
}
