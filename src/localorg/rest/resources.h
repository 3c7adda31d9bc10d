/* resources.h - the route functions, by the file they live in. */
#ifndef LOCALORG_REST_RESOURCES_H
#define LOCALORG_REST_RESOURCES_H

#include "localorg/rest/routes.h"

/* authorize.c, pages.c: the browser's side of sign-in */
route_fn oauth_authorize, consent_page, consent_submit, login_page, login_submit, login_logout,
    oauth_error_page, oauth_success, oauth_echo, favicon;
/* token.c */
route_fn oauth_token, oauth_revoke, oauth_introspect;
/* identity.c */
route_fn oauth_userinfo, identity, oauth_discovery, oauth_keys;
/* versions.c */
route_fn versions, version_resources, not_built, switched_off;
/* soap.c, deploys.c */
route_fn soap_partner, soap_enterprise, soap_metadata, deploy_request, deploy_request_status;
/* sobjects.c */
route_fn sobjects_global, sobject_basic, sobject_describe;
/* layouts.c, defaults.c, quick_actions.c, looks.c, odds.c */
route_fn layouts_list, layouts_one, layouts_named, layouts_approval, layouts_compact,
    layouts_compact_one, layouts_compact_many, sobject_defaults, quick_actions_list,
    quick_actions_describe, quick_actions_defaults, quick_actions_run, tabs_list, theme, app_menus,
    app_menu, actions_kinds, actions_custom, actions_list, user_password, case_articles,
    event_series, record_page;
/* ui_objects.c, ui_records.c */
route_fn ui_objects_list, ui_object_get, ui_objects_batch, ui_picklists, ui_record_get,
    ui_records_batch, ui_record_create, ui_record_change, ui_defaults_create, ui_defaults_clone;
/* rows.c, keys.c, related.c */
route_fn rows_create, rows_get, rows_update, rows_delete, rows_create_by_id, keys_get, keys_upsert,
    keys_delete, rows_related;
/* replication.c */
route_fn replication_updated, replication_deleted;
/* query.c, search.c, tooling.c */
route_fn query_run, query_all, query_more, search_sosl, search_parameterized, search_scope_order,
    search_layout, search_suggestions, tooling_resources, tooling_query, tooling_sobjects,
    tooling_describe, tooling_create, tooling_get, tooling_change;
/* limits.c */
route_fn limits_list, limits_record_count, recent_items;
/* composite.c, batch.c, tree.c, collections.c */
route_fn composite_resources, composite_run, batch_run, graph_run, tree_create, collection_create,
    collection_update, collection_delete, collection_get, collection_read, collection_upsert;
/* listviews.c */
route_fn listviews_list, listviews_one, listviews_describe, listviews_results, control_listviews;
/* reports.c, report_instances.c */
route_fn analytics_resources, reports_list, reports_create, reports_run, reports_change,
    reports_delete, reports_describe, reports_query, report_types_list, report_types_describe,
    report_operators, report_instances_list, report_instances_create, report_instances_get,
    report_instances_delete, dashboards_list, dashboards_one, control_reports;
/* bulk_v1.c */
route_fn bulk_v1_jobs, bulk_v1_job, bulk_v1_batches, bulk_v1_batch, bulk_v1_request, bulk_v1_result,
    bulk_v1_rows;
/* An error of /services/async as XML: what dispatch answers too. */
route_fn bulk_v1_speak;
/* bulk_ingest.c, bulk_query.c */
route_fn bulk_ingest_jobs, bulk_ingest_job, bulk_ingest_upload, bulk_ingest_results,
    bulk_query_jobs, bulk_query_job, bulk_query_results;
/* cometd.c, event_routes.c: streaming */
route_fn cometd_messages, event_schema_of, event_schema_by_id, channel_push, control_events_get,
    control_events;
/* locks.c */
route_fn control_locks_get, control_locks, control_locks_delete;
/* control.c, control_org.c, home.c */
route_fn control_help, control_token, control_expire, control_revoke, control_reset, control_load,
    control_schema_get, control_schema, control_users_get, control_users, control_rules,
    control_sharing_get, control_sharing, control_policies_delete, control_scenario, control_replay,
    control_sandbox_refresh, control_policies_get, control_policies, control_faults_get,
    control_faults, control_faults_delete, control_clock_get, control_clock, control_limits_get,
    control_limits, control_latency_get, control_latency, control_stats, control_requests,
    control_requests_delete, enrich_companies, home_page;

#endif
