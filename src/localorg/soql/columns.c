/* columns.c - what the columns of a query are: the answer to columns=true.
 *
 * Undocumented by Salesforce; the `sf` command line asks for it to draw its
 * tables. Shape as recorded from a real org. */
#include "localorg/soql/soql.h"

#include "base/json.h"
#include "base/str.h"

static const char *apex_type(enum field_type type)
{
    switch (type) {
    case FT_ID:
    case FT_REFERENCE:
        return "Id";
    case FT_BOOLEAN:
        return "Boolean";
    case FT_INT:
        return "Integer";
    case FT_DOUBLE:
    case FT_CURRENCY:
    case FT_PERCENT:
        return "Double";
    case FT_DATE:
        return "Date";
    case FT_DATETIME:
        return "Datetime";
    case FT_TIME:
        return "Time";
    case FT_BASE64:
        return "Blob";
    case FT_ADDRESS:
        return "Address";
    case FT_LOCATION:
        return "Location";
    case FT_ANYTYPE:
        return "Object";
    default:
        return "String";
    }
}

static bool is_number(enum field_type type)
{
    return type == FT_INT || type == FT_DOUBLE || type == FT_CURRENCY || type == FT_PERCENT;
}

static void write_nodes(struct jw *w, const struct soql_node *nodes);

/* A column that is a value: keys in the order a real org gives them. */
static void write_column(struct jw *w, const struct soql_node *node)
{
    bool value = node->kind == SOQL_FIELD || node->kind == SOQL_COMPOUND;
    bool function = node->kind == SOQL_AGGREGATE, children = node->kind == SOQL_CHILDREN;
    bool parent = node->kind == SOQL_PARENT || node->kind == SOQL_TYPEOF;
    const struct field *field = value ? node->field : NULL;
    const char *type = apex_type(node->type);
    jw_object(w);
    jw_kv_bool(w, "aggregate", function || children);
    jw_kv_text(w, "apexType", value ? type : NULL);
    jw_kv_bool(w, "booleanType", value && node->type == FT_BOOLEAN);
    jw_kv_text(w, "columnName", node->name);
    jw_kv_bool(w, "custom", field && field->custom);
    jw_kv_text(w, "displayName", node->display ? node->display : node->name);
    jw_kv_text(w, "foreignKeyName", parent && node->field ? node->field->name : NULL);
    jw_kv_bool(w, "insertable", field && field->createable);
    jw_key(w, "joinColumns");
    write_nodes(w, children ? node->child->nodes : parent ? node->first : NULL);
    jw_kv_bool(w, "numberType", (value || function) && is_number(node->type));
    jw_kv_bool(w, "textType", value && text_eq(type, "String"));
    jw_kv_bool(w, "updatable", field && field->updateable);
    jw_end_object(w);
}

static void write_nodes(struct jw *w, const struct soql_node *nodes)
{
    jw_array(w);
    for (const struct soql_node *node = nodes; node; node = node->next)
        write_column(w, node);
    jw_end_array(w);
}

void soql_write_columns(const struct soql_plan *plan, struct buf *out)
{
    bool id = false, grouped = false;
    struct jw w;
    for (const struct soql_node *node = plan->nodes; node; node = node->next) {
        id = id || (node->kind == SOQL_FIELD && node->type == FT_ID);
        grouped = grouped || (plan->aggregate && node->kind == SOQL_FIELD);
    }
    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "columnMetadata");
    write_nodes(&w, plan->nodes);
    jw_kv_text(&w, "entityName", plan->object->name);
    jw_kv_bool(&w, "groupBy", grouped);
    jw_kv_bool(&w, "idSelected", id);
    jw_kv_text(&w, "keyPrefix", plan->object->key_prefix);
    jw_end_object(&w);
}
