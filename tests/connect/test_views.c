/* test_views.c - what a query will give, from its text. Guards connect/salesforce/soql_shape.c. */
#include "connect/connect_views.h"
#include "support/check.h"

#include "base/buf.h"
#include "base/str.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

static struct err err;

/* "Account: Name Owner.Alias expr0", with + before the object of an aggregate. */
static const char *shape(struct arena *arena, const char *soql)
{
    struct crm_query_shape shape;
    struct buf out = BUF_INIT;
    err_clear(&err);
    if (salesforce_connector.views->query_shape(arena, soql, &shape, &err) != OK)
        return arena_printf(arena, "%s | %s", err.message, err.hint);
    buf_printf(&out, "%s%s:", shape.aggregate ? "+" : "", shape.object);
    for (size_t i = 0; i < shape.column_count; i++)
        buf_printf(&out, " %s", shape.columns[i].name);
    const char *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}

TEST(shape, names_what_records_will_have)
{
    static const struct {
        const char *soql, *wanted;
    } cases[] = {
        {"SELECT Id, Name FROM Account", "Account: Id Name"},
        {"  select\nId ,Owner.Profile.Name from Account where Name = 'SELECT, FROM'",
         "Account: Id Owner.Profile.Name"},
        {"SELECT Id, (SELECT Id, Subject FROM Tasks WHERE Subject = ') FROM') FROM Contact c",
         "Contact: Id Tasks"},
        {"SELECT toLabel(Status), FORMAT(Amount) f FROM Lead", "Lead: Status f"},
        {"SELECT Industry ind, COUNT(Id), SUM(Amount__c) total, MAX(CreatedDate) FROM A__c GROUP "
         "BY "
         "Industry",
         "+A__c: ind expr0 total expr1"},
        {"SELECT Account.Name, COUNT(Id) n FROM Contact GROUP BY Account.Name", "+Contact: Name n"},
        {"SELECT COUNT(Id) FROM Account", "+Account: expr0"},
        {"SELECT TYPEOF What WHEN Account THEN Phone ELSE Name END, Id FROM Event",
         "Event: What Id"},
        {"SELECT Fromage__c, Id FROM Cheese__c", "Cheese__c: Fromage__c Id"},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(shape(arena, cases[i].soql), cases[i].wanted);
    arena_free(arena);
}

TEST(shape, says_what_cannot_be_a_table)
{
    static const struct {
        const char *soql, *wanted;
    } cases[] = {
        {"DELETE FROM Account", "a query is SELECT fields FROM object"},
        {"SELECT * FROM Account", "SOQL has no * | name the fields"},
        {"SELECT COUNT() FROM Account", "COUNT() gives no rows | COUNT(Id)"},
        {"SELECT FIELDS(ALL) FROM Account", "FIELDS() does not say which columns"},
        {"SELECT Id, , Name FROM Account", "an empty place"},
        {"SELECT Id, id FROM Account", "names `id` twice"},
        {"SELECT COUNT(Id FROM Account", "a query is SELECT"},
        {"SELECT Id FROM ", "names no object"},
        {"SELECT 'x' FROM Account", "which is no field"},
        {"", "a query is"},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_CONTAINS(shape(arena, cases[i].soql), cases[i].wanted);
    arena_free(arena);
}
