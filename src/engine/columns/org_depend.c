/* org_depend.c - a dependent picklist holds only what its controlling field allows.
 *
 * Salesforce's forms offer just the allowed pairs, its API takes any pair (field reports
 * agree; State and Country picklists alone are enforced). A pair that no form would offer
 * is refused here, unless the column says dependent_picklists: allow. The controlling
 * value is what the write itself gives, else what the live record holds; where neither is
 * known (a new record that leaves it to a default), nothing is judged.
 *
 * validFor of a choice: base64 of bits, first bit first, one for each choice of the
 * controlling picklist in describe's order; a controlling checkbox has two, unticked and
 * ticked. */
#include "engine/columns/org_write.h"

#include "base/str.h"

#include <string.h>
#include <strings.h>

const char *const dependent_words[] = {"refuse", "allow", NULL};

static const struct crm_field *controller_of(const struct write_column *w,
                                             const struct write_field *field)
{
    return field->parent || !field->field->controller || w->any_pair
               ? NULL
               : crm_object_field(w->object, field->field->controller);
}

const char *write_controller(const struct write_column *w, const struct write_field *field)
{
    const struct crm_field *controller = controller_of(w, field);
    return controller ? controller->name : NULL;
}

/* The controlling value that the record will hold; false: it is not known. */
static bool controlling_value(const struct write_column *w, size_t i,
                              const struct crm_field *controller, const struct json *live,
                              const struct json **out)
{
    struct err ignored = {0};
    const char *given = NULL;
    for (size_t j = 0; j < w->field_count; j++)
        if (w->fields[j].field == controller)
            given = w->intents[i].values[j];
    *out = given ? json_parse(w->batch->arena, given, strlen(given), &ignored)
                 : json_get_nocase(live, controller->name);
    return *out != NULL;
}

/* Which bit stands for this controlling value; -1: it is none of the listed. */
static int bit_of(const struct crm_field *controller, const struct json *value)
{
    if (json_is(value, JSON_TRUE) || json_is(value, JSON_FALSE))
        return json_is(value, JSON_TRUE);
    for (size_t k = 0; k < controller->choice_count; k++)
        if (text_eq_nocase(controller->choices[k].value, json_text(value)))
            return (int)k;
    return -1;
}

static bool allows(struct arena *arena, const struct crm_choice *choice, int bit)
{
    size_t len = 0;
    if (!choice->valid_for)
        return true;
    const unsigned char *bits =
        base64_decode(arena, choice->valid_for, strlen(choice->valid_for), &len);
    if (!bits) /* not what describe writes: nothing to judge by */
        return true;
    return (size_t)bit / 8 < len && (bits[bit / 8] >> (7 - bit % 8) & 1);
}

/* The part of the value (several of a multi-select picklist) that the controlling value
 * does not allow; NULL = it allows all. */
static const char *forbidden(struct arena *arena, const struct crm_field *field, const char *value,
                             int bit)
{
    for (const char *at = value; at;) {
        const char *end = strchr(at, ';');
        size_t len = end ? (size_t)(end - at) : strlen(at);
        for (size_t k = 0; k < field->choice_count; k++) {
            const struct crm_choice *choice = &field->choices[k];
            if (strlen(choice->value) == len && strncasecmp(choice->value, at, len) == 0 &&
                !allows(arena, choice, bit))
                return choice->value;
        }
        at = end ? end + 1 : NULL;
    }
    return NULL;
}

static void hint_allowed(struct write_column *w, const struct crm_field *field, int bit,
                         struct err *err)
{
    struct buf hint = BUF_UP_TO(300);
    size_t count = 0;
    for (size_t k = 0; k < field->choice_count && hint.len < 200; k++)
        if (field->choices[k].active && allows(w->batch->arena, &field->choices[k], bit))
            buf_printf(&hint, "%s%.60s", count++ ? ", " : "", field->choices[k].value);
    err_hint(err, "%s%s%s. Or let the column say dependent_picklists: allow.",
             count ? "It allows: " : "It allows no value of that field",
             buf_text(&hint), hint.len >= 200 ? ", …" : "");
    buf_free(&hint);
}

static bool refuse(struct write_column *w, size_t i, const struct crm_field *field,
                   const struct crm_field *controller, const char *value, const char *held, int bit)
{
    struct err err = {0};
    err_set(&err, "refused.dependent_picklist", "%s cannot be \"%.60s\" while %s is %s%.60s%s.",
            field->label, value, controller->label, held ? "\"" : "", held ? held : "empty",
            held ? "\"" : "");
    err_where(&err, "%s.%s", w->object->name, field->name);
    err_cause(&err, "%s depends on %s; the API would take the pair, no form offers it.", field->name,
              controller->name);
    if (held)
        hint_allowed(w, field, bit, &err);
    else
        err_hint(&err, "Write %s, too. Or let the column say dependent_picklists: allow.",
                 controller->name);
    batch_error(w->batch, i, CELL_REFUSED, &err);
    return false;
}

static bool field_fits(struct write_column *w, size_t i, const struct write_field *field,
                       const char *wanted, const struct json *live)
{
    struct err ignored = {0};
    const struct crm_field *controller = controller_of(w, field);
    const struct json *held = NULL;
    const struct json *value =
        controller ? json_parse(w->batch->arena, wanted, strlen(wanted), &ignored) : NULL;
    if (!json_text(value) || !*json_text(value) ||
        !controlling_value(w, i, controller, live, &held))
        return true;
    if (json_is_null(held) || (json_is(held, JSON_STRING) && held->len == 0))
        return refuse(w, i, field->field, controller, json_text(value), NULL, 0);
    int bit = bit_of(controller, held);
    const char *bad =
        bit < 0 ? NULL : forbidden(w->batch->arena, field->field, json_text(value), bit);
    if (!bad)
        return true;
    const char *held_text = json_is(held, JSON_TRUE)    ? "ticked"
                            : json_is(held, JSON_FALSE) ? "not ticked"
                                                        : json_text(held);
    return refuse(w, i, field->field, controller, bad, held_text, bit);
}

bool write_pairs_fit(struct write_column *w, size_t i, const struct json *live)
{
    for (size_t j = 0; j < w->field_count; j++)
        if (w->intents[i].values[j] &&
            !field_fits(w, i, &w->fields[j], w->intents[i].values[j], live))
            return false;
    return true;
}
