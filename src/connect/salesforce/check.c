/* check.c - one value against describe, before anything is sent.
 *
 * What Salesforce would refuse is refused here, with the field's label, the
 * value and the limit; what is plainly meant is repaired (a date's zone, a
 * label in place of an API value, 15 to 18 characters). What cannot be known
 * here (validation rules, record types) is left to Salesforce. Numbers and
 * times are in check_number.c and check_time.c, choices in check_choice.c.
 *
 * Null and blank both empty the field: Salesforce stores no empty text. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

const char *sf_json_text(struct arena *arena, const char *text, size_t len)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_text_n(&w, text, len);
    const char *json = arena_strndup(arena, out.data, out.len);
    buf_free(&out);
    return json;
}

enum crm_check sf_refuse(const struct sf_checking *c, const char *code, const char *why,
                         const char *hint)
{
    size_t cut = utf8_cut(c->text, c->len, 40);
    err_set(c->err, code, "%s %s: \"%.*s%s\"", c->field->label, why, (int)cut, c->text,
            cut < c->len ? "…" : "");
    err_where(c->err, "%s.%s", c->object->name, c->field->name);
    if (hint)
        err_hint(c->err, "%s", hint);
    return CRM_CHECK_REFUSED;
}

/* ---------------------------------------------------------- may it be written */

static enum crm_check not_writable(const struct sf_checking *c, enum op_kind kind)
{
    const struct crm_field *f = c->field;
    const char *user =
        c->sf->connection.username ? c->sf->connection.username : "the connected user";
    err_set(c->err, "refused.not_writable", "%s (%s) cannot be %s by %s", f->label, f->name,
            kind == OP_CREATE ? "set on a new record" : "changed", user);
    err_where(c->err, "%s.%s", c->object->name, f->name);
    if (f->calculated) {
        err_cause(c->err, "It is a formula or roll-up: Salesforce computes it.");
        err_hint(c->err, "Write to the fields it is computed from.");
    } else if (text_eq(f->type, "address") || text_eq(f->type, "location")) {
        err_cause(c->err, "Compound fields are read-only.");
        err_hint(c->err, "Write its parts: street, city, postal code, state, country; or latitude "
                         "and longitude.");
    } else if (text_eq(f->type, "id")) {
        err_hint(c->err, "Take it out of the mapping; updates name the record by the column's id.");
    } else if (f->createable || f->updateable) {
        err_cause(c->err, "Salesforce lets it be set only %s.",
                  f->createable ? "on a new record" : "later");
        err_hint(c->err, "Use a %s column for it.", f->createable ? "create" : "update");
    } else {
        err_cause(
            c->err,
            "Field-level security gives read access only, or the field is kept by Salesforce.");
        err_hint(c->err,
                 "Setup, Permission Sets, a set assigned to %s, Object Settings, %s, Field "
                 "Permissions, %s: tick Edit Access. Or take it out of the mapping.",
                 user, c->object->name, f->name);
    }
    return CRM_CHECK_REFUSED;
}

static bool writable(const struct crm_field *field, enum op_kind kind)
{
    switch (kind) {
    case OP_CREATE:
        return field->createable;
    case OP_UPDATE:
        return field->updateable;
    case OP_UPSERT:
        return field->createable || field->updateable;
    case OP_DELETE:
    case OP_CONVERT:
        break; /* they carry no field values */
    }
    return false;
}

static enum crm_check check_nothing(const struct sf_checking *c, enum op_kind kind, bool null,
                                    const char **out)
{
    const struct crm_field *f = c->field;
    if (sf_field_kind(f) == SF_BOOLEAN) {
        err_set(c->err, "refused.bad_boolean", "%s: a checkbox is true or false, never empty",
                f->label);
        err_where(c->err, "%s.%s", c->object->name, f->name);
        err_hint(c->err, "Give true or false, or leave the field out for empty rows.");
        return CRM_CHECK_REFUSED;
    }
    if (!f->nillable && !(f->defaulted_on_create && kind != OP_UPDATE)) {
        err_set(c->err, "refused.required", "%s is required and the row has no value for it",
                f->label);
        err_where(c->err, "%s.%s", c->object->name, f->name);
        err_hint(
            c->err,
            "Give every row a value, for example with a formula: {{%s}} || \"unknown\". Or let "
            "the column skip such rows (only_run_if).",
            f->label);
        return CRM_CHECK_REFUSED;
    }
    *out = "null";
    return null ? CRM_CHECK_OK : CRM_CHECK_REPAIRED;
}

/* ------------------------------------------------------------------ texts */

static bool email_char(unsigned char ch)
{
    return ch > 127 || isalnum(ch) || strchr("!#$%&'*+-/=?^_`{|}~.", ch);
}

static bool email_shape(const char *text, size_t len)
{
    const char *at = memchr(text, '@', len);
    size_t local = at ? (size_t)(at - text) : 0, last = 0;
    if (!at || local == 0 || local > 64 || text[0] == '.' || at[-1] == '.')
        return false;
    for (size_t i = 0; i < local; i++)
        if (!email_char((unsigned char)text[i]) || (text[i] == '.' && text[i + 1] == '.'))
            return false;
    const char *host = at + 1;
    size_t n = len - local - 1;
    if (n < 3 || host[0] == '.' || host[0] == '-' || host[n - 1] == '.' || host[n - 1] == '-')
        return false;
    bool dot = false;
    for (size_t i = 0; i < n; i++) {
        unsigned char ch = (unsigned char)host[i];
        if (!(ch > 127 || isalnum(ch) || ch == '-' || ch == '.') ||
            (ch == '.' && host[i + 1] == '.'))
            return false;
        if (ch == '.')
            dot = true, last = i;
    }
    return dot && n - last - 1 >= 2;
}

static enum crm_check check_length(const struct sf_checking *c)
{
    size_t units = utf16_length(c->text, c->len);
    char why[128];
    if (c->field->length <= 0 || units <= (size_t)c->field->length)
        return CRM_CHECK_OK;
    snprintf(why, sizeof why, "has %zu characters, the field holds %d", units, c->field->length);
    return sf_refuse(
        c, "refused.too_long", why,
        "Shorten it with a formula, for example {{Column}}.slice(0, limit), or have the "
        "field lengthened in Setup, Object Manager.");
}

static enum crm_check check_text(struct sf_checking *c, struct value whole, const char **out)
{
    const char *type = c->field->type;
    bool single = text_eq(type, "email") || text_eq(type, "url") || text_eq(type, "phone");
    if (!single) { /* spaces at the ends are the user's; Salesforce trims them itself */
        c->text = whole.text;
        c->len = whole.len;
    }
    if (!utf8_valid(c->text, c->len) || memchr(c->text, 0, c->len))
        return sf_refuse(
            c, "refused.bad_text", "holds bytes that are not text",
            "Read the source with the right encoding (UTF-8), or clean it with a formula.");
    if (check_length(c) != CRM_CHECK_OK)
        return CRM_CHECK_REFUSED;
    if (text_eq(type, "email") && !email_shape(c->text, c->len))
        return sf_refuse(c, "refused.bad_email", "is not an e-mail address",
                         "Correct it in the row, or leave it blank if there is none.");
    *out = sf_json_text(c->arena, c->text, c->len);
    return c->len == whole.len ? CRM_CHECK_OK : CRM_CHECK_REPAIRED;
}

/* -------------------------------------------------------------------- ids */

static bool id_points_well(const struct sf_checking *c, const char *id, const char **expected)
{
    const struct crm_field *f = c->field;
    const char *names = NULL;
    if (text_eq(f->type, "id")) {
        *expected = c->object->name;
        return !c->object->key_prefix || strncmp(c->object->key_prefix, id, 3) == 0;
    }
    const char *object = f->reference_count ? sf_object_of_prefix(c->sf, id) : NULL;
    if (!object) /* no target list, or a prefix the list of objects does not hold */
        return true;
    for (size_t i = 0; i < f->reference_count; i++) {
        if (text_eq_nocase(f->reference_to[i], object))
            return true;
        if (i < 5)
            names = names ? arena_printf(c->arena, "%s, %s", names, f->reference_to[i])
                          : f->reference_to[i];
    }
    *expected = names;
    return false;
}

enum crm_check sf_check_id(const struct sf_checking *c, const char **out)
{
    char id[19], why[300];
    const char *expected = NULL;
    if (!sf_id(c->text, c->len, id) && !sf_id_unfold(c->text, c->len, id))
        return sf_refuse(
            c, "refused.bad_id",
            c->len == 18 ? "is not a Salesforce id: its check letters are wrong"
                         : "is not a Salesforce id",
            "An id has 15 or 18 letters and digits and keeps its capitals. To find the "
            "record by another value, use a lookup column and its Id.");
    if (!id_points_well(c, id, &expected)) {
        snprintf(why, sizeof why, "is not the id of a record of %.200s", expected);
        return sf_refuse(c, "refused.bad_id", why, "Check which column the value comes from.");
    }
    *out = sf_json_text(c->arena, id, 18);
    return c->len == 18 && memcmp(id, c->text, 18) == 0 ? CRM_CHECK_OK : CRM_CHECK_REPAIRED;
}

/* ------------------------------------------------------------------- door */

enum crm_check sf_check(struct crm_session *session, const struct crm_object *object,
                        const struct crm_field *field, enum op_kind kind, struct value value,
                        struct arena *arena, const char **out, struct err *err)
{
    struct sf_checking c = {
        .sf = sf_of(session), .object = object, .field = field, .arena = arena, .err = err};
    const char *type = field->type;

    *out = NULL;
    if (!writable(field, kind) && !text_eq(type, "id"))
        return not_writable(&c, kind);
    struct str trimmed = str_trim((struct str){value.text ? value.text : "", value.len});
    if (trimmed.n == 0)
        return check_nothing(&c, kind, value.text == NULL, out);
    c.text = arena_strndup(arena, trimmed.p, trimmed.n);
    c.len = trimmed.n;
    switch (sf_field_kind(field)) {
    case SF_ID:
        return sf_check_id(&c, out);
    case SF_BOOLEAN:
        return sf_check_boolean(&c, out);
    case SF_NUMBER:
        return sf_check_number(&c, out);
    case SF_DATE:
        return sf_check_date(&c, out);
    case SF_DATETIME:
        return sf_check_datetime(&c, out);
    case SF_TIME:
        return sf_check_time(&c, out);
    case SF_COMPOUND:
        return not_writable(&c, kind);
    case SF_TEXT:
        break;
    }
    if (text_eq(type, "picklist") || (text_eq(type, "combobox") && field->choice_count))
        return sf_check_choice(&c, out);
    if (text_eq(type, "multipicklist"))
        return sf_check_choices(&c, out);
    return check_text(&c, value, out);
}
