/* connect.c - the few helpers that every connector shares. */
#include "connect/connect.h"

#include "base/normal.h"

#include "base/str.h"

#include <string.h>

const struct crm_field *crm_object_field(const struct crm_object *object, const char *name)
{
    if (!object || !name)
        return NULL;
    for (size_t i = 0; i < object->field_count; i++)
        if (text_eq_nocase(object->fields[i].name, name))
            return &object->fields[i];
    return NULL;
}

static const char *const classes[] = {
    [CRM_EXECUTED] = "executed", [CRM_NOT_EXECUTED] = "not_executed",
    [CRM_REJECTED] = "rejected", [CRM_UNKNOWN] = "unknown",
    [CRM_EXISTS] = "exists",     [CRM_SEVERAL] = "several",
    [CRM_PAUSE] = "pause",       [CRM_CHANGED] = "changed",
};

const char *crm_class_name(enum crm_class class)
{
    return (size_t) class < sizeof classes / sizeof *classes ? classes[class] : "?";
}

bool crm_class_parse(const char *name, enum crm_class *out)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (text_eq(classes[i], name)) {
            *out = (enum crm_class)i;
            return true;
        }
    return false;
}

const char *crm_grant_name(enum crm_grant grant)
{
    switch (grant) {
    case CRM_GRANT_CODE:
        return "browser sign-in";
    case CRM_GRANT_REFRESH:
        return "refresh token";
    case CRM_GRANT_CLIENT_CREDENTIALS:
        return "client credentials";
    case CRM_GRANT_JWT:
        return "JWT bearer";
    }
    return "?";
}

bool crm_grant_mints(enum crm_grant grant)
{
    return grant == CRM_GRANT_CLIENT_CREDENTIALS || grant == CRM_GRANT_JWT;
}

void crm_tokens_wipe(struct crm_tokens *tokens)
{
    secret_wipe(&tokens->access);
    secret_wipe(&tokens->refresh);
    secret_wipe(&tokens->client_secret);
    secret_wipe(&tokens->private_key);
}

void crm_tokens_copy(struct crm_tokens *to, const struct crm_tokens *from)
{
    secret_copy(&to->access, &from->access);
    secret_copy(&to->refresh, &from->refresh);
    secret_copy(&to->client_secret, &from->client_secret);
    secret_copy(&to->private_key, &from->private_key);
    to->grant = from->grant;
    to->instance_url = from->instance_url;
    to->renewing_ms = from->renewing_ms;
    to->rotates = from->rotates;
}

const char *crm_verdict_name(enum crm_verdict verdict)
{
    static const char *const names[] = {"pass", "warning", "fail", "unknown"};
    return names[verdict];
}

char *crm_normalise(struct arena *arena, enum crm_normal normal, struct value value)
{
    const char *text = value.text ? value.text : "";
    switch (normal) {
    case CRM_DOMAIN:
        return normal_domain(arena, text, value.len);
    case CRM_PHONE:
        return normal_phone(arena, text, value.len);
    case CRM_EMAIL:
        return normal_email(arena, text, value.len);
    case CRM_AS_IS:
        break;
    }
    return str_dup(arena, str_trim((struct str){text, value.len}));
}
