/* test_standard.c - the standard objects against describes recorded from real
 * orgs.
 *
 * With the recordings at hand (ARGIL_FIXTURES) every attribute of every
 * standard field is compared. Without them the digests in
 * tests/localorg/org/shapes.txt stand in; ARGIL_WRITE_SHAPES=1 writes that file
 * anew, to be done only when the comparison passes. */
#include "base/json.h"
#include "base/map.h"
#include "base/str.h"
#include "localorg/org/describe.h"
#include "localorg/org/standard.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena *arena;
static struct schema *schema;
static struct err err;

static void open_schema(void)
{
    arena = arena_new();
    schema = schema_new();
    err_clear(&err);
    CHECK_OK(schema_add_standard(schema, &err), &err);
}

static void close_schema(void)
{
    schema_free(schema);
    arena_free(arena);
    schema = NULL;
}

EACH_TEST(open_schema, close_schema)

static const struct json *describe_of(const char *object)
{
    struct buf out = BUF_INIT;
    struct jw w;
    struct describe_options options = {
        .version = "59.0", .base_url = "https://local.my.salesforce.com", .schema = schema};
    jw_init(&w, &out);
    const struct sobject *found = schema_find(schema, object);
    CHECK(found != NULL);
    schema_describe_json(&w, found, &options);
    const struct json *json = json_parse(arena, buf_text(&out), out.len, &err);
    buf_free(&out);
    CHECK_GOT(json, &err);
    return json;
}

static const struct json *fixture(const char *name)
{
    const char *root = getenv("ARGIL_FIXTURES");
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", root ? root : "../shared/fixtures", name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    struct buf text = BUF_INIT;
    char chunk[65536];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        buf_append(&text, chunk, n);
    fclose(file);
    const struct json *json = json_parse(arena, buf_text(&text), text.len, &err);
    buf_free(&text);
    CHECK_GOT(json, &err);
    return json;
}

static const char *text_of(const struct json *value)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    if (value)
        jw_value(&w, value);
    const char *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}

static const struct json *named(const struct json *list, const char *name)
{
    json_each(item, list) {
        if (text_eq(json_get_text(item, "name"), name))
            return item;
    }
    return NULL;
}

static const char *keys_of(const struct json *object)
{
    struct buf out = BUF_INIT;
    json_each(member, object) {
        buf_str(&out, out.len ? " " : "");
        buf_str(&out, member->key);
    }
    const char *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}

/* --- against recordings --- */

/* Where our org differs on purpose from the org that was recorded. */
static bool differs_on_purpose(const char *object, const char *field, const char *attribute)
{
    static const char *const known[][3] = {
        /* Field service and loyalty objects that a plain org lacks. */
        {"Event", "WhatId", "referenceTo"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_eq(known[i][0], object) && text_eq(known[i][1], field) &&
            text_eq(known[i][2], attribute))
            return true;
    return text_eq(attribute, "inlineHelpText"); /* prose is not ours to repeat */
}

static bool is_custom(const struct json *field)
{
    const char *name = json_get_text(field, "name");
    return json_get_bool(field, "custom", false) || text_ends(name, "__c");
}

static int compare_field(const char *object, const struct json *theirs, const struct json *ours)
{
    int differences = 0;
    const char *name = json_get_text(theirs, "name");
    if (!ours) {
        printf("%s lacks %s\n", object, name);
        return 1;
    }
    json_each(attribute, theirs) {
        const char *a = text_of(attribute), *b = text_of(json_get(ours, attribute->key));
        if (text_eq(a, b) || differs_on_purpose(object, name, attribute->key))
            continue;
        printf("%s.%s %s: recorded %.80s, ours %.80s\n", object, name, attribute->key, a, b);
        differences++;
    }
    return differences;
}

static int compare_fields(const char *object, const struct json *theirs, const struct json *ours)
{
    int differences = 0;
    json_each(field, json_get(theirs, "fields")) {
        if (!is_custom(field))
            differences += compare_field(
                object, field, named(json_get(ours, "fields"), json_get_text(field, "name")));
    }
    return differences;
}

/* Object flags, labels, scopes; lists of their own and urls are looked at elsewhere. */
static int compare_object(const char *object, const struct json *theirs, const struct json *ours)
{
    static const char *const apart[] = {"fields", "childRelationships", "recordTypeInfos", "urls"};
    int differences = 0;
    json_each(member, theirs) {
        bool skip = false;
        for (size_t i = 0; i < 4; i++)
            skip |= text_eq(member->key, apart[i]);
        const char *a = text_of(member), *b = text_of(json_get(ours, member->key));
        if (skip || text_eq(a, b))
            continue;
        printf("%s %s: recorded %.80s, ours %.80s\n", object, member->key, a, b);
        differences++;
    }
    return differences;
}

/* Every child relationship we list is one the recording has, with the same facts. */
static int compare_children(const char *object, const struct json *theirs, const struct json *ours)
{
    int differences = 0;
    json_each(child, json_get(ours, "childRelationships")) {
        const char *field = json_get_text(child, "field");
        const char *from = json_get_text(child, "childSObject");
        json_each(other, json_get(theirs, "childRelationships")) {
            if (!text_eq(json_get_text(other, "field"), field) ||
                !text_eq(json_get_text(other, "childSObject"), from) ||
                text_eq(text_of(child), text_of(other)))
                continue;
            printf("%s child %s.%s: recorded %s, ours %s\n", object, from, field, text_of(other),
                   text_of(child));
            differences++;
        }
    }
    return differences;
}

static const char *const recorded[] = {
    "Account", "Contact", "Lead", "Opportunity", "Case", "Event", "OpportunityContactRole"};

TEST(standard, fields_are_those_of_recorded_orgs)
{
    int differences = 0;
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        char path[128];
        snprintf(path, sizeof path, "cumulusci/%s_describe.json", recorded[i]);
        const struct json *theirs = fixture(path);
        if (!theirs)
            return; /* the digests are all there is */
        const struct json *ours = describe_of(recorded[i]);
        differences += compare_fields(recorded[i], theirs, ours);
        differences += compare_object(recorded[i], theirs, ours);
        differences += compare_children(recorded[i], theirs, ours);
    }
    CHECK_INT(differences, 0);
}

TEST(standard, older_recordings_agree_on_what_a_field_is)
{
    static const char *const objects[] = {"Campaign", "Task", "User"};
    static const char *const attributes[] = {"type",       "length",     "nillable",
                                             "createable", "updateable", "relationshipName",
                                             "soapType",   "precision",  "scale"};
    int differences = 0;
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "derived-normalized/%s_describe.NORMALIZED.json", objects[i]);
        const struct json *theirs = fixture(path);
        if (!theirs)
            return;
        const struct json *ours = describe_of(objects[i]);
        json_each(field, json_get(theirs, "fields")) {
            const char *name = json_get_text(field, "name");
            const struct json *mine = named(json_get(ours, "fields"), name);
            if (is_custom(field) || (text_eq(objects[i], "User") && text_eq(name, "AccountId")))
                continue;
            CHECK(mine != NULL);
            for (size_t a = 0; a < sizeof attributes / sizeof *attributes; a++) {
                const char *is = text_of(json_get(mine, attributes[a]));
                const char *was = text_of(json_get(field, attributes[a]));
                if (text_eq(is, was))
                    continue;
                printf("%s.%s %s: recorded %s, ours %s\n", objects[i], name, attributes[a], was,
                       is);
                differences++;
            }
        }
    }
    CHECK_INT(differences, 0);
}

TEST(standard, keys_come_in_the_order_of_real_answers)
{
    const struct json *theirs = fixture("cumulusci/Contact_describe.json");
    if (!theirs)
        return;
    const struct json *ours = describe_of("Contact");
    CHECK_STR(keys_of(ours), keys_of(theirs));
    CHECK_STR(keys_of(json_get(ours, "urls")), keys_of(json_get(theirs, "urls")));
    static const char *const lists[] = {"fields", "childRelationships", "recordTypeInfos",
                                        "supportedScopes"};
    for (size_t i = 0; i < 4; i++)
        CHECK_STR(keys_of(json_at(json_get(ours, lists[i]), 0)),
                  keys_of(json_at(json_get(theirs, lists[i]), 0)));
    const struct json *picklist =
        json_get(named(json_get(ours, "fields"), "LeadSource"), "picklistValues");
    CHECK_STR(keys_of(json_at(picklist, 0)), "active defaultValue label validFor value");
}

TEST(standard, global_describe_agrees_with_a_recording)
{
    const struct json *theirs = fixture("cumulusci/Global_describe.json");
    if (!theirs)
        return;
    struct buf out = BUF_INIT;
    struct jw w;
    struct describe_options options = {.version = "52.0"};
    jw_init(&w, &out);
    schema_describe_global(&w, schema, &options);
    const struct json *ours = json_parse(arena, buf_text(&out), out.len, &err);
    buf_free(&out);
    CHECK_GOT(ours, &err);
    CHECK_STR(keys_of(ours), keys_of(theirs));
    int seen = 0;
    json_each(entry, json_get(theirs, "sobjects")) {
        const char *name = json_get_text(entry, "name");
        const struct json *mine = named(json_get(ours, "sobjects"), name);
        /* The recording's Event and Lead were put together by hand. */
        if (!mine || text_eq(name, "Event") || text_eq(name, "Lead"))
            continue;
        CHECK_STR(text_of(mine), text_of(entry));
        seen++;
    }
    CHECK(seen >= 10);
}

/* --- digests, for when there is nothing to compare with --- */

/* All facts of an object's fields, one line an attribute. */
static void digest_of(const char *object, char out[65])
{
    struct buf text = BUF_INIT;
    json_each(field, json_get(describe_of(object), "fields")) {
        json_each(attribute, field) {
            buf_printf(&text, "%s %s %s\n", json_get_text(field, "name"), attribute->key,
                       text_of(attribute));
        }
    }
    sha256_hex(buf_text(&text), text.len, out);
    buf_free(&text);
}

static void shapes_write(struct buf *out)
{
    buf_str(out, "# Digests of the standard fields that were compared with recordings of real\n"
                 "# orgs, and the keys of a describe. Made by test_standard.c.\n");
    const struct json *contact = describe_of("Contact");
    buf_printf(out, "object %s\n", keys_of(contact));
    buf_printf(out, "field %s\n", keys_of(json_at(json_get(contact, "fields"), 0)));
    buf_printf(out, "child %s\n", keys_of(json_at(json_get(contact, "childRelationships"), 0)));
    buf_printf(out, "record_type %s\n", keys_of(json_at(json_get(contact, "recordTypeInfos"), 0)));
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        char digest[65];
        digest_of(recorded[i], digest);
        buf_printf(out, "%s %zu %s\n", recorded[i], schema_find(schema, recorded[i])->field_count,
                   digest);
    }
}

TEST(standard, shapes_are_as_written_down)
{
    const char *path = getenv("ARGIL_SHAPES");
    if (!path)
        path = "tests/localorg/org/shapes.txt";
    struct buf now = BUF_INIT, then = BUF_INIT;
    shapes_write(&now);
    if (getenv("ARGIL_WRITE_SHAPES")) {
        FILE *file = fopen(path, "w");
        CHECK(file != NULL);
        fwrite(now.data, 1, now.len, file);
        fclose(file);
    }
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        buf_append(&then, chunk, n);
    fclose(file);
    CHECK_STR(buf_text(&now), buf_text(&then));
    buf_free(&now);
    buf_free(&then);
}

/* --- the text form --- */

static enum status keep_text(void *ctx, const struct json *describe, struct err *unused)
{
    *(const char **)ctx = text_of(describe);
    return OK;
}

static enum status read_text(const char *text, const char **json)
{
    return standard_read("Thing__c.sobject", text, strlen(text), keep_text, json, &err);
}

TEST(standard, a_field_line_says_only_what_differs)
{
    const char *json = "";
    CHECK_OK(
        read_text("object Thing__c\nlabel Thing\nplural Things\n\n"
                  "Color__c  picklist(40) \"Colour\" restricted values ratings\n"
                  "Size__c   picklist(40) \"Size\"\n    | Small | *Medium = Middling | !Large\n"
                  "Parent__c reference(Account,Contact) \"Parent\" as Parent__r +externalId\n",
                  &json),
        &err);
    const struct json *fields = json_get(json_parse(arena, json, strlen(json), &err), "fields");
    CHECK_STR(json_get_text(json_path(fields, "[0].picklistValues[1]"), "value"), "Warm");
    CHECK_STR(json_get_text(json_at(fields, 1), "defaultValue"), "Medium");
    CHECK_STR(json_get_text(json_path(fields, "[1].picklistValues[1]"), "label"), "Middling");
    CHECK(!json_get_bool(json_path(fields, "[1].picklistValues[2]"), "active", true));
    CHECK(json_get_bool(json_at(fields, 2), "polymorphicForeignKey", false));
    CHECK_STR(json_get_text(json_at(fields, 2), "relationshipName"), "Parent__r");
}

TEST(standard, mistakes_are_named_with_their_line)
{
    const char *json = "";
    CHECK_FAIL(read_text("object A\n\nX string(10) \"X\" requird\n", &json), &err, ERR_INVALID);
    CHECK_STR(err.where, "Thing__c.sobject:3");
    CHECK_FAIL(read_text("object A\n\nX strin(10) \"X\"\n", &json), &err, ERR_INVALID);
    CHECK_FAIL(read_text("object A\n\nX string(10 \"X\"\n", &json), &err, ERR_INVALID);
    CHECK_FAIL(read_text("object A\n\nX string(10)\n", &json), &err, ERR_INVALID);
    CHECK_FAIL(read_text("object A\n\nX string(10) \"X\" +shiny\n", &json), &err, ERR_INVALID);
    CHECK_FAIL(read_text("object A\n\nX string(10) \"X\" values nowhere\n", &json), &err,
               ERR_INVALID);
    CHECK_FAIL(read_text("object A\n\nuse nothing\n", &json), &err, ERR_INVALID);
    CHECK_FAIL(read_text("object A\nsize 3\n\n", &json), &err, ERR_INVALID);
    CHECK_FAIL(read_text("object A\n", &json), &err, ERR_INVALID);
}

static bool hide_phone(void *ctx, const struct field *field)
{
    return field->type != FT_PHONE;
}

static int read_only(void *ctx, const struct field *field)
{
    return 0;
}

TEST(describe, shows_a_user_only_what_they_may_see)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    struct describe_options options = {
        .version = "59.0", .may = hide_phone, .field_access = read_only};
    schema_describe_json(&w, schema_find(schema, "Account"), &options);
    CHECK_LACKS(buf_text(&out), "\"type\":\"phone\"");
    CHECK_LACKS(buf_text(&out), "\"updateable\":true,\"writeRequiresMasterRead\"");
    buf_free(&out);
}
