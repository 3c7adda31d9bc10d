/* contracts.c - the field contract of a connection: what may be written to its org, as
 * text and as rows; its versions; who uses it. */
#include "api/nouns.h"

#include "base/str.h"
#include "engine/contract.h"
#include "store/store_contracts.h"

#include <string.h>

static const char *const directions[] = {"read", "write", "both", NULL};
static const char *const statuses[] = {"active", "pending", NULL};
static const char *const verdicts[] = {"written", "written, no contract", "listed, not used", "denied", "pending", NULL};

const struct field contract_query[] = {
    {"version", F_INT, 0, "an older one", .min = 1, .max = 1000000000},
    {0},
};

static const struct field entry_fields[] = {
    {"field", F_TEXT, F_REQUIRED, "Lead.Phone, Lead.*, *"},
    {"direction", F_WORD, F_REQUIRED, NULL, .words = directions},
    {"status", F_WORD, F_REQUIRED, "pending: configurable, but inert", .words = statuses},
    {"rule", F_TEXT, F_REQUIRED, "always, if_blank, if_ours, set_once, if_newer, ranked, never"},
    {"when", F_TEXT, F_REQUIRED | F_NULL, "the guard that the record must pass"},
    {"ticket", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"sensitivity", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"note", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"newer_than", F_TEXT, F_REQUIRED | F_NULL, "if_newer: the date field that tells; null: the record's last change"},
    {"sources", F_TEXT, F_REQUIRED | F_NULL, "ranked: names of sources, best first"},
    {0},
};
static const struct shape entry_shape = {"ContractField", NULL, entry_fields};
static const struct field object_fields[] = {
    {"name", F_TEXT, F_REQUIRED, NULL},
    {"create", F_BOOL, F_REQUIRED, NULL},
    {"update", F_BOOL, F_REQUIRED, NULL},
    {"delete", F_BOOL, F_REQUIRED, NULL},
    {0},
};
static const struct shape object_shape = {"ContractObject", NULL, object_fields};
static const struct field contract_fields[] = {
    {"connection", F_TEXT, F_REQUIRED, NULL},
    {"version", F_INT, F_REQUIRED, NULL},
    {"at", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"who", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"ticket", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"note", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"text", F_TEXT, F_REQUIRED, "YAML, as it was applied"},
    {"default", F_TEXT, F_REQUIRED, "what holds for fields that are not listed: deny or allow"},
    {"approve_above", F_INT, F_REQUIRED | F_NULL, "runs with more writes want an approved plan"},
    {"fields", F_LIST, F_REQUIRED, NULL, .of = &entry_shape},
    {"objects", F_LIST, F_REQUIRED, "what may be done to which object, where it is not the usual", .of = &object_shape},
    {"guards", F_MAP, F_REQUIRED, "name to condition", .item = F_TEXT},
    {0},
};
const struct shape contract_shape = {"FieldContract", "What may be written to an org, field by field.",
                                     contract_fields};

static const struct field body_fields[] = {
    {"text", F_TEXT, 0, "YAML; the whole contract", .min = 1, .max = 512 * 1024},
    {"csv", F_TEXT, 0, "or a sheet whose fields take the place of the contract's", .min = 1, .max = 512 * 1024},
    {"ticket", F_TEXT, 0, "kept with the version", .min = 1, .max = 200},
    {"note", F_TEXT, 0, "why; kept with the version", .min = 1, .max = 1000},
    {"dry_run", F_BOOL, 0, "only say what would change"},
    {"offline", F_BOOL, 0, "do not ask the org whether objects and fields exist"},
    {0},
};
const struct shape contract_body = {"FieldContractChange", NULL, body_fields};

static const struct field difference_fields[] = {
    {"field", F_TEXT, F_REQUIRED | F_NULL, "null: the rest of the contract"},
    {"was", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"is", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {0},
};
static const struct shape difference_shape = {"ContractDifference", NULL, difference_fields};
static const struct field change_fields[] = {
    {"version", F_INT, F_REQUIRED | F_NULL, "the one it became; null: nothing was stored"},
    {"changes", F_LIST, F_REQUIRED, NULL, .of = &difference_shape},
    {0},
};
const struct shape contract_change_shape = {"FieldContractResult", NULL, change_fields};

static const struct field version_fields[] = {
    {"version", F_INT, F_REQUIRED, NULL},
    {"at", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"who", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"ticket", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"note", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {0},
};
static const struct shape version_shape = {"FieldContractVersion", NULL, version_fields};
static const struct field versions_fields[] = {
    {"versions", F_LIST, F_REQUIRED, "newest first; empty: it has no contract", .of = &version_shape},
    {0},
};
const struct shape contract_versions_shape = {"FieldContractVersions", NULL, versions_fields};

static const struct field use_fields[] = {
    {"field", F_TEXT, F_REQUIRED, "Account.Industry"},
    {"verdict", F_WORD, F_REQUIRED, NULL, .words = verdicts},
    {"entry", F_OBJECT, F_REQUIRED | F_NULL, "the entry that holds for it", .of = &entry_shape},
    {"writers", F_TEXT, F_REQUIRED | F_NULL, "table.column, table.column"},
    {0},
};
static const struct shape use_shape = {"ContractUse", NULL, use_fields};
static const struct field report_fields[] = {
    {"uses", F_LIST, F_REQUIRED, "every field that a column writes or the contract lists", .of = &use_shape},
    {0},
};
const struct shape contract_report_shape = {"FieldContractReport", NULL, report_fields};

/* ---------------------------------------------------------------- writing */

static void entry_write(struct call *call, const struct contract_field *f)
{
    struct jw *w = &call->w;
    bool any = text_eq(f->object, "*") && text_eq(f->field, "*");
    jw_object(w);
    jw_kv_text(w, "field", any ? "*" : arena_printf(call->arena, "%s.%s", f->object, f->field));
    jw_kv_text(w, "direction", f->reads && f->writes ? "both" : f->reads ? "read" : "write");
    jw_kv_text(w, "status", f->active ? "active" : "pending");
    jw_kv_text(w, "rule", contract_rule_name(f->rule));
    jw_kv_text(w, "when", f->when);
    jw_kv_text(w, "ticket", f->ticket);
    jw_kv_text(w, "sensitivity", f->sensitivity);
    jw_kv_text(w, "note", f->note);
    jw_kv_text(w, "newer_than", f->newer_than);
    jw_kv_text(w, "sources", contract_sources(call->arena, f));
    jw_end_object(w);
}

static void parts_write(struct call *call, const struct contract *contract)
{
    struct jw *w = &call->w;
    jw_kv_text(w, "default", contract->allow ? "allow" : "deny");
    if (contract->approve_above >= 0)
        jw_kv_int(w, "approve_above", contract->approve_above);
    else
        jw_kv_null(w, "approve_above");
    jw_key(w, "fields");
    jw_array(w);
    for (size_t i = 0; i < contract->field_count; i++)
        entry_write(call, &contract->fields[i]);
    jw_end_array(w);
    jw_key(w, "objects");
    jw_array(w);
    for (size_t i = 0; i < contract->object_count; i++) {
        jw_object(w);
        jw_kv_text(w, "name", contract->objects[i].name);
        jw_kv_bool(w, "create", contract->objects[i].create);
        jw_kv_bool(w, "update", contract->objects[i].update);
        jw_kv_bool(w, "delete", contract->objects[i].remove);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_key(w, "guards");
    jw_object(w);
    for (size_t i = 0; i < contract->guard_count; i++)
        jw_kv_text(w, contract->guards[i].name, contract->guards[i].condition);
    jw_end_object(w);
}

static void version_write(struct jw *w, const struct contract_version *version)
{
    jw_kv_int(w, "version", version->version);
    jw_kv_time(w, "at", version->at_ms);
    jw_kv_text(w, "who", version->who);
    jw_kv_text(w, "ticket", version->ticket);
    jw_kv_text(w, "note", version->note);
}

/* ---------------------------------------------------------------- looking */

static enum status read_contract(struct call *call, struct contract_version *version,
                                 struct contract *contract, struct err *err)
{
    struct connection connection;
    err_list errors = {0};
    if (call_connection(call, &connection, err) != OK)
        return FAIL;
    if (call->store->does->contracts->get(call->store, call->arena, connection.id,
                                          call_query_int(call, "version", 0), version, err) != OK) {
        if (err_is(err, ERR_NOT_FOUND))
            err_hint(err, "Without a contract the guards of the tables' recipes rule alone; PUT one "
                          "to change that.");
        return FAIL;
    }
    enum status rc = contract_parse(call->arena, "contract", version->text, contract, &errors, err);
    vec_free(&errors);
    return rc;
}

enum status api_contract_show(struct call *call, struct err *err)
{
    struct contract_version version;
    struct contract contract;
    if (read_contract(call, &version, &contract, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_kv_text(&call->w, "connection", contract.connection);
    version_write(&call->w, &version);
    jw_kv_text(&call->w, "text", version.text);
    parts_write(call, &contract);
    jw_end_object(&call->w);
    return OK;
}

enum status api_contract_csv(struct call *call, struct err *err)
{
    struct contract_version version;
    struct contract contract;
    if (read_contract(call, &version, &contract, err) != OK)
        return FAIL;
    buf_str(&call->out->body, contract_csv(call->arena, &contract));
    http_out_header(call->in, call->out, "Content-Type", "text/csv; charset=utf-8");
    http_out_header(call->in, call->out, "Content-Disposition", "attachment; filename=\"contract.csv\"");
    return OK;
}

enum status api_contract_versions(struct call *call, struct err *err)
{
    struct connection connection;
    struct contract_version *versions;
    size_t count;
    struct jw *w = &call->w;
    if (call_connection(call, &connection, err) != OK ||
        call->store->does->contracts->list(call->store, call->arena, connection.id, &versions,
                                           &count, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "versions");
    jw_array(w);
    for (size_t i = 0; i < count; i++) {
        jw_object(w);
        version_write(w, &versions[i]);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

enum status api_contract_report(struct call *call, struct err *err)
{
    struct engine engine = {.world = call->api->options.world, .store = call->store};
    struct connection connection;
    struct contract *contract = NULL;
    struct contract_use *uses;
    size_t count;
    struct jw *w = &call->w;
    if (call_connection(call, &connection, err) != OK ||
        contract_load(&engine, call->arena, connection.id, &contract, err) != OK ||
        contract_report(&engine, call->arena, connection.name, contract, &uses, &count, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "uses");
    jw_array(w);
    for (size_t i = 0; i < count; i++) {
        jw_object(w);
        jw_kv_text(w, "field", arena_printf(call->arena, "%s.%s", uses[i].object, uses[i].field));
        jw_kv_text(w, "verdict", uses[i].verdict);
        jw_key(w, "entry");
        if (uses[i].entry)
            entry_write(call, uses[i].entry);
        else
            jw_null(w);
        jw_kv_text(w, "writers", uses[i].writers);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

/* --------------------------------------------------------------- changing */

/* The contract's text: as given, or the sheet's fields put into the one that holds now. */
static enum status text_given(struct call *call, const struct connection *connection,
                              const char **text, struct err *err)
{
    const char *csv = json_get_text(call->body, "csv");
    struct contract none = {.connection = connection->name, .approve_above = -1};
    struct contract *stored = NULL;
    *text = json_get_text(call->body, "text");
    if (!*text == !csv) {
        err_set(err, ERR_INVALID, "give the contract as text or as csv");
        err_where(err, "text");
        return FAIL;
    }
    if (*text)
        return OK;
    if (contract_load(call->engine, call->arena, connection->id, &stored, err) != OK)
        return FAIL;
    return contract_from_csv(call->arena, "contract.csv", csv, strlen(csv), stored ? stored : &none,
                             text, err);
}

static void changes_write(struct jw *w, const struct contract_plan *plan)
{
    jw_object(w);
    if (plan->version)
        jw_kv_int(w, "version", plan->version);
    else
        jw_kv_null(w, "version");
    jw_key(w, "changes");
    jw_array(w);
    for (size_t i = 0; i < plan->change_count; i++) {
        jw_object(w);
        jw_kv_text(w, "field", plan->changes[i].field);
        jw_kv_text(w, "was", plan->changes[i].was);
        jw_kv_text(w, "is", plan->changes[i].is);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
}

/* A contract for another connection must not come in by this door. */
static enum status check_name(struct call *call, const struct connection *connection,
                              const char *text, struct err *err)
{
    struct contract contract;
    err_list errors = {0};
    enum status rc = contract_parse(call->arena, "contract", text, &contract, &errors, err);
    if (rc != OK)
        call_keep_errors(call, &errors);
    vec_free(&errors);
    if (rc == OK && !text_eq(contract.connection, connection->name))
        return err_set(err, ERR_INVALID, "this is the contract of \"%s\", not of \"%s\"",
                       contract.connection, connection->name);
    return rc;
}

enum status api_contract_put(struct call *call, struct err *err)
{
    struct connection connection;
    struct contract_plan plan;
    err_list errors = {0};
    const char *text;
    if (call_connection(call, &connection, err) != OK ||
        text_given(call, &connection, &text, err) != OK ||
        check_name(call, &connection, text, err) != OK)
        return FAIL;
    enum status rc = contract_apply(
        call->engine, call->arena, "contract", text, json_get_text(call->body, "ticket"),
        json_get_text(call->body, "note"), !json_get_bool(call->body, "offline", false),
        json_get_bool(call->body, "dry_run", false), &plan, &errors, err);
    if (rc == OK)
        changes_write(&call->w, &plan);
    else
        call_keep_errors(call, &errors);
    vec_free(&errors);
    return rc;
}
