/* connect_machine.c - `argil connect` without a browser: what each way needs.
 *
 *   --client-credentials     key, secret, My Domain
 *   --jwt-key-file FILE      key, private key, username, login host
 *   --sfdx-auth-url-file     all in one line: force://KEY:SECRET:REFRESH@HOST,
 *                            or the JSON of `sf org display --verbose --json` */
#include "cli/connect_priv.h"

#include "base/str.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define SECRET_FILE_MAX 65536

enum status connect_secret(const char *file, const char *variable, struct secret *out,
                           struct err *err)
{
    const char *value = variable ? getenv(variable) : NULL;
    if (!file) {
        if (value && *value)
            secret_set(out, value, strlen(value));
        return OK;
    }
    FILE *in = text_eq(file, "-") ? stdin : fopen(file, "r");
    if (!in)
        return err_set(err, ERR_IO, "cannot read %s: %s", file, strerror(errno));
    char *text = mem_alloc(SECRET_FILE_MAX);
    size_t len = fread(text, 1, SECRET_FILE_MAX - 1, in);
    if (in != stdin)
        fclose(in);
    struct str s = str_trim((struct str){text, len});
    enum status rc = s.n ? OK : err_set(err, ERR_INVALID, "%s is empty", file);
    if (rc == OK)
        secret_set(out, s.p, s.n);
    sodium_memzero(text, SECRET_FILE_MAX);
    free(text);
    return rc;
}

void connect_signin_wipe(struct crm_signin *signin)
{
    secret_wipe(&signin->client_secret);
    secret_wipe(&signin->verifier);
    secret_wipe(&signin->private_key);
    secret_wipe(&signin->refresh);
}

/* ------------------------------------------------------------ which way */

enum crm_grant connect_way(const struct args *args)
{
    return args_has(args, "client-credentials")   ? CRM_GRANT_CLIENT_CREDENTIALS
           : args_has(args, "jwt-key-file")       ? CRM_GRANT_JWT
           : args_has(args, "sfdx-auth-url-file") ? CRM_GRANT_REFRESH
                                                  : CRM_GRANT_CODE;
}

int connect_machine_check(struct cli *cli, const struct args *args, enum crm_grant way)
{
    int ways = args_has(args, "client-credentials") + args_has(args, "jwt-key-file") +
               args_has(args, "sfdx-auth-url-file") + args_has(args, "access-token-file");
    if (ways > 1)
        return cli_usage(cli, &command_connect,
                         "choose one of --client-credentials, --jwt-key-file, "
                         "--sfdx-auth-url-file and --access-token-file");
    if (way == CRM_GRANT_CLIENT_CREDENTIALS && !args_get(args, "url"))
        return cli_usage(
            cli, &command_connect,
            "--client-credentials wants --url, the org's My Domain "
            "(Setup > My Domain: https://NAME.my.salesforce.com); login.salesforce.com "
            "does not serve this flow");
    if (way == CRM_GRANT_JWT && !args_get(args, "username"))
        return cli_usage(cli, &command_connect,
                         "--jwt-key-file wants --username, the Salesforce user to act as "
                         "(the username, which need not be an e-mail address)");
    if (way == CRM_GRANT_REFRESH && args_get(args, "url"))
        return cli_usage(cli, &command_connect,
                         "leave --url out: the address is part of the sfdx-auth-url");
    return EXIT_DONE;
}

/* --------------------------------------------------------- sfdx-auth-url */

static enum status auth_url_refuse(struct err *err)
{
    err_set(err, ERR_INVALID, "the file holds no sfdx-auth-url");
    err_hint(err, "Make it with: sf org display --target-org ORG --verbose --json > FILE. It reads "
                  "force://KEY:SECRET:REFRESHTOKEN@HOST.");
    return FAIL;
}

/* The URL itself, or the member of sf's JSON that holds it. */
static const char *auth_url_find(struct arena *arena, const char *text)
{
    struct err ignored = {0};
    if (text[0] != '{')
        return text;
    const struct json *body = json_parse(arena, text, strlen(text), &ignored);
    const char *url = json_text(json_path(body, "result.sfdxAuthUrl"));
    return url ? url : json_get_text(body, "sfdxAuthUrl");
}

/* KEY:SECRET:REFRESH@HOST, or REFRESH@HOST of the app of the sf program. */
static enum status auth_url_take(struct arena *arena, const char *text, struct crm_signin *signin,
                                 struct err *err)
{
    static const char scheme[] = "force://";
    const char *url = auth_url_find(arena, text);
    if (!url || !text_starts(url, scheme))
        return auth_url_refuse(err);
    char *rest = arena_strdup(arena, url + strlen(scheme));
    char *host = strrchr(rest, '@');
    if (!host || host == rest || !host[1])
        return auth_url_refuse(err);
    *host++ = 0;
    host[strcspn(host, "/ \r\n")] = 0;
    char *secret = strchr(rest, ':'), *refresh = rest;
    signin->client_id = "PlatformCLI";
    if (secret) {
        *secret++ = 0;
        if (!(refresh = strchr(secret, ':')))
            return auth_url_refuse(err);
        *refresh++ = 0;
        signin->client_id = rest;
        if (*secret)
            secret_set(&signin->client_secret, secret, strlen(secret));
    }
    if (!*refresh)
        return auth_url_refuse(err);
    secret_set(&signin->refresh, refresh, strlen(refresh));
    bool local = text_starts(host, "127.0.0.1") || text_starts(host, "localhost");
    signin->login_url = arena_printf(arena, "%s://%s", local ? "http" : "https", host);
    sodium_memzero(refresh, strlen(refresh));
    if (secret)
        sodium_memzero(secret, strlen(secret));
    return OK;
}

enum status connect_machine_fill(const struct args *args, enum crm_grant way, struct arena *arena,
                                 struct crm_signin *signin, struct err *err)
{
    struct secret line = {0};
    enum status rc = OK;
    signin->grant = way;
    signin->username = args_get(args, "username");
    if (way == CRM_GRANT_JWT)
        return connect_secret(args_get(args, "jwt-key-file"), NULL, &signin->private_key, err);
    if (way != CRM_GRANT_REFRESH)
        return OK;
    rc = connect_secret(args_get(args, "sfdx-auth-url-file"), NULL, &line, err);
    if (rc == OK)
        rc = auth_url_take(arena, secret_reveal(&line), signin, err);
    secret_wipe(&line);
    return rc;
}
