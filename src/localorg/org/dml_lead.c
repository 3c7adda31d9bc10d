/* dml_lead.c - converting a lead: account, contact and opportunity are made of
 * it (or given), its activities move to the contact, and it is closed for good.
 *
 * Field mapping is the standard one; lead fields of one's own are not mapped. */
#include "localorg/org/dml_priv.h"

#include "base/when.h"
#include "localorg/org/lifecycle.h"

struct convert {
    struct org *org;
    const struct dml_options *options;
    const struct convert_request *request;
    struct convert_result *result;
    struct arena *arena;
    struct err *err;
    const struct json *lead; /* the record's stored texts, by field name */
    bool broken;
};

static const char *const lead_to_account[][2] = {
    {"Company", "Name"},           {"Phone", "Phone"},
    {"Fax", "Fax"},                {"Website", "Website"},
    {"Industry", "Industry"},      {"AnnualRevenue", "AnnualRevenue"},
    {"NumberOfEmployees", "NumberOfEmployees"}, {"Rating", "Rating"},
    {"Street", "BillingStreet"},   {"City", "BillingCity"},
    {"State", "BillingState"},     {"PostalCode", "BillingPostalCode"},
    {"Country", "BillingCountry"}, {"LeadSource", "AccountSource"}};

static const char *const lead_to_contact[][2] = {
    {"Salutation", "Salutation"},  {"FirstName", "FirstName"},
    {"LastName", "LastName"},      {"Title", "Title"},
    {"Email", "Email"},            {"Phone", "Phone"},
    {"MobilePhone", "MobilePhone"}, {"Fax", "Fax"},
    {"LeadSource", "LeadSource"},  {"Description", "Description"},
    {"Street", "MailingStreet"},   {"City", "MailingCity"},
    {"State", "MailingState"},     {"PostalCode", "MailingPostalCode"},
    {"Country", "MailingCountry"}};

/* --- small steps --- */

static bool refuse(struct convert *c, const char *code, const char *field, const char *message)
{
    struct dml_error *error = arena_alloc(c->arena, sizeof *error);
    error->status_code = code;
    error->message = message;
    error->fields = arena_array(c->arena, 2, sizeof *error->fields);
    if (field)
        error->fields[error->field_count++] = field;
    c->result->errors = error;
    return false;
}

static bool broke(struct convert *c)
{
    c->broken = true;
    return false;
}

static const char *lead_text(const struct convert *c, const char *field)
{
    const char *text = json_get_text(c->lead, field);
    return text && *text ? text : NULL;
}

/* Every stored value of the record as text. NULL: there is no such live record. */
static const struct json *record_texts(struct convert *c, const char *object_name, const char *id)
{
    const struct sobject *object = schema_find(c->org->schema, object_name);
    struct buf sql = BUF_INIT, text = BUF_INIT;
    sqlite3_stmt *row = NULL;
    struct jw w;
    const struct json *found = NULL;
    buf_str(&sql, "SELECT \"Id\"");
    for (size_t i = 0; i < object->field_count; i++) {
        buf_str(&sql, ", ");
        if (object->fields[i]->stored)
            quote_name(&sql, object->fields[i]->name);
        else
            buf_str(&sql, "NULL");
    }
    buf_printf(&sql, " FROM \"%s\" WHERE \"Id\" = ?1 AND \"IsDeleted\" = 0", object->name);
    enum status status = db_prepare(c->org->db, &row, buf_text(&sql), c->err);
    buf_free(&sql);
    if (status != OK)
        return broke(c), NULL;
    sqlite3_bind_text(row, 1, id, -1, SQLITE_STATIC);
    if (db_next(row, &status, c->err)) {
        jw_init(&w, &text);
        jw_object(&w);
        for (size_t i = 0; i < object->field_count; i++)
            jw_kv_text(&w, object->fields[i]->name,
                       (const char *)sqlite3_column_text(row, (int)i + 1));
        jw_end_object(&w);
        found = json_parse(c->arena, text.data, text.len, NULL);
        buf_free(&text);
    }
    sqlite3_finalize(row);
    if (status != OK)
        broke(c);
    return found;
}

/* One row, as the user or as the system. Its id into `id`. */
static bool write_row(struct convert *c, enum dml_kind kind, const char *object_name,
                      struct buf *text, bool system, char id[19])
{
    struct dml_options options = *c->options;
    struct dml_result result;
    const struct json *body = json_parse(c->arena, text->data, text->len, NULL);
    buf_free(text);
    options.system = system;
    options.internal = system;
    struct dml_row row = {.object = schema_find(c->org->schema, object_name),
                          .body = body,
                          .id = kind == DML_INSERT ? NULL : id};
    if (org_dml(c->org, kind, &options, &row, 1, &result, c->arena, c->err) != OK)
        return broke(c);
    if (result.success) {
        memcpy(id, result.id, 19);
        return true;
    }
    c->result->errors = result.errors;
    return false;
}

static void map_fields(struct jw *w, const struct convert *c, const char *object_name,
                       const char *const (*map)[2], size_t count)
{
    const struct sobject *object = schema_find(c->org->schema, object_name);
    for (size_t i = 0; i < count; i++)
        if (lead_text(c, map[i][0]) && sobject_field(object, map[i][1]))
            jw_kv_text(w, map[i][1], lead_text(c, map[i][0]));
}

static const char *owner_of(const struct convert *c)
{
    return c->request->owner_id ? c->request->owner_id : lead_text(c, "OwnerId");
}

/* A user; a lead that a queue owns goes to whoever converts it. */
static void write_owner(struct jw *w, const struct convert *c)
{
    char id[19];
    const char *owner = owner_of(c);
    if (owner && id_canonical(owner, id) && strncmp(id, "005", 3) == 0)
        jw_kv_text(w, "OwnerId", id);
}

/* --- what is made of it --- */

/* True with the id when the caller gave a live record of the object. */
static bool take_given(struct convert *c, const char *object_name, const char *given, char out[19])
{
    const struct sobject *object = schema_find(c->org->schema, object_name);
    if (!id_canonical(given, out) || schema_by_prefix(c->org->schema, out) != object)
        return refuse(c, "INVALID_ID_FIELD", NULL,
                      arena_printf(c->arena, "invalid %s id: %s", object_name, given));
    if (!record_texts(c, object_name, out))
        return c->broken ? false
                         : refuse(c, "INVALID_CROSS_REFERENCE_KEY", NULL,
                                  "invalid cross reference id");
    return true;
}

static bool make_account(struct convert *c)
{
    struct buf text = BUF_INIT;
    struct jw w;
    if (c->request->account_id)
        return take_given(c, "Account", c->request->account_id, c->result->account_id);
    jw_init(&w, &text);
    jw_object(&w);
    map_fields(&w, c, "Account", lead_to_account,
               sizeof lead_to_account / sizeof *lead_to_account);
    write_owner(&w, c);
    jw_end_object(&w);
    return write_row(c, DML_INSERT, "Account", &text, false, c->result->account_id);
}

/* A given contact keeps its values; it may take over the lead's source. */
static bool fill_contact(struct convert *c)
{
    struct buf text = BUF_INIT;
    struct jw w;
    if (!take_given(c, "Contact", c->request->contact_id, c->result->contact_id))
        return false;
    if (!c->request->overwrite_lead_source || !lead_text(c, "LeadSource"))
        return true;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "LeadSource", lead_text(c, "LeadSource"));
    jw_end_object(&w);
    return write_row(c, DML_UPDATE, "Contact", &text, false, c->result->contact_id);
}

static bool make_contact(struct convert *c)
{
    struct buf text = BUF_INIT;
    struct jw w;
    if (c->request->contact_id)
        return fill_contact(c);
    jw_init(&w, &text);
    jw_object(&w);
    map_fields(&w, c, "Contact", lead_to_contact,
               sizeof lead_to_contact / sizeof *lead_to_contact);
    jw_kv_text(&w, "AccountId", c->result->account_id);
    write_owner(&w, c);
    jw_end_object(&w);
    return write_row(c, DML_INSERT, "Contact", &text, false, c->result->contact_id);
}

/* The last day of the quarter. */
static const char *quarter_end(struct convert *c)
{
    struct date date = when_date(org_now_ms(c->org), NULL);
    int month = (date.month - 1) / 3 * 3 + 3;
    int days = month == 6 || month == 9 ? 30 : 31;
    return arena_printf(c->arena, "%04d-%02d-%02d", date.year, month, days);
}

static bool make_role(struct convert *c)
{
    struct buf text = BUF_INIT;
    struct jw w;
    char id[19] = "";
    if (!schema_find(c->org->schema, "OpportunityContactRole"))
        return true;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "OpportunityId", c->result->opportunity_id);
    jw_kv_text(&w, "ContactId", c->result->contact_id);
    jw_kv_bool(&w, "IsPrimary", true);
    jw_end_object(&w);
    return write_row(c, DML_INSERT, "OpportunityContactRole", &text, false, id);
}

static bool make_opportunity(struct convert *c)
{
    struct buf text = BUF_INIT;
    struct jw w;
    const struct convert_request *request = c->request;
    if (request->opportunity_id)
        return take_given(c, "Opportunity", request->opportunity_id, c->result->opportunity_id);
    if (request->no_opportunity)
        return true;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "Name",
               request->opportunity_name ? request->opportunity_name : lead_text(c, "Company"));
    jw_kv_text(&w, "AccountId", c->result->account_id);
    jw_kv_text(&w, "StageName", "Prospecting");
    jw_kv_text(&w, "CloseDate", quarter_end(c));
    if (lead_text(c, "LeadSource"))
        jw_kv_text(&w, "LeadSource", lead_text(c, "LeadSource"));
    write_owner(&w, c);
    jw_end_object(&w);
    return write_row(c, DML_INSERT, "Opportunity", &text, false, c->result->opportunity_id) &&
           make_role(c);
}

/* --- what becomes of the lead --- */

/* Rows of `object` whose `field` is the lead get `set` instead. */
static bool move_rows(struct convert *c, const char *object_name, const char *field, const char *set)
{
    const struct sobject *object = schema_find(c->org->schema, object_name);
    struct table *table;
    sqlite3_stmt *rows = NULL;
    VEC(const char *) ids = {0};
    if (!object || !sobject_field(object, field) || !sobject_field(object, set))
        return true;
    if (table_ready(c->org, object, &table, c->err) != OK)
        return broke(c);
    const char *sql = arena_printf(c->arena, "SELECT \"Id\" FROM \"%s\" WHERE \"%s\" = ?1 AND"
                                   " \"IsDeleted\" = 0", object->name, field);
    enum status status = db_prepare(c->org->db, &rows, sql, c->err);
    if (status == OK) {
        sqlite3_bind_text(rows, 1, c->result->lead_id, -1, SQLITE_STATIC);
        while (db_next(rows, &status, c->err))
            vec_push(&ids, arena_strdup(c->arena, db_text(rows, 0)));
    }
    sqlite3_finalize(rows);
    bool good = status == OK || broke(c);
    for (size_t i = 0; i < ids.len && good; i++) {
        struct buf text = BUF_INIT;
        char id[19];
        buf_printf(&text, "{\"%s\":\"%s\"}", set, c->result->contact_id);
        snprintf(id, sizeof id, "%s", ids.at[i]);
        good = write_row(c, DML_UPDATE, object_name, &text, true, id);
    }
    vec_free(&ids);
    return good;
}

static bool close_lead(struct convert *c)
{
    struct buf text = BUF_INIT;
    struct jw w;
    struct date date = when_date(org_now_ms(c->org), NULL);
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "Status", c->request->converted_status);
    jw_kv_bool(&w, "IsConverted", true);
    jw_kv_text(&w, "ConvertedDate",
               arena_printf(c->arena, "%04d-%02d-%02d", date.year, date.month, date.day));
    jw_kv_text(&w, "ConvertedAccountId", c->result->account_id);
    jw_kv_text(&w, "ConvertedContactId", c->result->contact_id);
    if (*c->result->opportunity_id)
        jw_kv_text(&w, "ConvertedOpportunityId", c->result->opportunity_id);
    jw_end_object(&w);
    return write_row(c, DML_UPDATE, "Lead", &text, true, c->result->lead_id);
}

/* --- may it be --- */

/* A status counts as converted when its row says so, or is the usual one. */
static bool status_converts(struct convert *c, const char *status)
{
    sqlite3_stmt *row = NULL;
    bool any = false, converts = false;
    enum status rc = OK;
    const struct sobject *object = schema_find(c->org->schema, "LeadStatus");
    struct table *table;
    if (!object || table_ready(c->org, object, &table, c->err) != OK ||
        db_prepare(c->org->db, &row,
                   "SELECT \"MasterLabel\" = ?1 COLLATE NOCASE FROM \"LeadStatus\" WHERE"
                   " \"IsConverted\" = 1 AND \"IsDeleted\" = 0",
                   c->err) != OK)
        return text_eq_nocase(status, "Closed - Converted");
    sqlite3_bind_text(row, 1, status, -1, SQLITE_STATIC);
    while (db_next(row, &rc, c->err)) {
        any = true;
        converts |= sqlite3_column_int(row, 0) != 0;
    }
    sqlite3_finalize(row);
    return any ? converts : text_eq_nocase(status, "Closed - Converted");
}

static bool may_convert(struct convert *c)
{
    const char *id = c->request->lead_id, *status = c->request->converted_status;
    const struct sobject *lead = schema_find(c->org->schema, "Lead");
    if (!lead || !id_canonical(id, c->result->lead_id) ||
        schema_by_prefix(c->org->schema, c->result->lead_id) != lead)
        return refuse(c, "INVALID_ID_FIELD", NULL,
                      arena_printf(c->arena, "invalid lead id: %s", id ? id : ""));
    c->lead = record_texts(c, "Lead", c->result->lead_id);
    if (!c->lead)
        return c->broken ? false
                         : refuse(c, "INVALID_CROSS_REFERENCE_KEY", NULL,
                                  "invalid cross reference id");
    if (text_eq(lead_text(c, "IsConverted"), "1"))
        return refuse(c, "CANNOT_UPDATE_CONVERTED_LEAD", NULL, "cannot reference converted lead");
    if (!status || !*status)
        return refuse(c, "REQUIRED_FIELD_MISSING", "convertedStatus",
                      "Required fields are missing: [convertedStatus]");
    if (!status_converts(c, status))
        return refuse(c, "INVALID_STATUS", "convertedStatus",
                      arena_printf(c->arena, "invalid convertedStatus: %s", status));
    return true;
}

static bool convert(struct convert *c)
{
    return may_convert(c) && make_account(c) && make_contact(c) && make_opportunity(c) &&
           move_rows(c, "Task", "WhoId", "WhoId") && move_rows(c, "Event", "WhoId", "WhoId") &&
           move_rows(c, "CampaignMember", "LeadId", "ContactId") && close_lead(c);
}

enum status org_convert_lead(struct org *org, const struct dml_options *options,
                             const struct convert_request *request, struct convert_result *result,
                             struct arena *arena, struct err *err)
{
    struct err local = {{0}};
    struct convert c = {.org = org,
                        .options = options,
                        .request = request,
                        .result = result,
                        .arena = arena,
                        .err = err ? err : &local};
    memset(result, 0, sizeof *result);
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    bool good = convert(&c);
    enum status ended = org_write_end(org, good, good ? c.err : NULL);
    if (c.broken || ended != OK)
        return FAIL;
    result->success = good;
    return OK;
}
