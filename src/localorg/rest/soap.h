/* soap.h - one SOAP request: the envelope taken apart, and how to answer it.
 *
 * The partner, enterprise and metadata endpoints differ in their namespace and
 * in the table of their methods; everything else is the same. Most methods ask
 * a REST resource of this program (soap_ask) and turn its answer into XML, so
 * that permissions, limits and refusals are those of REST. Sources: SOAP API and
 * Metadata API guides, and what jsforce sends and reads. */
#ifndef LOCALORG_REST_SOAP_H
#define LOCALORG_REST_SOAP_H

#include "localorg/rest/call.h"
#include "localorg/xml/xml.h"

struct soap {
    struct call *call;
    const struct soap_api *api;
    const struct json *header, *args; /* the Header; the method's element */
    const char *method;
    struct buf *out; /* what stands inside <methodResponse> */
    bool faulted;
    const char *rest; /* "/services/data/v66.0" */
};

typedef void soap_fn(struct soap *soap);
struct soap_method {
    const char *name;
    soap_fn *run;
    bool open; /* without a session: login */
};
struct soap_api {
    const char *namespace, *object_namespace, *fault_namespace;
    const struct soap_method *methods;
    size_t method_count;
};

/* soap_people.c, soap_records.c, soap_metadata.c */
soap_fn soap_login, soap_logout, soap_user_info, soap_timestamp, soap_set_password;
soap_fn soap_query, soap_query_all, soap_query_more, soap_create, soap_update, soap_upsert,
    soap_delete, soap_undelete, soap_empty_bin, soap_retrieve, soap_describe, soap_describe_many,
    soap_describe_global, soap_convert_lead, soap_merge;
extern const struct soap_method metadata_methods[];
extern const size_t metadata_method_count;

/* Ends the call with a fault; the code also goes in front of the message. */
void soap_fault(struct soap *soap, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Asks a REST resource as this session. The parsed body; NULL after a fault, or
 * when the answer has none. */
const struct json *soap_ask(struct soap *soap, const char *method, const char *path,
                            const struct json *body);
/* The text of an argument; NULL when absent. */
const char *soap_text(const struct soap *soap, const char *name);
/* A header's member, "AllOrNoneHeader.allOrNone"; NULL. */
const char *soap_header(const struct soap *soap, const char *path);
/* JSON text built with w, parsed. */
const struct json *soap_json(struct soap *soap, struct buf *text);

#endif
