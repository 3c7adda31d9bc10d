/* mail.c - see mail.h. */
#include "http/mail.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/uri.h"
#include "base/when.h"

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>

#define TIMEOUT_MS 30000
#define LINE_BYTES 57 /* of base64: 76 characters a line */

bool mail_address_valid(const char *address)
{
    const char *at = address ? strchr(address, '@') : NULL;
    if (!at || at == address || !at[1] || strchr(at + 1, '@') || strlen(address) > 254)
        return false;
    for (const char *p = address; *p; p++)
        if ((unsigned char)*p <= ' ' || strchr("<>\"(),:;\\", *p) || (unsigned char)*p > 126)
            return false;
    return true;
}

static bool is_local(const char *host)
{
    return text_eq(host, "localhost") || text_eq(host, "::1") || text_starts(host, "127.");
}

static enum status read_server(struct arena *arena, const char *server, bool *local,
                               struct err *err)
{
    struct uri uri;
    bool good = server && uri_parse(arena, server, &uri) && uri.host && *uri.host &&
                !uri.userinfo && !uri.query && !uri.fragment &&
                (text_eq(uri.scheme, "smtp") || text_eq(uri.scheme, "smtps")) &&
                (!uri.path || !*uri.path || text_eq(uri.path, "/"));
    if (!good) {
        err_set(err, ERR_INVALID, "\"%s\" is no mail server", server ? server : "");
        err_hint(err, "smtp://mail.example.com:587, or smtps://mail.example.com:465; user and "
                      "password are settings of their own");
        return FAIL;
    }
    *local = is_local(uri.host);
    return OK;
}

enum status mail_server_check(const char *server, struct err *err)
{
    struct arena *arena = arena_new();
    bool local;
    enum status rc = read_server(arena, server, &local, err);
    arena_free(arena);
    return rc;
}

/* ----------------------------------------------------------------- the mail */

/* Base64 in lines, which every server takes. */
static void put_base64(struct buf *out, struct arena *arena, const char *text)
{
    size_t len = strlen(text);
    for (size_t at = 0; at < len || at == 0; at += LINE_BYTES) {
        size_t n = len - at < LINE_BYTES ? len - at : LINE_BYTES;
        buf_str(out, base64_encode(arena, text + at, n));
        buf_str(out, "\r\n");
    }
}

static void put_subject(struct buf *out, struct arena *arena, const char *subject)
{
    size_t len = strlen(subject);
    buf_str(out, "Subject:");
    for (size_t at = 0; at < len;) { /* encoded words of at most 75 characters */
        size_t n = utf8_cut(subject + at, len - at, 42);
        if (!n)
            n = len - at < 42 ? len - at : 42; /* no UTF-8: as it is */
        buf_printf(out, "%s =?UTF-8?B?%s?=", at ? "\r\n" : "",
                   base64_encode(arena, subject + at, n));
        at += n;
    }
    buf_str(out, "\r\n");
}

static void put_date(struct buf *out, int64_t ms)
{
    char text[40];
    when_http(ms, text);
    size_t len = strlen(text);
    if (len > 3 && text_eq(text + len - 3, "GMT"))
        text[len - 3] = 0;
    buf_printf(out, "Date: %s+0000\r\n", text);
}

static void compose(struct buf *out, struct arena *arena, struct world *world,
                    const struct mail *mail)
{
    put_date(out, world->now_ms(world));
    buf_printf(out, "From: <%s>\r\nTo: ", mail->from);
    for (size_t i = 0; i < mail->to_count; i++)
        buf_printf(out, "%s<%s>", i ? ",\r\n " : "", mail->to[i]);
    buf_str(out, "\r\n");
    put_subject(out, arena, mail->subject);
    buf_printf(out, "Message-ID: <%s@argil>\r\n", mail->id);
    buf_str(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                 "Content-Transfer-Encoding: base64\r\nAuto-Submitted: auto-generated\r\n\r\n");
    put_base64(out, arena, mail->text);
}

static enum status check_addresses(const struct mail *mail, struct err *err)
{
    if (!mail->to_count)
        return err_set(err, ERR_MAIL_REFUSED, "nobody is named to get the mail");
    if (!mail_address_valid(mail->from))
        return err_set(err, ERR_MAIL_REFUSED, "\"%s\" is no address", mail->from ? mail->from : "");
    for (size_t i = 0; i < mail->to_count; i++)
        if (!mail_address_valid(mail->to[i]))
            return err_set(err, ERR_MAIL_REFUSED, "\"%s\" is no address", mail->to[i]);
    return OK;
}

/* ------------------------------------------------------------------ sending */

struct upload {
    const struct buf *mail;
    size_t at;
};

static size_t on_read(char *to, size_t size, size_t count, void *ctx)
{
    struct upload *upload = ctx;
    size_t room = size * count, left = upload->mail->len - upload->at;
    size_t n = left < room ? left : room;
    memcpy(to, upload->mail->data + upload->at, n);
    upload->at += n;
    return n;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *ctx)
{
    (void)bytes;
    (void)ctx;
    return size * count; /* what the server says beside its codes: nothing for us */
}

static void set_up(CURL *easy, const struct mail *mail, bool local, struct upload *upload,
                   char *detail)
{
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_URL, mail->server);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_USE_SSL,
                     (long)(local && !mail->user ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    if (mail->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, mail->ca_file);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(mail->timeout_ms ? mail->timeout_ms : TIMEOUT_MS));
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, upload);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    if (mail->user) {
        curl_easy_setopt(easy, CURLOPT_USERNAME, mail->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, secret_reveal(mail->password));
    }
}

static enum status judge(CURL *easy, CURLcode code, const char *detail, const struct mail *mail,
                         struct err *err)
{
    long said = 0;
    if (code == CURLE_OK)
        return OK;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &said);
    const char *why = *detail ? detail : curl_easy_strerror(code);
    if (said >= 500 || code == CURLE_LOGIN_DENIED) {
        err_set(err, ERR_MAIL_REFUSED, "%s refused the mail (%ld): %s", mail->server, said, why);
        if (code == CURLE_LOGIN_DENIED)
            err_hint(err, "check the user and the password of the mail server");
    } else if (code == CURLE_USE_SSL_FAILED) {
        err_set(err, ERR_MAIL_REFUSED, "%s offers no encryption", mail->server);
        err_hint(err, "use smtps://, or a server that speaks STARTTLS: mail goes in clear to this "
                      "machine only");
    } else {
        err_set(err, ERR_MAIL, "%s could not be given the mail: %s", mail->server, why);
    }
    return FAIL;
}

enum status mail_send(struct world *world, const struct mail *mail, struct err *err)
{
    struct arena *arena = arena_new();
    struct buf text = BUF_INIT;
    struct curl_slist *to = NULL;
    char detail[CURL_ERROR_SIZE] = "";
    struct upload upload = {&text, 0};
    CURL *easy = NULL;
    bool local = false;
    enum status rc = check_addresses(mail, err);
    if (rc == OK)
        rc = read_server(arena, mail->server, &local, err);
    if (rc != OK)
        goto done;
    compose(&text, arena, world, mail);
    easy = curl_easy_init();
    if (!easy) {
        rc = err_set(err, ERR_MAIL, "curl could not be set up");
        goto done;
    }
    set_up(easy, mail, local, &upload, detail);
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, arena_printf(arena, "<%s>", mail->from));
    for (size_t i = 0; i < mail->to_count; i++)
        to = mem_got(curl_slist_append(to, arena_printf(arena, "<%s>", mail->to[i])));
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, to);
    rc = judge(easy, curl_easy_perform(easy), detail, mail, err);
done:
    curl_slist_free_all(to);
    if (easy)
        curl_easy_cleanup(easy);
    buf_free(&text);
    arena_free(arena);
    return rc;
}
