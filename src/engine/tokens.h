/* tokens.h - the sign-ins of connections, kept by the engine, and what their orgs
 * said of their objects.
 *
 * Tokens of a connection are one sealed text under "token:<connection id>", with
 * the org they are for inside. A session gets a keeper: it loads them, stores
 * renewed ones durably before the connector goes on (a rotated refresh token that
 * is lost is a lost connection), holds the lease that lets one thread of one
 * process renew, and marks the connection when the grant is gone. */
#ifndef ARGIL_ENGINE_TOKENS_H
#define ARGIL_ENGINE_TOKENS_H

#include "engine/engine.h"

#define STATUS_CONNECTED "connected"
#define STATUS_RECONNECT "reconnect needed"

/* What the connector holds on to; the engine's until engine_release. */
const struct crm_token_store *tokens_keeper(struct engine *engine,
                                            const struct connection *connection);

/* What the connection's org said of its objects, for its user; likewise. */
const struct crm_kept *describes_keeper(struct engine *engine,
                                        const struct connection *connection);

enum status tokens_put(struct engine *engine, const struct connection *connection,
                       const struct crm_tokens *tokens, struct err *err);
/* Adds to *out, which the caller wipes; instance_url is on the arena.
 * ERR_CRM_WRONG_ORG when they were sealed for another org. */
enum status tokens_get(struct engine *engine, const struct connection *connection,
                       struct arena *arena, struct crm_tokens *out, struct err *err);
enum status tokens_forget(struct engine *engine, const struct connection *connection,
                          struct err *err);

#endif
