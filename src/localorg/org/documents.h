/* documents.h - JSON kept beside the records: what a report or a list view is
 * made of, results of report runs, answers that may be asked for again.
 *
 * A document has a kind ("report"), an id within its kind, and an instant after
 * which nobody wants it (0 = never). Writes join the caller's transaction when
 * there is one. Reading never sees a document whose time is over. */
#ifndef LOCALORG_ORG_DOCUMENTS_H
#define LOCALORG_ORG_DOCUMENTS_H

#include "base/json.h"
#include "localorg/org/org.h"

/* Adds or replaces. */
enum status org_document_put(struct org *org, const char *kind, const char *id,
                             const struct buf *json, int64_t until_ms, struct err *err);
/* On the arena; NULL when there is none, or on failure with *err set. */
const struct json *org_document_get(struct org *org, const char *kind, const char *id,
                                    struct arena *arena, struct err *err);
/* No error when there is none. */
enum status org_document_drop(struct org *org, const char *kind, const char *id, struct err *err);

/* Every document of a kind, by id; the tree lives until fn returns false or the
 * arena goes. */
typedef bool org_document_fn(void *ctx, const char *id, const struct json *json);
enum status org_document_each(struct org *org, const char *kind, struct arena *arena,
                              org_document_fn *fn, void *ctx, struct err *err);
/* Forgets the documents of a kind whose time is over. */
enum status org_document_expire(struct org *org, const char *kind, struct err *err);

#endif
