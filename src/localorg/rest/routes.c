/* routes.c - the one table of everything localorg answers. Help, statistics,
 * the home page and the documentation read the same rows. Order matters where
 * patterns overlap: the first row that fits wins. */
#include "localorg/rest/routes.h"

#include "localorg/rest/resources.h"

#define V "/services/data/:v"
#define A "/services/async/:version"

const struct route routes[] = {
    /* sign-in */
    {"GET POST", "/services/oauth2/authorize", oauth_authorize, ROUTE_OPEN,
     "starts the browser flow"},
    {"GET", "/", login_page, ROUTE_OPEN, "login form"},
    {"POST", "/", login_submit, ROUTE_OPEN, "login form, sent"},
    {"GET", "/secur/logout.jsp", login_logout, ROUTE_OPEN, "signs the browser out"},
    {"GET", "/setup/secur/RemoteAccessAuthorizationPage.apexp", consent_page, ROUTE_OPEN,
     "Allow or Deny"},
    {"POST", "/setup/secur/RemoteAccessAuthorizationPage.apexp", consent_submit, ROUTE_OPEN,
     "Allow or Deny, answered"},
    {"GET", "/setup/secur/RemoteAccessErrorPage.apexp", oauth_error_page, ROUTE_OPEN,
     "OAUTH_APPROVAL_ERROR_GENERIC"},
    {"POST", "/services/oauth2/token", oauth_token, ROUTE_OPEN, "access and refresh tokens"},
    {"GET POST", "/services/oauth2/revoke", oauth_revoke, ROUTE_OPEN, "ends a token"},
    {"POST", "/services/oauth2/introspect", oauth_introspect, ROUTE_OPEN, "is a token alive"},
    {"GET POST", "/services/oauth2/userinfo", oauth_userinfo, ROUTE_OPEN, "who signed in (OIDC)"},
    {"GET", "/services/oauth2/success", oauth_success, ROUTE_OPEN, "callback of desktop apps"},
    {"GET", "/services/oauth2/echo", oauth_echo, ROUTE_OPEN, "callback parameters as JSON"},
    {"GET", "/.well-known/openid-configuration", oauth_discovery, ROUTE_OPEN, "OIDC discovery"},
    {"GET", "/id/keys", oauth_keys, ROUTE_OPEN, "JWKS"},
    {"GET POST", "/id/:org/:user", identity, ROUTE_OPEN, "identity URL"},
    {"GET", "/favicon.ico", favicon, ROUTE_OPEN, "empty"},

    /* versions, describe */
    {"GET", "/services/data", versions, ROUTE_OPEN, "API versions"},
    {"GET", V, version_resources, ROUTE_API, "resources of a version"},
    {"GET", V "/sobjects", sobjects_global, ROUTE_API, "describe global"},
    {"GET", V "/sobjects/:object", sobject_basic, ROUTE_API, "one object and its recent items"},
    {"POST", V "/sobjects/:object", rows_create, ROUTE_API, "create a record"},
    {"GET", V "/sobjects/:object/describe", sobject_describe, ROUTE_API, "describe"},
    {"GET", V "/sobjects/:object/describe/*", not_built, ROUTE_API, "layouts"},
    {"GET", V "/sobjects/:object/updated", replication_updated, ROUTE_API,
     "ids changed between start and end"},
    {"GET", V "/sobjects/:object/deleted", replication_deleted, ROUTE_API,
     "ids deleted between start and end"},
    {"GET", V "/sobjects/:object/eventSchema", event_schema_of, ROUTE_API,
     "schema of a change or platform event"},
    {"POST", V "/sobjects/StreamingChannel/:id/push", channel_push, ROUTE_API,
     "generic streaming: push to a channel"},
    {"GET", V "/sobjects/:object/listviews", listviews_list, ROUTE_API, "list views"},
    {"GET", V "/sobjects/:object/listviews/:view", listviews_one, ROUTE_API, "one list view"},
    {"GET", V "/sobjects/:object/listviews/:view/describe", listviews_describe, ROUTE_API,
     "its columns and its query"},
    {"GET", V "/sobjects/:object/listviews/:view/results", listviews_results, ROUTE_API,
     "its rows"},

    /* rows */
    {"GET", V "/sobjects/:object/:id", rows_get, ROUTE_API, "read a record"},
    {"PATCH", V "/sobjects/:object/:id", rows_update, ROUTE_API, "update a record"},
    {"DELETE", V "/sobjects/:object/:id", rows_delete, ROUTE_API, "delete a record"},
    {"POST", V "/sobjects/:object/:id", rows_create_by_id, ROUTE_API, "create through /Id"},
    {"GET", V "/sobjects/:object/:field/:value", keys_get, ROUTE_API,
     "read by external id, or follow a relationship"},
    {"PATCH POST", V "/sobjects/:object/:field/:value", keys_upsert, ROUTE_API,
     "upsert by external id"},
    {"DELETE", V "/sobjects/:object/:field/:value", keys_delete, ROUTE_API,
     "delete by external id"},

    /* queries */
    {"GET", V "/query", query_run, ROUTE_API, "SOQL"},
    {"GET", V "/queryAll", query_all, ROUTE_API, "SOQL, deleted rows too"},
    {"GET", V "/query/:locator", query_more, ROUTE_API, "the next page"},
    {"GET", V "/queryAll/:locator", query_more, ROUTE_API, "the next page"},
    {"GET", V "/search", search_sosl, ROUTE_API, "SOSL"},
    {"GET POST", V "/parameterizedSearch", search_parameterized, ROUTE_API, "search"},

    /* limits and lists */
    {"GET", V "/limits", limits_list, ROUTE_API, "limits of the org"},
    {"GET", V "/limits/recordCount", limits_record_count, ROUTE_API, "records per object"},
    {"GET", V "/recent", recent_items, ROUTE_API, "records looked at last"},

    /* composite family */
    {"GET", V "/composite", composite_resources, ROUTE_API, "what composite offers"},
    {"POST", V "/composite", composite_run, ROUTE_API, "up to 25 requests in one"},
    {"POST", V "/composite/batch", batch_run, ROUTE_API, "up to 25 independent requests"},
    {"POST", V "/composite/tree/:object", tree_create, ROUTE_API, "records with their children"},
    {"POST", V "/composite/graph", graph_run, ROUTE_API, "all-or-none graphs of requests"},
    {"POST", V "/composite/sobjects", collection_create, ROUTE_API, "create up to 200"},
    {"PATCH", V "/composite/sobjects", collection_update, ROUTE_API, "update up to 200"},
    {"DELETE", V "/composite/sobjects", collection_delete, ROUTE_API, "delete up to 200"},
    {"GET", V "/composite/sobjects/:object", collection_get, ROUTE_API, "read many"},
    {"POST", V "/composite/sobjects/:object", collection_read, ROUTE_API, "read up to 2,000"},
    {"PATCH", V "/composite/sobjects/:object/:field", collection_upsert, ROUTE_API,
     "upsert up to 200"},

    /* Bulk API 2.0 */
    {"GET POST", V "/jobs/ingest", bulk_ingest_jobs, ROUTE_API, "ingest jobs: list, create"},
    {"GET PATCH DELETE", V "/jobs/ingest/:id", bulk_ingest_job, ROUTE_API,
     "ingest job: poll, close, abort, delete"},
    {"PUT", V "/jobs/ingest/:id/batches", bulk_ingest_upload, ROUTE_API, "its CSV, once"},
    {"GET", V "/jobs/ingest/:id/:results", bulk_ingest_results, ROUTE_API,
     "successfulResults, failedResults, unprocessedrecords"},
    {"GET POST", V "/jobs/query", bulk_query_jobs, ROUTE_API, "query jobs: list, create"},
    {"GET PATCH DELETE", V "/jobs/query/:id", bulk_query_job, ROUTE_API,
     "query job: poll, abort, delete"},
    {"GET", V "/jobs/query/:id/:results", bulk_query_results, ROUTE_API,
     "results, resultPages"},

    /* Bulk API 1 */
    {"POST", A "/job", bulk_v1_jobs, ROUTE_API, "creates a job"},
    {"GET POST", A "/job/:id", bulk_v1_job, ROUTE_API, "job: state, close, abort"},
    {"GET POST", A "/job/:id/batch", bulk_v1_batches, ROUTE_API, "its batches; one more"},
    {"GET", A "/job/:id/batch/:batch", bulk_v1_batch, ROUTE_API, "batch: state"},
    {"GET", A "/job/:id/batch/:batch/request", bulk_v1_request, ROUTE_API, "what was sent"},
    {"GET", A "/job/:id/batch/:batch/result", bulk_v1_result, ROUTE_API,
     "results in input order, or the list of a query's"},
    {"GET", A "/job/:id/batch/:batch/result/:result", bulk_v1_rows, ROUTE_API,
     "rows of a query"},

    /* streaming */
    {"POST", "/cometd/:version", cometd_messages, ROUTE_OPEN, "CometD: long polling for events"},
    {"POST", "/cometd/:version/*", cometd_messages, ROUTE_OPEN,
     "the same: clients append the message's type"},
    {"POST", "/cometd", cometd_messages, ROUTE_OPEN, "the same without a version: refused"},
    {"GET", V "/event/eventSchema/:schema", event_schema_by_id, ROUTE_API, "schema of an event"},

    /* tooling: what the sf CLI asks */
    {"GET", V "/tooling", tooling_resources, ROUTE_API, "what tooling offers here"},
    {"GET", V "/tooling/query", tooling_query, ROUTE_API, "SOQL over setup objects"},
    {"GET", V "/tooling/sobjects", tooling_sobjects, ROUTE_API, "setup objects"},

    /* named here so that the refusal teaches */
    {"GET POST", V "/analytics/*", not_built, ROUTE_API, "reports"},
    {"GET POST", V "/chatter/*", not_built, ROUTE_API, "Chatter"},
    {"GET POST PATCH", V "/ui-api/*", not_built, ROUTE_API, "User Interface API"},
    {"GET POST", V "/actions/*", not_built, ROUTE_API, "invocable actions"},
    {"POST", "/services/Soap/*", soap_not_built, ROUTE_OPEN, "SOAP"},

    /* localorg's own */
    {"GET", "/localorg", home_page, ROUTE_CONTROL, "this org at a glance (HTML)"},
    {"GET", "/localorg/help", control_help, ROUTE_CONTROL, "every route"},
    {"POST", "/localorg/token", control_token, ROUTE_CONTROL, "{\"username\"}: an access token"},
    {"POST", "/localorg/expire", control_expire, ROUTE_CONTROL,
     "{\"username\"}: its access tokens are over; refresh tokens stay"},
    {"POST", "/localorg/revoke", control_revoke, ROUTE_CONTROL,
     "{\"username\",\"client_id\"}: access and refresh tokens are over"},
    {"POST", "/localorg/reset", control_reset, ROUTE_ALONE, "{\"seed\",\"scale\"}: a fresh org"},
    {"POST", "/localorg/load", control_load, ROUTE_ALONE, "?path=: describe, tree and CSV files"},
    {"GET", "/localorg/schema", control_schema_get, ROUTE_CONTROL, "objects and field counts"},
    {"POST", "/localorg/schema", control_schema, ROUTE_ALONE,
     "describe JSON, or {\"object\",\"fields\":[..]}"},
    {"GET", "/localorg/users", control_users_get, ROUTE_CONTROL, "people of this org"},
    {"POST", "/localorg/users", control_users, ROUTE_CONTROL, "create, change, deny access"},
    {"POST", "/localorg/rules", control_rules, ROUTE_CONTROL, "duplicate and validation rules"},
    {"GET", "/localorg/policies", control_policies_get, ROUTE_CONTROL, "apps, org and users"},
    {"POST PATCH", "/localorg/policies", control_policies, ROUTE_CONTROL,
     "{\"org\":{},\"app\":{},\"user\":{\"username\"}}"},
    {"GET", "/localorg/faults", control_faults_get, ROUTE_CONTROL, "failures on order"},
    {"POST", "/localorg/faults", control_faults, ROUTE_CONTROL, "adds failures"},
    {"DELETE", "/localorg/faults", control_faults_delete, ROUTE_CONTROL, "?name= or all"},
    {"GET", "/localorg/clock", control_clock_get, ROUTE_CONTROL, "the org's time"},
    {"POST", "/localorg/clock", control_clock, ROUTE_CONTROL,
     "{\"shift_ms\"|\"shift_s\"|\"to\",\"freeze\"}"},
    {"GET", "/localorg/limits", control_limits_get, ROUTE_CONTROL, "daily calls and others"},
    {"POST PATCH", "/localorg/limits", control_limits, ROUTE_CONTROL, "sets them"},
    {"GET", "/localorg/events", control_events_get, ROUTE_CONTROL,
     "change data capture: selected objects, clients, replay ids"},
    {"POST PATCH", "/localorg/events", control_events, ROUTE_CONTROL,
     "{\"select\":[\"Account\"],\"gap\",\"forget\",\"disconnect\"}"},
    {"GET", "/localorg/latency", control_latency_get, ROUTE_CONTROL, "added delay"},
    {"POST", "/localorg/latency", control_latency, ROUTE_CONTROL, "{\"ms\"}"},
    {"GET", "/localorg/stats", control_stats, ROUTE_CONTROL, "counts per endpoint"},
    {"DELETE", "/localorg/stats", control_requests_delete, ROUTE_CONTROL, "starts counting anew"},
    {"GET", "/localorg/requests", control_requests, ROUTE_CONTROL, "?limit=&since=&path="},
    {"DELETE", "/localorg/requests", control_requests_delete, ROUTE_CONTROL, "forgets them"},

    /* a third party of the demo: may fail and be slow like Salesforce's surface */
    {"GET", "/localorg/enrich/companies", enrich_companies, ROUTE_OPEN,
     "?domain=: facts about a made-up company"},
};
const size_t route_count = sizeof routes / sizeof *routes;
_Static_assert(sizeof routes / sizeof *routes < ROUTES_MAX, "raise ROUTES_MAX");
