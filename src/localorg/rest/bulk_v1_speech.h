/* bulk_v1_speech.h - Bulk API 1 in its two languages: what a request says, and what is answered.
 *
 * A job made with the content type JSON, and a request whose own content type is JSON, are
 * answered in JSON; everything else in XML. Times are those of the format. */
#ifndef LOCALORG_REST_BULK_V1_SPEECH_H
#define LOCALORG_REST_BULK_V1_SPEECH_H

#include "localorg/rest/call.h"

/* --- asking --- */
/* Is the body JSON by its Content-Type? */
bool speech_json_sent(const struct call *call);
/* The text of <name> or of the member; NULL when it is not there. False after answering that
 * the body is no JSON. XML is read as flat elements. */
bool speech_asked(struct call *call, const char *name, const char **out);

/* --- answering --- */
struct speech {
    struct call *call;
    bool json;
    struct buf *out;
    struct jw w;
};

/* Opens the answer: <root> or {. */
void speech_begin(struct speech *speech, struct call *call, bool json, int status,
                  const char *root);
void speech_end(struct speech *speech, const char *root);
void speech_text(struct speech *speech, const char *name, const char *text);
void speech_int(struct speech *speech, const char *name, int64_t value);
void speech_number(struct speech *speech, const char *name, const char *digits);
void speech_when(struct speech *speech, const char *name, int64_t ms);
/* What only JSON says: null, where XML leaves the element out. */
void speech_null(struct speech *speech, const char *name);
/* One of several: <name>..</name>, or an object of the open array. */
void speech_item(struct speech *speech, const char *name);
void speech_item_end(struct speech *speech, const char *name);

#endif
