/* test_standard.c - the standard objects against describes recorded from real
 * orgs.
 *
 * With the recordings at hand (ARGIL_FIXTURES) every attribute of every
 * standard field is compared. The keys and digests in
 * tests/localorg/org/shapes.txt are checked always; ARGIL_WRITE_SHAPES=1 writes
 * that file anew, to be done only when the comparison passes. */
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
    const char *root = getenv("ARGIL_FIXTURES"), *beside = getenv("ARGIL_FIXTURES_BESIDE");
    char path[1024];
    snprintf(path, sizeof path, "%s/%s",
             root     ? root
             : beside ? beside
                      : "../shared/fixtures",
             name);
    FILE *file = fopen(path, "rb");
    if (!file)
        SKIP("no recorded describes (ARGIL_FIXTURES or ../shared/fixtures): digests only");
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

typedef bool excused(const char *object, const char *field, const char *attribute);

static int compare_field(const char *object, const struct json *theirs, const struct json *ours,
                         excused *is_excused)
{
    int differences = 0;
    const char *name = json_get_text(theirs, "name");
    if (!ours) {
        printf("%s lacks %s\n", object, name);
        return 1;
    }
    json_each(attribute, theirs) {
        const char *a = text_of(attribute), *b = text_of(json_get(ours, attribute->key));
        if (text_eq(a, b) || is_excused(object, name, attribute->key))
            continue;
        printf("%s.%s %s: recorded %.80s, ours %.80s\n", object, name, attribute->key, a, b);
        differences++;
    }
    return differences;
}

static int compare_fields(const char *object, const struct json *theirs, const struct json *ours,
                          excused *is_excused)
{
    int differences = 0;
    json_each(field, json_get(theirs, "fields")) {
        if (!is_custom(field))
            differences += compare_field(
                object, field, named(json_get(ours, "fields"), json_get_text(field, "name")),
                is_excused);
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
        const struct json *ours = describe_of(recorded[i]);
        differences += compare_fields(recorded[i], theirs, ours, differs_on_purpose);
        differences += compare_object(recorded[i], theirs, ours);
        differences += compare_children(recorded[i], theirs, ours);
    }
    CHECK_INT(differences, 0);
}

/* Attributes whose value went with the version or the org, so that old recordings prove nothing. */
static bool moved_on(const char *object, const char *field, const char *attribute)
{
    static const char *const known[][3] = {
        {"Task", NULL, "defaultValue"},
        {"User", NULL, "defaultValue"},
        {"User", NULL, "defaultedOnCreate"},
        {"User", NULL, "permissionable"},
        {"Task", NULL, "picklistValues"},
        {"Lead", "Salutation", "picklistValues"},
        {"User", NULL, "picklistValues"},
        {"Task", NULL, "referenceTo"},
        {"User", "Email", "label"},
        {"User", "MobilePhone", "label"},
        {"User", "AccountId", NULL},
        {"Lead", "LeadSource", NULL},
        {"Lead", "Status", NULL},
        {"Lead", "Industry", NULL},
        {"Lead", "Rating", NULL},
        {"Contact", "LeadSource", NULL},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_eq(known[i][0], object) && (!known[i][1] || text_eq(known[i][1], field)) &&
            (!known[i][2] || text_eq(known[i][2], attribute)))
            return true;
    return text_eq(attribute, "inlineHelpText"); /* the words of that org's people */
}

/* What versions 29 to 42 said of a field is still so, as far as they had the attribute. */
TEST(standard, older_recordings_agree)
{
    static const char *const older[][2] = {{"Campaign", "grouparoo/Campaign_describe_v42.json"},
                                           {"Topic", "grouparoo/Topic_describe_v42.json"},
                                           {"Account", "grouparoo/Account_describe_v42.json"},
                                           {"Contact", "grouparoo/Contact_describe_v42.json"},
                                           {"Lead", "grouparoo/Lead_describe_v42.json"},
                                           {"Task", "swiftlysalesforce/DescribeTaskResult.json"},
                                           {"User", "force-toolkit-net/User_describe.json"}};
    int differences = 0;
    for (size_t i = 0; i < sizeof older / sizeof *older; i++)
        differences +=
            compare_fields(older[i][0], fixture(older[i][1]), describe_of(older[i][0]), moved_on);
    CHECK_INT(differences, 0);
}

TEST(standard, keys_come_in_the_order_of_real_answers)
{
    const struct json *theirs = fixture("cumulusci/Contact_describe.json");
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

/* --- digests, checked always --- */

/* All facts of an object's fields, one line an attribute. */
static void digest_of(const struct json *describe, char out[65])
{
    struct buf text = BUF_INIT;
    json_each(field, json_get(describe, "fields")) {
        json_each(attribute, field) {
            buf_printf(&text, "%s %s %s\n", json_get_text(field, "name"), attribute->key,
                       text_of(attribute));
        }
    }
    sha256_hex(buf_text(&text), text.len, out);
    buf_free(&text);
}

static const char *const parts[][2] = {{"field", "fields"},
                                       {"child", "childRelationships"},
                                       {"record_type", "recordTypeInfos"},
                                       {"scope", "supportedScopes"}};

static void shapes_write(struct buf *out)
{
    buf_str(out, "# Keys of a describe and of its parts, as recorded from real orgs, and of every\n"
                 "# standard object the number of fields and a digest of all their attributes.\n"
                 "# Made by test_standard.c.\n");
    const struct json *contact = describe_of("Contact");
    buf_printf(out, "object %s\n", keys_of(contact));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        buf_printf(out, "%s %s\n", parts[i][0],
                   keys_of(json_at(json_get(contact, parts[i][1]), 0)));
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        char digest[65];
        digest_of(describe_of(object->name), digest);
        buf_printf(out, "%s %zu %s\n", object->name, object->field_count, digest);
    }
}

static const char *shapes_path(void)
{
    const char *path = getenv("ARGIL_SHAPES");
    return path ? path : "tests/localorg/org/shapes.txt";
}

static const char *shapes_read(void)
{
    struct buf text = BUF_INIT;
    char chunk[4096];
    FILE *file = fopen(shapes_path(), "r");
    CHECK(file != NULL);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        buf_append(&text, chunk, n);
    fclose(file);
    const char *kept = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return kept;
}

/* The line of shapes.txt that begins with a word, without it. */
static const char *written_shape(const char *shapes, const char *word)
{
    const char *line = strstr(shapes, arena_printf(arena, "\n%s ", word));
    CHECK(line != NULL);
    line += strlen(word) + 2;
    return arena_strndup(arena, line, strcspn(line, "\n"));
}

TEST(standard, every_object_is_described_with_the_recorded_keys)
{
    const char *shapes = shapes_read();
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct json *describe = describe_of(schema_at(schema, i)->name);
        CHECK_STR(keys_of(describe), written_shape(shapes, "object"));
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            const char *wanted = written_shape(shapes, parts[p][0]);
            json_each(entry, json_get(describe, parts[p][1])) {
                CHECK_STR(keys_of(entry), wanted);
            }
        }
    }
}

TEST(standard, shapes_are_as_written_down)
{
    struct buf now = BUF_INIT;
    shapes_write(&now);
    if (getenv("ARGIL_WRITE_SHAPES")) {
        FILE *file = fopen(shapes_path(), "w");
        CHECK(file != NULL);
        fwrite(now.data, 1, now.len, file);
        fclose(file);
    }
    CHECK_STR(buf_text(&now), shapes_read());
    buf_free(&now);
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
