/* host.c - where tokens may be sent.
 *
 * A login or instance URL is either https on a host of Salesforce's own, or
 * this machine (localorg, tests). Everything else is refused before a request
 * is made: an address typed by a user or returned by a server never decides
 * alone where a bearer token goes. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"
#include "base/uri.h"

#include <string.h>

/* Hosts that serve OAuth and REST (salesforce-auth 1.1). Not *.lightning.force.com
 * or *.salesforce-setup.com: those are pages for people, and refuse REST calls. */
static const char *const suffixes[] = {".salesforce.com", ".my.site.com", ".salesforce.mil",
                                       ".sfcrmproducts.cn"};
static const char *const page_suffixes[] = {".lightning.force.com", ".salesforce-setup.com",
                                            ".file.force.com", ".lightning.com"};

static bool is_local(const char *host)
{
    return text_eq(host, "127.0.0.1") || text_eq(host, "localhost") || text_eq(host, "::1");
}

enum sf_place sf_host_check(const char *url, struct err *err)
{
    struct arena *arena = arena_new();
    enum sf_place place = SF_NOWHERE;
    struct uri uri;

    if (!url || !uri_parse(arena, url, &uri)) {
        err_set(err, ERR_INVALID, "\"%s\" is not a URL", url ? url : "");
        err_hint(err,
                 "Give it like https://login.salesforce.com or https://acme.my.salesforce.com.");
        goto done;
    }
    if (uri.userinfo) {
        err_set(err, ERR_INVALID, "the URL of %s holds a user name", uri.host);
        err_hint(err, "Leave out everything before the host name.");
        goto done;
    }
    if (is_local(uri.host) && (text_eq(uri.scheme, "http") || text_eq(uri.scheme, "https"))) {
        place = SF_LOCAL;
        goto done;
    }
    for (size_t i = 0; i < sizeof page_suffixes / sizeof *page_suffixes; i++)
        if (text_ends(uri.host, page_suffixes[i])) {
            err_set(err, ERR_INVALID, "%s serves pages for people, not the API", uri.host);
            err_hint(err, "Use the My Domain address: Setup, My Domain, \"Current My Domain URL\", "
                          "which ends in .my.salesforce.com.");
            goto done;
        }
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (text_ends(uri.host, suffixes[i])) {
            if (text_eq(uri.scheme, "https") && uri.port == 443) {
                place = SF_SALESFORCE;
                goto done;
            }
            err_set(err, ERR_INVALID, "%s must be reached by https", uri.host);
            err_hint(err, "Write https://%s.", uri.host);
            goto done;
        }
    err_set(err, ERR_INVALID, "%s is not a Salesforce host", uri.host);
    err_cause(err,
              "Tokens are sent only to hosts of Salesforce itself, or to this machine for tests.");
    err_hint(err, "Use the org's My Domain address (…my.salesforce.com), or for production "
                  "https://login.salesforce.com.");
done:
    arena_free(arena);
    return place;
}

char *sf_host_origin(struct arena *arena, const char *url, struct err *err)
{
    struct uri uri;
    if (sf_host_check(url, err) == SF_NOWHERE || !uri_parse(arena, url, &uri))
        return NULL;
    bool ipv6 = strchr(uri.host, ':') != NULL;
    bool usual = uri.port == 0 || (text_eq(uri.scheme, "https") && uri.port == 443) ||
                 (text_eq(uri.scheme, "http") && uri.port == 80);
    const char *open = ipv6 ? "[" : "", *close = ipv6 ? "]" : "";
    return usual
               ? arena_printf(arena, "%s://%s%s%s", uri.scheme, open, uri.host, close)
               : arena_printf(arena, "%s://%s%s%s:%d", uri.scheme, open, uri.host, close, uri.port);
}

static bool host_is(const char *url, const char *host)
{
    struct arena *arena = arena_new();
    struct uri uri;
    bool same = uri_parse(arena, url, &uri) && text_eq(uri.host, host);
    arena_free(arena);
    return same;
}

static enum status insecure_refused(const char *insecure_host, const char *url, struct err *err)
{
    if (insecure_host && !is_local(insecure_host)) {
        err_set(err, "connect.insecure_host", "%s is no loopback address", insecure_host);
        err_hint(err, "--insecure-host takes 127.0.0.1, localhost or ::1, for a localorg on this "
                      "machine.");
        return FAIL;
    }
    err_set(err, "connect.insecure_host", "%s is not a host of Salesforce's", url);
    err_cause(err, "Tokens go over http to this machine's own addresses only when that is asked "
                   "for, host by host.");
    err_hint(err, "For a localorg add: --insecure-host %s",
             host_is(url, "localhost") ? "localhost" : host_is(url, "::1") ? "::1" : "127.0.0.1");
    return FAIL;
}

enum status sf_signin_host(const struct crm_signin *signin, struct err *err)
{
    enum sf_place place = sf_host_check(signin->login_url, err);
    if (place == SF_NOWHERE)
        return err_wrap(err, "login URL");
    if (signin->insecure_host && !is_local(signin->insecure_host))
        return insecure_refused(signin->insecure_host, signin->login_url, err);
    if (place == SF_LOCAL &&
        !(signin->insecure_host && host_is(signin->login_url, signin->insecure_host)))
        return insecure_refused(NULL, signin->login_url, err);
    if (!host_is(signin->login_url, "test.salesforce.com"))
        return OK;
    err_set(err, "connect.generic_test_host", "Test Env wants the sandbox's own address");
    err_cause(err, "https://test.salesforce.com stands for every sandbox: External Client Apps are "
                   "refused there (app_not_found), client credentials too, and a browser that is "
                   "signed in elsewhere leads to another sandbox.");
    err_hint(err, "Give its My Domain: --sandbox --url "
                  "https://NAME--SANDBOX.sandbox.my.salesforce.com. In the sandbox: Setup, My "
                  "Domain, \"Current My Domain URL\".");
    return FAIL;
}
