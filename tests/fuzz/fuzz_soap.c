/* fuzz_soap.c - any bytes as the body of a SOAP request, to the partner and the
 * metadata endpoint of a running site: the answer is an envelope, a fault or a
 * response. A '@' stands for the session id of the administrator, so that the
 * fuzzer gets behind the door. */
#include "localorg/rest/resources.h"
#include "localorg/rest/site.h"
#include "localorg/seed/seed.h"
#include "localorg/xml/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct site *site;
static struct session session;

static void begin(void)
{
    struct err err = {{0}};
    struct site_options options = {
        .host = "127.0.0.1", .seed = "empty", .scale = 1, .rng_seed = 7, .threads = 1};
    site = site_start(&options, &err);
    if (!site || !site_token(site, SEED_ADMIN_USERNAME, &session)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
}

static void post(route_fn *run, const struct buf *body)
{
    struct arena *arena = arena_new();
    struct http_in in = {.method = "POST", .path = "/services/Soap/u/64.0", .body = *body,
                         .peer = "127.0.0.1", .arena = arena};
    struct http_out out = {.status = 200};
    struct fault_plan plan = {.names = ""};
    struct call call = {.site = site,
                        .in = &in,
                        .out = &out,
                        .arena = arena,
                        .method = "POST",
                        .path = in.path,
                        .origin = site->url,
                        .plan = &plan,
                        .alone = true,
                        .args = {"64.0"}};
    run(&call);
    const struct json *envelope =
        xml_read(arena, buf_text(&out.body), out.body.len, NULL);
    if (!envelope || !json_get(envelope, "Body") || (out.status != 200 && out.status != 500)) {
        fprintf(stderr, "%d %s\n", out.status, buf_text(&out.body));
        abort();
    }
    buf_free(&out.body);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!site)
        begin();
    struct buf body = BUF_INIT;
    for (size_t i = 0; i < size; i++)
        if (data[i] == '@')
            buf_str(&body, session.token);
        else
            buf_char(&body, (char)data[i]);
    post(soap_partner, &body);
    post(soap_metadata, &body);
    buf_free(&body);
    return 0;
}
