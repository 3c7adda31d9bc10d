/* soap_metadata.c - the Metadata API: components put, read, dropped and listed,
 * and deployments, over SOAP. docs of the REST form stand in deploys.c. */
#include "localorg/rest/deploys.h"
#include "localorg/rest/soap.h"

#include "base/str.h"
#include "base/when.h"
#include "localorg/metadata/setup.h"

#include <string.h>

#define COMPONENTS_MAX 10 /* in one call */

static bool meta_of(struct soap *soap, struct meta *out)
{
    struct call *call = soap->call;
    struct org_user user;
    *out = (struct meta){.org = call->site->org,
                         .user_id = call->session.user_id,
                         .arena = call->arena,
                         .api_version = call->api_version};
    if (org_user_by_id(call->site->org, call->session.user_id, &user) && user.system_administrator)
        return true;
    soap_fault(soap, "INSUFFICIENT_ACCESS",
               "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata "
               "permissions");
    return false;
}

/* --- results --- */

static void write_result(struct buf *out, const struct meta_result *result, bool upsert)
{
    xml_open(out, "result");
    if (upsert)
        xml_bool(out, "created", result->success && result->created);
    if (!result->success) {
        xml_open(out, "errors");
        xml_text(out, "message", result->message);
        xml_text(out, "statusCode", result->code);
        xml_close(out, "errors");
    }
    xml_text(out, "fullName", result->full_name);
    xml_bool(out, "success", result->success);
    xml_close(out, "result");
}

/* The list in one transaction when AllOrNoneHeader says so. */
static bool all_or_none(const struct soap *soap)
{
    return text_eq(soap_header(soap, "AllOrNoneHeader.allOrNone"), "true");
}

static void put_all(struct soap *soap, enum meta_op op)
{
    struct meta meta;
    struct err err = {{0}};
    struct meta_result result[COMPONENTS_MAX];
    size_t count = 0;
    bool good = true, together = all_or_none(soap);
    if (!meta_of(soap, &meta))
        return;
    xml_each(component, soap->args, "metadata")
        count++;
    if (count > COMPONENTS_MAX) {
        soap_fault(soap, "EXCEEDED_ID_LIMIT",
                   "record limit reached. cannot submit more than %d records in this operation",
                   COMPONENTS_MAX);
        return;
    }
    enum status status = !together || org_write_begin(meta.org) ? OK : FAIL;
    count = 0;
    xml_each(component, soap->args, "metadata") {
        if (status == OK)
            status = metadata_put(&meta, json_get_text(component, "@type"), component, op,
                                  &result[count], &err);
        good &= status == OK && result[count++].success;
    }
    if (together && org_write_end(meta.org, good && status == OK, &err) != OK)
        status = FAIL;
    setup_stale(soap->call->site->setup);
    if (status != OK) {
        soap_fault(soap, "UNKNOWN_EXCEPTION", "%s", err.message);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (together && !good && result[i].success) {
            result[i].success = false;
            result[i].code = "ALL_OR_NONE_OPERATION_ROLLED_BACK";
            result[i].message = "Record rolled back because not all records were valid and the "
                                "request was using AllOrNone header";
        }
        write_result(soap->out, &result[i], op == META_UPSERT);
    }
}

static void create_metadata(struct soap *soap)
{
    put_all(soap, META_CREATE);
}

static void update_metadata(struct soap *soap)
{
    put_all(soap, META_UPDATE);
}

static void upsert_metadata(struct soap *soap)
{
    put_all(soap, META_UPSERT);
}

static void delete_metadata(struct soap *soap)
{
    struct meta meta;
    struct err err = {{0}};
    const char *type = soap_text(soap, "type");
    if (!meta_of(soap, &meta))
        return;
    xml_each(name, soap->args, "fullNames") {
        struct meta_result result;
        if (metadata_drop(&meta, type, json_text(name) ? json_text(name) : "", &result, &err) !=
            OK) {
            soap_fault(soap, "UNKNOWN_EXCEPTION", "%s", err.message);
            return;
        }
        write_result(soap->out, &result, false);
    }
    setup_stale(soap->call->site->setup);
}

/* --- reading --- */

static void write_component(struct buf *out, const char *type, const struct json *component)
{
    buf_printf(out, "<records xsi:type=\"%s\">", type);
    json_each(member, component)
        xml_value(out, member->key, member);
    buf_str(out, "</records>");
}

static void read_metadata(struct soap *soap)
{
    struct meta meta;
    const char *type = soap_text(soap, "type");
    if (!meta_of(soap, &meta))
        return;
    if (!meta_type_find(type)) {
        soap_fault(soap, "INVALID_TYPE", "Unknown type: %s", type ? type : "");
        return;
    }
    xml_open(soap->out, "result");
    xml_each(name, soap->args, "fullNames") {
        struct buf text = BUF_INIT;
        struct jw w;
        jw_init(&w, &text);
        if (json_text(name) && metadata_read(&meta, type, json_text(name), &w))
            write_component(soap->out, type,
                            json_parse(soap->call->arena, text.data, text.len, NULL));
        else
            xml_nil(soap->out, "records");
        buf_free(&text);
    }
    xml_close(soap->out, "result");
}

static void describe_metadata(struct soap *soap)
{
    struct buf *out = soap->out;
    const struct meta_type *type, *child;
    xml_open(out, "result");
    for (size_t i = 0; (type = meta_type_at(i)); i++) {
        if (type->child_of)
            continue;
        xml_open(out, "metadataObjects");
        for (size_t j = 0; (child = meta_type_at(j)); j++)
            if (text_eq(child->child_of, type->name))
                xml_text(out, "childXmlNames", child->name);
        xml_text(out, "directoryName", type->directory);
        xml_bool(out, "inFolder", false);
        xml_bool(out, "metaFile", false);
        xml_text(out, "suffix", type->suffix);
        xml_text(out, "xmlName", type->name);
        xml_close(out, "metadataObjects");
    }
    xml_text(out, "organizationNamespace", "");
    xml_bool(out, "partialSaveAllowed", true);
    xml_bool(out, "testRequired", false);
    xml_close(out, "result");
}

struct listing {
    struct soap *soap;
    struct org_user user;
    char now[32];
};

static void list_item(void *ctx, const struct meta_item *item)
{
    struct listing *l = ctx;
    struct buf *out = l->soap->out;
    const char *dot = strchr(item->full_name, '.');
    int owner = item->type->child_of && dot ? (int)(dot - item->full_name)
                                            : (int)strlen(item->full_name);
    xml_open(out, "result");
    xml_text(out, "createdById", l->user.id);
    xml_text(out, "createdByName", l->user.name);
    xml_text(out, "createdDate", l->now);
    xml_text(out, "fileName",
             arena_printf(l->soap->call->arena, "%s/%.*s.%s", item->type->directory, owner,
                          item->full_name, item->type->suffix));
    xml_text(out, "fullName", item->full_name);
    xml_text(out, "id", item->id);
    xml_text(out, "lastModifiedById", l->user.id);
    xml_text(out, "lastModifiedByName", l->user.name);
    xml_text(out, "lastModifiedDate", l->now);
    xml_text(out, "type", item->type->name);
    xml_close(out, "result");
}

static void list_metadata(struct soap *soap)
{
    struct meta meta;
    struct listing listing = {.soap = soap};
    if (!meta_of(soap, &meta))
        return;
    org_user_by_id(meta.org, meta.user_id, &listing.user);
    when_iso(call_now(soap->call), listing.now);
    xml_each(query, soap->args, "queries")
        metadata_list(&meta, json_get_text(query, "type"), list_item, &listing);
}

/* --- deployments --- */

static bool option(const struct json *options, const char *name, bool otherwise)
{
    const char *text = json_get_text(options, name);
    return text ? text_eq(text, "true") : otherwise;
}

static void deploy(struct soap *soap)
{
    struct meta meta;
    struct err err = {{0}};
    const struct json *options = xml_next(soap->args, "DeployOptions", NULL);
    const char *zip = soap_text(soap, "ZipFile");
    char id[19];
    size_t len = 0;
    if (!meta_of(soap, &meta))
        return;
    void *bytes = zip ? base64_decode(soap->call->arena, zip, strlen(zip), &len) : NULL;
    if (!bytes) {
        soap_fault(soap, "INVALID_OPERATION", "ZipFile is not the base64 of an archive");
        return;
    }
    struct deploy_options wanted = {
        .check_only = option(options, "checkOnly", false),
        .rollback_on_error = option(options, "rollbackOnError", true),
        .ignore_warnings = option(options, "ignoreWarnings", false),
        .allow_missing_files = option(options, "allowMissingFiles", false)};
    if (deploys_run(soap->call, bytes, len, &wanted, id, &err) != OK) {
        soap_fault(soap, "UNKNOWN_EXCEPTION", "%s", err.message);
        return;
    }
    xml_open(soap->out, "result");
    xml_bool(soap->out, "done", false);
    xml_text(soap->out, "id", id);
    xml_text(soap->out, "state", "Queued");
    xml_close(soap->out, "result");
}

static void check_deploy_status(struct soap *soap)
{
    const char *id = soap_text(soap, "asyncProcessId");
    bool details = text_eq(soap_text(soap, "includeDetails"), "true");
    const struct json *result = deploys_result(soap->call, id, details);
    if (result)
        xml_value(soap->out, "result", result);
    else
        soap_fault(soap, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
}

static void cancel_deploy(struct soap *soap)
{
    const char *id = soap_text(soap, "String");
    if (!deploys_result(soap->call, id ? id : soap_text(soap, "id"), false))
        soap_fault(soap, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
    else
        soap_fault(soap, "INVALID_OPERATION", "Deployment is already complete");
}

const struct soap_method metadata_methods[] = {
    {"createMetadata", create_metadata, false},
    {"updateMetadata", update_metadata, false},
    {"upsertMetadata", upsert_metadata, false},
    {"deleteMetadata", delete_metadata, false},
    {"readMetadata", read_metadata, false},
    {"describeMetadata", describe_metadata, false},
    {"listMetadata", list_metadata, false},
    {"deploy", deploy, false},
    {"checkDeployStatus", check_deploy_status, false},
    {"cancelDeploy", cancel_deploy, false},
};
const size_t metadata_method_count = sizeof metadata_methods / sizeof *metadata_methods;
