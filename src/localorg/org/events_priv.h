/* events_priv.h - what events.c, capture.c and event_json.c share. */
#ifndef LOCALORG_ORG_EVENTS_PRIV_H
#define LOCALORG_ORG_EVENTS_PRIV_H

#include "localorg/org/dml_priv.h"
#include "localorg/org/events.h"

/* --- event_json.c: what a change event looks like --- */

struct change_message {
    const struct sobject *object;
    const char *kind; /* "UPDATE" */
    const char *user, *origin, *key;
    int64_t commit_ms, commit_number, sequence;
    const char *const *ids;
    size_t id_count;
    const char *payload; /* members of the payload before the header, ending in a comma, or "" */
    const char *changed; /* JSON array */
    const char *schema_id;
};
/* An org_event_writer; ctx is a struct change_message. */
void change_message_write(struct jw *w, int64_t replay_id, void *ctx);

/* The payload's members: values of `after` where `changed` (NULL: all that are
 * not empty). Every member ends in a comma. */
void change_payload(struct buf *out, const struct sobject *object, const struct cell *after,
                    const bool *changed);
/* ["Name","BillingAddress.City"] */
void change_names(struct buf *out, const struct sobject *object, const bool *changed);
void change_value(struct jw *w, const struct field *field, const struct cell *cell);

#endif
