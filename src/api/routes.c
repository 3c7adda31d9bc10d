/* routes.c - THE table: every address, its handler, who may, what goes in and out.
 * A row is all there is to adding a route: checking, the document, the reference
 * page and the tests of roles follow from it. Where two rows could match, the one
 * without a value in that place comes first. */
#include "api/nouns.h"

#define V1     API_ROOT
#define TABLE  V1 "/tables/{table}"
#define PERSON ROLE_VIEWER /* whoever is signed in */

const struct route routes[] = {
    /* method, path, handler, who may, flags, tag, summary, query, body, answer, status, errors */
    {M_GET, "/healthz", api_health_live, ROLE_NOBODY, R_PLAIN, "Operations", "Is the server up?", NULL, NULL, &health_shape, 0, "503"},
    {M_GET, "/readyz", api_health_ready, ROLE_NOBODY, R_PLAIN, "Operations", "May it be sent work?", NULL, NULL, &health_shape, 0, "503"},
    {M_GET, "/metrics", api_health_metrics, ROLE_ADMIN, R_PLAIN, "Operations", "Counts, for Prometheus", NULL, NULL, NULL, 0, NULL},
    {M_GET, V1 "/openapi.json", api_openapi_show, ROLE_NOBODY, R_PLAIN, "Operations", "This document", NULL, NULL, NULL, 0, NULL},
    {M_GET, V1 "/", api_openapi_page, ROLE_NOBODY, R_PLAIN | R_HIDDEN, "Operations", "This page", NULL, NULL, NULL, 0, NULL},
    {M_GET, V1 "/events", api_events_open, PERSON, R_STREAM, "Events", "What changes, as it changes (server-sent events)", events_query, NULL, NULL, 0, "503"},

    {M_GET, V1 "/setup", api_setup_show, ROLE_NOBODY, 0, "Signing in", "Has the workspace no users yet?", NULL, NULL, &setup_shape, 0, NULL},
    {M_POST, V1 "/setup", api_setup_do, ROLE_NOBODY, R_WRITES | R_OPEN, "Signing in", "Make the first account with the link that the server printed", NULL, &setup_body, &session_shape, 201, "409"},
    {M_POST, V1 "/session", api_session_open, ROLE_NOBODY, R_WRITES | R_OPEN, "Signing in", "Sign in", NULL, &sign_in_body, &session_shape, 201, "401"},
    {M_GET, V1 "/session", api_session_show, PERSON, 0, "Signing in", "Who is signed in, and the session's CSRF token", NULL, NULL, &session_shape, 0, NULL},
    {M_DELETE, V1 "/session", api_session_close, PERSON, R_WRITES | R_PERSON, "Signing in", "Sign out", NULL, NULL, NULL, 0, NULL},
    {M_POST, V1 "/session/proof", api_session_prove, PERSON, R_WRITES | R_PERSON, "Signing in", "Give the password again, for what wants a fresh one", NULL, &proof_body, &session_shape, 200, NULL},
    {M_POST, V1 "/link", api_link_accept, ROLE_NOBODY, R_WRITES | R_OPEN, "Signing in", "Use an invitation or a link for a new password", NULL, &link_body, &session_shape, 201, NULL},

    {M_PATCH, V1 "/account", api_account_change, PERSON, R_WRITES, "Own account", "Change one's name or time zone", NULL, &account_body, &session_shape, 0, NULL},
    {M_POST, V1 "/account/password", api_password_change, PERSON, R_WRITES | R_PERSON, "Own account", "Change one's password; ends one's other sessions", NULL, &password_body, NULL, 0, NULL},
    {M_GET, V1 "/sessions", api_session_list, PERSON, 0, "Own account", "One's open sessions", NULL, NULL, &session_list_shape, 0, NULL},
    {M_DELETE, V1 "/sessions", api_session_end_others, PERSON, R_WRITES | R_PERSON, "Own account", "End one's other sessions", NULL, NULL, NULL, 0, NULL},
    {M_DELETE, V1 "/sessions/{session}", api_session_end, PERSON, R_WRITES, "Own account", "End a session: one's own, or any as an admin", NULL, NULL, NULL, 0, NULL},
    {M_GET, V1 "/tokens", api_token_list, PERSON, 0, "Own account", "One's API tokens", NULL, NULL, &token_list_shape, 0, NULL},
    {M_POST, V1 "/tokens", api_token_add, PERSON, R_WRITES | R_PROVED, "Own account", "Make an API token; its text is shown once", NULL, &token_body, &token_added_shape, 201, NULL},
    {M_DELETE, V1 "/tokens/{token}", api_token_delete, PERSON, R_WRITES, "Own account", "Delete a token: one's own, or any as an admin", NULL, NULL, NULL, 0, NULL},

    {M_GET, V1 "/users", api_user_list, ROLE_ADMIN, 0, "Users", "All users", NULL, NULL, &user_list_shape, 0, NULL},
    {M_POST, V1 "/users", api_user_add, ROLE_ADMIN, R_WRITES | R_PROVED, "Users", "Invite a user; answers with a link to hand over", NULL, &user_body, &user_added_shape, 201, "409"},
    {M_PATCH, V1 "/users/{user}", api_user_change, ROLE_ADMIN, R_WRITES | R_PROVED, "Users", "Change a user's login, name, role, or disable them", NULL, &user_change_body, &user_shape, 0, "409"},
    {M_DELETE, V1 "/users/{user}", api_user_delete, ROLE_ADMIN, R_WRITES | R_PROVED, "Users", "Delete a user with sessions and tokens", NULL, NULL, NULL, 0, "409"},
    {M_POST, V1 "/users/{user}/link", api_user_link, ROLE_ADMIN, R_WRITES | R_PROVED, "Users", "A new link to set a password", NULL, NULL, &user_added_shape, 201, "409"},
    {M_DELETE, V1 "/users/all/sessions", api_sessions_end_all, ROLE_ADMIN, R_WRITES, "Users", "End everybody's sessions but this one", NULL, NULL, NULL, 0, NULL},
    {M_DELETE, V1 "/users/{user}/sessions", api_user_sessions_end, ROLE_ADMIN, R_WRITES, "Users", "End a user's sessions", NULL, NULL, NULL, 0, NULL},

    {M_GET, V1 "/tables", api_table_list, PERSON, 0, "Tables", "All tables with their columns", NULL, NULL, &table_list_shape, 0, NULL},
    {M_GET, TABLE, api_table_show, PERSON, 0, "Tables", "One table", NULL, NULL, &table_shape, 0, NULL},
    {M_DELETE, TABLE, api_table_delete, ROLE_BUILDER, R_WRITES, "Tables", "Delete a table and its rows (nothing in the org)", NULL, NULL, NULL, 0, "409"},
    {M_GET, TABLE "/states", api_table_states, PERSON, 0, "Tables", "How many cells of each column are in which state, and how many rows wait", table_states_query, NULL, &table_states_shape, 0, NULL},
    {M_PUT, TABLE "/auto-update", api_table_auto_update, ROLE_BUILDER, R_WRITES, "Tables", "Switch auto-update on or off", NULL, &auto_update_body, &table_shape, 0, "503"},
    {M_GET, TABLE "/recipe", api_table_recipe, PERSON, 0, "Tables", "The table as a recipe", NULL, NULL, &recipe_shape, 0, NULL},
    {M_POST, V1 "/recipes", api_recipe_put, ROLE_BUILDER, R_WRITES | R_ORG | R_LARGE, "Tables", "Check a recipe against the org, and apply it as a whole unless it is a dry run", NULL, &recipe_body, &recipe_result_shape, 200, "409"},
    {M_GET, TABLE "/rows", api_row_list, PERSON, 0, "Rows", "A window of rows", row_list_query, NULL, &row_list_shape, 0, NULL},
    {M_GET, TABLE "/rows/{row}", api_row_show, PERSON, 0, "Rows", "One row, uncut", NULL, NULL, &row_shape, 0, NULL},
    {M_GET, TABLE "/rows/{row}/cells/{column}", api_cell_show, PERSON, 0, "Rows", "A cell with its inputs and its newest operation", NULL, NULL, &cell_shape, 0, NULL},
    {M_GET, TABLE "/rows/{row}/cells/{column}/edits", api_cell_history, PERSON, 0, "Rows", "What people typed into a cell, and what was there before", NULL, NULL, &cell_history_shape, 0, NULL},
    {M_PUT, TABLE "/cells", api_cells_put, ROLE_RUNNER, R_WRITES | R_LARGE, "Rows", "Type into cells of input columns: one, or a pasted block", NULL, &cells_body, &cells_result_shape, 200, "503"},
    {M_GET, TABLE "/window", api_window, PERSON, 0, "Rows", "A window of rows by any sort and filter", window_query, NULL, &window_shape, 0, NULL},
    {M_GET, TABLE "/count", api_row_count, PERSON, 0, "Rows", "How many rows pass a filter", count_query, NULL, &count_shape, 0, NULL},
    {M_POST, TABLE "/sorts", api_sort_make, PERSON, R_WRITES, "Rows", "Make the index that a sort needs to be quick", NULL, &sort_body, &sort_made_shape, 200, NULL},
    {M_GET, TABLE "/views", api_view_list, PERSON, 0, "Rows", "Kept ways of looking at the table", NULL, NULL, &view_list_shape, 0, NULL},
    {M_PUT, TABLE "/views/{view}", api_view_put, ROLE_RUNNER, R_WRITES, "Rows", "Keep a view, in place of the one with its name", NULL, &view_body, &view_list_shape, 200, NULL},
    {M_DELETE, TABLE "/views/{view}", api_view_forget, ROLE_RUNNER, R_WRITES, "Rows", "Forget a view; no row is touched", NULL, NULL, NULL, 0, NULL},
    {M_GET, V1 "/column-kinds", api_kind_list, PERSON, 0, "Tables", "What a column can do, with the options of each kind", NULL, NULL, &kind_list_shape, 0, NULL},

    {M_GET, V1 "/source-kinds", api_source_kind_list, PERSON, 0, "Tables", "Where rows can come from, with the options of each kind", NULL, NULL, &source_kind_list_shape, 0, NULL},
    {M_POST, TABLE "/preview", api_preview, ROLE_BUILDER, R_ORG, "Tables", "What a column that is not there yet would give for some rows", NULL, &preview_body, &preview_shape, 200, "409"},
    {M_GET, V1 "/schedules", api_schedule_list, PERSON, 0, "Tables", "When each source is due", NULL, NULL, &schedules_shape, 0, NULL},
    {M_POST, TABLE "/sources/{source}/key", api_source_key, ROLE_BUILDER, R_WRITES, "Tables", "A new key for a webhook; the old one ends", NULL, NULL, &source_key_shape, 201, "409"},
    {M_POST, V1 "/hooks/{table}/{source}", api_hook_post, ROLE_NOBODY, R_WRITES | R_OPEN | R_RAW | R_LARGE, "Webhooks", "Send rows: a JSON object or a list of some, with Authorization: Bearer KEY (and Idempotency-Key)", NULL, NULL, &hook_receipt_shape, 202, "401 503"},
    {M_GET, TABLE "/sources/{source}/rejects", api_reject_list, PERSON, 0, "Tables", "Rows that the last reading of a source could not take", NULL, NULL, &rejects_shape, 0, NULL},

    {M_POST, V1 "/uploads", api_upload_begin, ROLE_RUNNER, 0, "Uploads", "Begin to send a file in pieces", NULL, &upload_body, &upload_shape, 201, "409"},
    {M_GET, V1 "/uploads/{upload}", api_upload_show, ROLE_RUNNER, 0, "Uploads", "How much of it has come", NULL, NULL, &upload_shape, 0, NULL},
    {M_PUT, V1 "/uploads/{upload}", api_upload_piece, ROLE_RUNNER, R_BYTES, "Uploads", "The next piece", upload_query, NULL, &upload_shape, 0, "409"},
    {M_DELETE, V1 "/uploads/{upload}", api_upload_drop, ROLE_RUNNER, 0, "Uploads", "Forget it", NULL, NULL, NULL, 0, "409"},
    {M_POST, TABLE "/uploads", api_upload_take, ROLE_RUNNER, R_WRITES, "Uploads", "Read an uploaded file into the table", NULL, &upload_take_body, &run_shape, 202, "409 503"},

    {M_GET, V1 "/runs", api_run_list, PERSON, 0, "Runs", "Runs and syncs, newest first", run_list_query, NULL, &run_list_shape, 0, "404"},
    {M_GET, V1 "/runs/{run}", api_run_show, PERSON, 0, "Runs", "One run, with its progress", NULL, NULL, &run_shape, 0, NULL},
    {M_POST, V1 "/runs/{run}/stop", api_run_stop, ROLE_RUNNER, R_WRITES, "Runs", "Stop at the next batch; what was sent cannot be recalled", NULL, NULL, &run_shape, 0, "409"},
    {M_POST, TABLE "/runs", api_run_start, ROLE_RUNNER, R_WRITES, "Runs", "Run columns over some rows", NULL, &run_body, &run_shape, 202, "409 503"},
    {M_POST, TABLE "/plans", api_plan_start, ROLE_RUNNER, R_WRITES, "Runs", "Find out what a run would write; nothing is sent", NULL, &plan_body, &run_shape, 202, "409 503"},
    {M_GET, V1 "/runs/{run}/plan", api_plan_of_run, PERSON, 0, "Plans", "The plan that a dry run made", NULL, NULL, &plan_shape, 0, NULL},
    {M_GET, V1 "/runs/{run}/undo", api_undo_preview, ROLE_RUNNER, R_ORG, "Runs", "What taking back a run's writes would do, from the org as it is now", undo_query, NULL, &undo_preview_shape, 0, "409 422", lane_of_run},
    {M_POST, V1 "/runs/{run}/undo", api_undo_start, ROLE_BUILDER, R_WRITES, "Runs", "Take back what a run wrote, where the org still holds it", NULL, &undo_body, &run_shape, 202, "409 503"},
    {M_GET, V1 "/plans", api_plan_list, PERSON, 0, "Plans", "Plans, newest first", plan_list_query, NULL, &plan_list_shape, 0, "404"},
    {M_GET, V1 "/plans/{plan}", api_plan_show, PERSON, 0, "Plans", "One plan, counted", NULL, NULL, &plan_shape, 0, NULL},
    {M_GET, V1 "/plans/{plan}/writes", api_plan_writes, PERSON, 0, "Plans", "Its writes, field by field, and what is blocked", plan_writes_query, NULL, &plan_writes_shape, 0, "422"},
    {M_PUT, V1 "/plans/{plan}/writes/{column}/{row}", api_plan_decide_write, ROLE_BUILDER, R_WRITES | R_ORG, "Plans", "Reject, edit or restore one write of a plan that waits", NULL, &plan_write_body, &plan_shape, 0, "409", lane_of_plan},
    {M_POST, V1 "/plans/{plan}/decision", api_plan_decide, ROLE_BUILDER, R_WRITES, "Plans", "Approve or reject a plan", NULL, &plan_decision_body, &plan_shape, 200, "409"},
    {M_POST, V1 "/plans/{plan}/apply", api_plan_apply, ROLE_RUNNER, R_WRITES, "Plans", "Write exactly what an approved plan holds", NULL, NULL, &run_shape, 202, "409 503"},
    {M_POST, TABLE "/syncs", api_sync_start, ROLE_RUNNER, R_WRITES, "Runs", "Bring rows up to date from their sources", NULL, &sync_body, &run_shape, 202, "409 503"},

    {M_GET, V1 "/journal", api_journal_list, PERSON, 0, "Journal", "Operations", journal_query, NULL, &journal_list_shape, 0, "404"},
    {M_GET, V1 "/journal/counts", api_journal_counts, PERSON, 0, "Journal", "How many operations are in which state", NULL, NULL, &journal_counts_shape, 0, NULL},
    {M_GET, V1 "/journal/{operation}", api_journal_show, PERSON, 0, "Journal", "One operation", NULL, NULL, &operation_shape, 0, NULL},
    {M_POST, V1 "/journal/{operation}/verdict", api_journal_settle, ROLE_RUNNER, R_WRITES | R_ORG, "Journal", "Settle an operation in doubt, or put it off", NULL, &verdict_body, &operation_shape, 200, "409", lane_of_operation},
    {M_GET, V1 "/journal/{operation}/card", api_doubt_card, PERSON, R_ORG, "Journal", "An operation in doubt with all that is known of it", doubt_query, NULL, &doubt_shape, 0, "409 422", lane_of_operation},
    {M_GET, V1 "/records/{record}/why", api_why, PERSON, R_ORG, "Journal", "Why does this record hold these values?", why_query, NULL, &why_shape, 0, "409 422", lane_of_query},

    {M_GET, V1 "/connections", api_connection_list, PERSON, 0, "Connections", "All connections", NULL, NULL, &connection_list_shape, 0, NULL},
    {M_GET, V1 "/connections/{connection}", api_connection_show, PERSON, 0, "Connections", "One connection", NULL, NULL, &connection_shape, 0, NULL},
    {M_PATCH, V1 "/connections/{connection}", api_connection_change, ROLE_ADMIN, R_WRITES, "Connections", "Change its call budget, or make it the default", NULL, &connection_change_body, &connection_shape, 0, NULL},
    {M_DELETE, V1 "/connections/{connection}", api_connection_delete, ROLE_ADMIN, R_WRITES | R_ORG | R_PROVED, "Connections", "Revoke the grant and forget the connection", NULL, NULL, NULL, 0, "409"},
    {M_GET, V1 "/callback-url", api_callback_url, PERSON, 0, "Connections", "What to list in the connected app", NULL, NULL, &callback_url_shape, 0, NULL},
    {M_POST, V1 "/connections/{connection}/signin", api_signin_start, ROLE_ADMIN, R_WRITES | R_PROVED | R_PERSON, "Connections", "Begin to sign in through the browser: connect, or reconnect in place", NULL, &signin_body, &signin_started_shape, 201, NULL},
    {M_GET, V1 "/connections/{connection}/signin", api_signin_show, ROLE_ADMIN, 0, "Connections", "How the last sign-in for this name ended", NULL, NULL, &signin_state_shape, 0, NULL},
    {M_POST, V1 "/connections/{connection}/machine-signin", api_signin_machine, ROLE_ADMIN, R_WRITES | R_ORG | R_PROVED, "Connections", "Sign in without a browser", NULL, &machine_body, &connection_shape, 201, "409"},
    {M_GET, "/oauth/callback", api_signin_callback, ROLE_NOBODY, R_WRITES | R_ORG | R_PLAIN | R_HIDDEN | R_LAX, "Connections", "Where the org sends the browser back to", callback_query, NULL, NULL, 0, NULL, signin_lane},
    {M_GET, V1 "/connections/{connection}/access", api_access_show, PERSON, 0, "Connections", "Who may build with it", NULL, NULL, &access_shape, 0, NULL},
    {M_PUT, V1 "/connections/{connection}/access", api_access_put, ROLE_ADMIN, R_WRITES, "Connections", "Say who may build with it", NULL, &access_shape, &access_shape, 0, NULL},
    {M_GET, V1 "/connections/{connection}/identity", api_connection_identity, ROLE_BUILDER, R_ORG, "Connections", "The OAuth user as the org tells of it, and the API limit", NULL, NULL, &identity_shape, 0, "409"},
    {M_GET, V1 "/connections/{connection}/permission-set", api_connection_permset, ROLE_BUILDER, R_ORG, "Connections", "The smallest permission set that the tables need", permset_query, NULL, &permset_shape, 0, "409"},
    {M_POST, V1 "/connections/{connection}/doctor", api_connection_doctor, ROLE_BUILDER, R_ORG, "Connections", "Check everything that may be in the way", NULL, NULL, &findings_shape, 200, "409"},
    {M_GET, V1 "/connections/{connection}/objects", api_connection_objects, ROLE_BUILDER, R_ORG, "Connections", "Objects that the OAuth user can see", NULL, NULL, &objects_shape, 0, "409"},
    {M_GET, V1 "/connections/{connection}/objects/{object}/fields", api_connection_fields_list, ROLE_BUILDER, R_ORG, "Connections", "Fields of an object, with what may be written", NULL, NULL, &fields_shape, 0, "409"},

    {M_GET, V1 "/connections/{connection}/contract", api_contract_show, PERSON, 0, "Field contract", "What may be written to the org, field by field", contract_query, NULL, &contract_shape, 0, NULL},
    {M_PUT, V1 "/connections/{connection}/contract", api_contract_put, ROLE_ADMIN, R_WRITES | R_ORG, "Field contract", "Check a contract against the org and store it as the next version", NULL, &contract_body, &contract_change_shape, 200, "409"},
    {M_GET, V1 "/connections/{connection}/contract/versions", api_contract_versions, PERSON, 0, "Field contract", "Its versions, newest first", NULL, NULL, &contract_versions_shape, 0, NULL},
    {M_GET, V1 "/connections/{connection}/contract/report", api_contract_report, PERSON, 0, "Field contract", "Every field that a column writes or the contract lists", NULL, NULL, &contract_report_shape, 0, NULL},
    {M_GET, V1 "/connections/{connection}/contract.csv", api_contract_csv, PERSON, R_PLAIN, "Field contract", "Its fields as a sheet", contract_query, NULL, NULL, 0, NULL},

    {M_GET, V1 "/audit", api_audit_list, ROLE_ADMIN, 0, "Audit", "Who did what, newest first", audit_query, NULL, &audit_list_shape, 0, NULL},
    {M_GET, V1 "/audit/check", api_audit_check, ROLE_ADMIN, 0, "Audit", "Is the chain of its lines whole?", NULL, NULL, &audit_check_shape, 0, "409"},

    {M_GET, V1 "/secrets", api_secret_list, ROLE_BUILDER, 0, "Secrets", "Names of secrets", NULL, NULL, &secret_list_shape, 0, NULL},
    {M_PUT, V1 "/secrets/{secret}", api_secret_put, ROLE_BUILDER, R_WRITES, "Secrets", "Store a secret, sealed; it cannot be read back", NULL, &secret_body, NULL, 0, NULL},
    {M_DELETE, V1 "/secrets/{secret}", api_secret_delete, ROLE_BUILDER, R_WRITES, "Secrets", "Delete a secret", NULL, NULL, NULL, 0, NULL},

    {M_POST, V1 "/connections/{connection}/seal", api_connection_seal, ROLE_ADMIN, R_WRITES | R_ORG, "Connections", "Give an object the unique key field that seals its new records", NULL, &seal_body, &seal_shape, 200, "409"},

    {M_GET, TABLE "/graph", api_table_graph, PERSON, 0, "Tables", "Which column reads which, what is computed first first", NULL, NULL, &graph_shape, 0, NULL},

    {M_GET, V1 "/alerts", api_alert_list, PERSON, 0, "Alerts", "What argil had to tell, newest first", alert_query_fields, NULL, &alert_list_shape, 0, "404"},
    {M_POST, V1 "/alerts/seen", api_alert_see_all, ROLE_RUNNER, R_WRITES, "Alerts", "All of them have been seen", NULL, NULL, NULL, 0, NULL},
    {M_POST, V1 "/alerts/{alert}/seen", api_alert_see, ROLE_RUNNER, R_WRITES, "Alerts", "It has been seen", NULL, NULL, NULL, 0, NULL},
    {M_GET, V1 "/alert-settings", api_alert_settings_show, ROLE_ADMIN, 0, "Alerts", "Where alerts go", NULL, NULL, &alert_settings_shape, 0, NULL},
    {M_PUT, V1 "/alert-settings", api_alert_settings_put, ROLE_ADMIN, R_WRITES | R_PROVED, "Alerts", "Say where alerts go; what is left out is taken away", NULL, &alert_settings_body, &alert_settings_shape, 0, NULL},
    {M_POST, V1 "/alert-settings/test", api_alert_test, ROLE_ADMIN, R_WRITES, "Alerts", "Send a test by every way that is set up", NULL, NULL, &alert_shape, 201, NULL},
    {M_GET, V1 "/tables/{table}/gates", api_gate_list, PERSON, 0, "Tables", "What holds its writes back until a person says so", NULL, NULL, &gate_list_shape, 0, NULL},
    {M_POST, V1 "/tables/{table}/gates", api_gate_decide, ROLE_BUILDER, R_WRITES | R_ORG, "Tables", "Approve or stop a canary batch, or unlock a table that was built on a Test Env", NULL, &gate_body, &gate_list_shape, 200, "409"},
};
const size_t route_count = sizeof routes / sizeof *routes;
