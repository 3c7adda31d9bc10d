/* test_xml.c - XML to the tree and back, and what is refused. */
#include "localorg/xml/xml.h"

#include "base/str.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct err err;

static void before(void)
{
    arena = arena_new();
    err_clear(&err);
}

static void after(void)
{
    arena_free(arena);
}

EACH_TEST(before, after)

static const struct json *read_text(const char *text)
{
    return xml_read(arena, text, strlen(text), &err);
}

static const char *written(const struct json *value)
{
    struct buf out = BUF_INIT;
    xml_value(&out, value->key, value);
    const char *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}

TEST(xml, elements_become_members_in_order)
{
    const struct json *root = read_text(
        "<?xml version='1.0'?>\n<e:Envelope xmlns:e='urn:e' xmlns:xsi='urn:xsi'>\n <e:Body>"
        "<create><sObjects xsi:type='sf:Account'><Name>A &amp; B</Name><Phone xsi:nil='true'/>"
        "</sObjects><sObjects><Name><![CDATA[<x>]]></Name><Site/></sObjects></create></e:Body>\n"
        "<!-- a comment --></e:Envelope>");
    CHECK_GOT(root, &err);
    CHECK_STR(root->key, "Envelope");
    const struct json *create = json_path(root, "Body.create");
    const struct json *first = xml_next(create, "sObjects", NULL);
    CHECK_STR(json_get_text(first, "@type"), "Account");
    CHECK_STR(json_get_text(first, "Name"), "A & B");
    CHECK(json_is(json_get(first, "Phone"), JSON_NULL));
    const struct json *second = xml_next(create, "sObjects", first);
    CHECK_STR(json_get_text(second, "Name"), "<x>");
    CHECK_STR(json_get_text(second, "Site"), "");
    CHECK(xml_next(create, "sObjects", second) == NULL);
    int count = 0;
    xml_each(each, create, "sObjects")
        count += each == first || each == second;
    CHECK_INT(count, 2);
}

TEST(xml, repeated_elements_and_arrays_are_the_same)
{
    static const char text[] = "{\"a\":[\"1\",\"2\"],\"b\":\"3\"}";
    const struct json *json = json_parse(arena, text, sizeof text - 1, &err);
    int count = 0;
    xml_each(each, json, "a")
        count++;
    CHECK_INT(count, 2);
    CHECK_STR(json_text(xml_next(json, "b", NULL)), "3");
    CHECK(xml_next(json, "c", NULL) == NULL);
    CHECK(xml_next(NULL, "c", NULL) == NULL);
}

TEST(xml, writing_escapes_and_reads_back)
{
    const char *text = "<r><a>x &lt; &quot;y&quot; &amp; z</a><n xsi:nil=\"true\"/><o><t>1</t></o></r>";
    const struct json *root = read_text("<r xmlns:xsi='urn:i'><a>x &lt; \"y\" &amp; z</a>"
                                        "<n xsi:nil='1'/><o><t>1</t></o></r>");
    CHECK_GOT(root, &err);
    CHECK_STR(written(root), text);
    struct buf out = BUF_INIT;
    xml_text(&out, "a", "\x01\t\r");
    CHECK_STR(buf_text(&out), "<a> \t&#xD;</a>");
    buf_free(&out);
}

static void refused(const char *text, const char *why)
{
    err_clear(&err);
    CHECK(read_text(text) == NULL);
    CHECK_STR(err.code, ERR_XML_SYNTAX);
    CHECK_CONTAINS(err.message, why);
}

TEST(xml, what_is_not_plain_xml_is_refused)
{
    refused("", "empty");
    refused("nonsense", "");
    refused("<a><b></a>", "");
    refused("<a>&nothing;</a>", "");
    refused("<a/><b/>", "");
    refused("<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", "document type");
    refused("<!DOCTYPE a SYSTEM \"http://127.0.0.1:9/x.dtd\"><a/>", "document type");
    struct buf deep = BUF_INIT;
    for (int i = 0; i < 100; i++)
        buf_str(&deep, "<d>");
    refused(buf_text(&deep), "too deeply");
    buf_free(&deep);
    CHECK_CONTAINS(err.where, "line");
}
