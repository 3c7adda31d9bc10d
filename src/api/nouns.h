/* nouns.h - handlers and shapes of every noun, for the table in routes.c. */
#ifndef ARGIL_API_NOUNS_H
#define ARGIL_API_NOUNS_H

#include "api/api_priv.h"
#include "model/model.h"

/* ---- health.c */
route_fn api_health_live, api_health_ready, api_health_metrics;
extern const struct shape health_shape;

/* ---- session.c: signing in and out, setup, links, one's own account */
route_fn api_session_show, api_session_open, api_session_close, api_session_prove, api_session_list, api_session_end,
    api_session_end_others, api_setup_show, api_setup_do, api_link_accept, api_account_change, api_password_change;
extern const struct shape session_shape, sign_in_body, setup_body, setup_shape, proof_body,
    link_body, account_body, password_body, session_list_shape;

/* ---- users.c: users and tokens */
route_fn api_user_list, api_user_add, api_user_change, api_user_delete, api_user_link, api_user_sessions_end, api_token_list,
    api_token_add, api_token_delete, api_sessions_end_all;
extern const struct shape user_shape, user_list_shape, user_body, user_change_body,
    user_added_shape, token_list_shape, token_body, token_added_shape;

/* ---- tables.c */
route_fn api_table_list, api_table_show, api_table_states, api_table_delete, api_table_auto_update;
extern const struct field table_states_query[];
extern const struct shape table_shape, table_list_shape, table_states_shape, auto_update_body;
void table_write(struct jw *w, const struct table *table);
/* The table of the first path value. */
enum status call_table(struct call *call, struct table *out, struct err *err);

/* ---- recipes.c */
route_fn api_table_recipe, api_recipe_put;
extern const struct shape recipe_shape, recipe_body, recipe_result_shape;

/* Further errors for the answer; the list may go. */
void call_keep_errors(struct call *call, const err_list *errors);

/* ---- preview.c */
route_fn api_preview;
extern const struct shape preview_body, preview_shape;

/* ---- sources.c */
route_fn api_source_key, api_hook_post, api_reject_list, api_schedule_list;
extern const struct shape source_key_shape, hook_receipt_shape, rejects_shape, schedules_shape;

/* ---- merged.c */
route_fn api_merged_list, api_merged_restore, api_merged_restore_all, api_same_preview;
extern const struct field merged_list_query[], same_query[];
extern const struct shape merged_list_shape, merged_restored_shape, same_report_shape;

/* ---- tidy.c */
route_fn api_table_tidy;
extern const struct shape tidy_body, tidied_shape;

/* ---- history.c */
route_fn api_row_history;
extern const struct field row_history_query[];
extern const struct shape row_history_shape;

/* ---- versions.c */
route_fn api_version_list, api_version_show, api_version_restore;
extern const struct field table_version_list_query[];
extern const struct shape table_version_shape, table_version_list_shape, version_restore_body;
void recipe_result_write(struct jw *w, const struct apply_plan *plan, bool dry_run); /* recipes.c */

/* ---- uploads.c */
route_fn api_upload_begin, api_upload_piece, api_upload_show, api_upload_drop, api_upload_take;
extern const struct shape upload_body, upload_shape, upload_take_body;
extern const struct field upload_query[];

/* ---- rows.c */
route_fn api_row_list, api_row_show, api_cell_show;
extern const struct field row_list_query[];
extern const struct shape row_list_shape, row_shape, cell_shape;

/* ---- edits.c: what people type */
route_fn api_cells_put, api_cell_history;
extern const struct shape cells_body, cells_result_shape, cell_history_shape;

/* ---- windows.c */
route_fn api_window, api_row_count, api_sort_make, api_view_list, api_view_put, api_view_forget;
extern const struct field window_query[], count_query[];
extern const struct shape window_shape, count_shape, sort_body, sort_made_shape, view_list_shape, view_body;

/* ---- runs.c */
route_fn api_run_list, api_run_show, api_run_stop, api_run_start, api_sync_start, api_plan_start;
extern const struct field run_list_query[];
extern const struct shape run_shape, run_list_shape, run_body, sync_body, plan_body;
/* Orders a job of the person who asks, and answers with its run. Its scope is the body,
 * unless it has one. */
enum status call_order(struct call *call, struct job_order *job, struct err *err);
void progress_write(struct jw *w, const struct work_progress *at);

/* ---- plans.c */
route_fn api_plan_list, api_plan_show, api_plan_of_run, api_plan_writes, api_plan_decide_write, api_plan_decide,
    api_plan_apply;
extern const struct field plan_list_query[], plan_writes_query[];
extern const struct shape plan_shape, plan_list_shape, plan_writes_shape, plan_write_body, plan_decision_body;

/* ---- undo.c, why.c: what a run wrote, taken back; why a record holds a value */
route_fn api_undo_preview, api_undo_start, api_why;
extern const struct field undo_query[], why_query[];
extern const struct shape undo_preview_shape, undo_body, why_shape;

/* ---- contracts.c: the field contract of a connection */
route_fn api_contract_show, api_contract_put, api_contract_versions, api_contract_report, api_contract_csv;
extern const struct field contract_query[];
extern const struct shape contract_shape, contract_body, contract_change_shape, contract_versions_shape,
    contract_report_shape;

/* ---- lanes.c: the connection of a route whose path names none */
const char *lane_of_plan(struct call *call);
const char *lane_of_run(struct call *call);
const char *lane_of_operation(struct call *call);
const char *lane_of_query(struct call *call); /* ?connection= */

/* ---- doubts.c */
route_fn api_doubt_card;
extern const struct field doubt_query[];
extern const struct shape doubt_shape;

/* ---- journal.c */
route_fn api_journal_list, api_journal_show, api_journal_counts, api_journal_settle;
extern const struct field journal_query[];
extern const struct shape operation_shape, journal_list_shape, journal_counts_shape, verdict_body;
void operation_write(struct jw *w, const struct op *op);
/* The operation of the first path value. */
enum status call_operation(struct call *call, struct op *out, struct err *err);

/* ---- connections.c */
route_fn api_connection_list, api_connection_show, api_connection_change, api_connection_delete,
    api_connection_doctor, api_access_show, api_access_put;
extern const struct shape connection_shape, connection_list_shape, connection_change_body,
    finding_shape, findings_shape, access_shape;
/* The connection of the first path value. */
enum status call_connection(struct call *call, struct connection *out, struct err *err);
void findings_write(struct jw *w, const struct crm_findings *found); /* a list */

/* ---- describe.c */
route_fn api_connection_identity, api_connection_objects, api_connection_fields_list,
    api_connection_permset;
extern const struct shape identity_shape, objects_shape, fields_shape, permset_shape;
route_fn api_gate_list, api_gate_decide; /* gates.c */
extern const struct shape gate_list_shape, gate_body;
route_fn api_connection_seal; /* seal.c */
extern const struct shape seal_body, seal_shape;
extern const struct field permset_query[];

/* ---- signin.c */
route_fn api_signin_start, api_signin_show, api_signin_callback, api_callback_url,
    api_signin_machine;
extern const struct shape signin_body, signin_started_shape, signin_state_shape,
    callback_url_shape, machine_body;
extern const struct field callback_query[];

/* ---- kinds.c: what forms are made of */
route_fn api_kind_list, api_source_kind_list;
extern const struct shape kind_list_shape, source_kind_list_shape;

/* ---- audit.c */
route_fn api_audit_list, api_audit_check;
extern const struct field audit_query[];
extern const struct shape audit_list_shape, audit_check_shape;

/* ---- secrets.c */
route_fn api_secret_list, api_secret_put, api_secret_delete;
extern const struct shape secret_list_shape, secret_body;

/* ---- events.c, openapi.c */
route_fn api_events_open, api_openapi_show, api_openapi_page;
extern const struct field events_query[];

/* ---- graph.c */
route_fn api_table_graph;
extern const struct shape graph_shape;

/* ---- alerts.c */
route_fn api_alert_list, api_alert_see, api_alert_see_all, api_alert_settings_show,
    api_alert_settings_put, api_alert_test;
extern const struct field alert_query_fields[];
extern const struct shape alert_shape, alert_list_shape, alert_settings_shape, alert_settings_body;

/* ---- source_peek.c */
route_fn api_source_peek;
extern const struct shape source_peek_body, source_peek_shape;

/* ---- holds.c, promise.c */
route_fn api_hold_list, api_hold_release, api_column_promise;
extern const struct shape hold_list_shape, release_body, promise_shape;

#endif
