/* topics.h - PushTopics: which changes they notify, and of what.
 *
 * The topics of an org are read from its PushTopic records and read again
 * whenever one of those changes; each change of a record of their objects is
 * then judged inside its transaction. Everything happens under the org's write
 * lock. Source: api_streaming guide, NotifyForFields and NotifyForOperations. */
#ifndef LOCALORG_REST_TOPICS_H
#define LOCALORG_REST_TOPICS_H

#include "localorg/org/events.h"

struct topics;

/* Never NULL; err says when the topics could not be read. Lives as long as the org. */
struct topics *topics_new(struct org *org, struct err *err);
void topics_free(struct topics *topics); /* NULL is fine; after the org is closed */

#endif
