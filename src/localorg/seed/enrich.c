/* enrich.c - company facts out of a hash of the domain. */
#include "localorg/seed/enrich.h"

#include "base/json.h"
#include "base/str.h"
#include "localorg/seed/words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define UNKNOWN_PER_THOUSAND      120
#define ODD_INDUSTRY_PER_THOUSAND 25
#define LONG_TEXT_PER_THOUSAND    15

/* Lower case, without "www."; false when it does not look like a domain. */
static bool canonical(const char *domain, char *out, size_t size)
{
    if (!domain)
        return false;
    if (strncasecmp(domain, "www.", 4) == 0)
        domain += 4;
    size_t len = strlen(domain);
    if (len < 3 || len >= size || !strchr(domain, '.') || domain[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)domain[i];
        if (!isalnum(c) && c != '.' && c != '-' && c < 0x80)
            return false;
        out[i] = (char)tolower(c);
    }
    out[len] = '\0';
    return true;
}

/* "alderfield-robotics.example" reads "Alderfield Robotics". */
static void title(const char *domain, char *out, size_t size)
{
    size_t n = 0;
    bool first = true;
    for (; *domain && *domain != '.' && n + 1 < size; domain++) {
        out[n++] = *domain == '-' ? ' ' : first ? (char)toupper((unsigned char)*domain) : *domain;
        first = *domain == '-';
    }
    out[n] = '\0';
}

static void write_description(struct jw *w, const char *name, const char *industry,
                              const struct place *place, bool too_long)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s works in %s and is based in %s, %s.", name, industry, place->city,
               place->country);
    while (too_long && text.len <= 33000) /* Account.Description takes 32,000 */
        buf_str(&text, " It keeps adding sentences that say nothing new.");
    jw_kv_text(w, "description", buf_text(&text));
    buf_free(&text);
}

static int64_t head_count(struct rng *rng)
{
    static const int sizes[] = {3, 8, 15, 40, 90, 180, 420, 900, 2500, 8000, 31000};
    int64_t base = sizes[rng_below(rng, sizeof sizes / sizeof *sizes)];
    return base + (int64_t)rng_below(rng, (uint64_t)base);
}

bool enrich_company(const char *domain, struct buf *json_out)
{
    char host[254], name[128], phone[40], url[300];
    if (!canonical(domain, host, sizeof host))
        return false;
    struct rng rng = {text_hash(host, strlen(host))};
    if (chance(&rng, UNKNOWN_PER_THOUSAND))
        return false;
    static const char *const odd[] = {"Widgets & Gadgets", "Quantum Gardening", "Misc / tbd"};
    const char *industry = pick(&rng, industries, industry_count);
    if (chance(&rng, ODD_INDUSTRY_PER_THOUSAND))
        industry = PICK(&rng, odd);
    const struct place *place = &places[rng_below(&rng, place_count)];
    int64_t employees = head_count(&rng);
    title(host, name, sizeof name);
    fill_digits(&rng, place->phone, phone, sizeof phone);

    struct jw w;
    jw_init(&w, json_out);
    jw_object(&w);
    jw_kv_text(&w, "domain", host);
    jw_kv_text(&w, "name", name);
    jw_kv_text(&w, "industry", industry);
    jw_kv_int(&w, "employees", employees);
    jw_kv_int(&w, "annual_revenue", employees * (int64_t)(60 + rng_below(&rng, 240)) * 1000);
    jw_kv_int(&w, "founded", 1900 + (int64_t)rng_below(&rng, 125));
    jw_kv_text(&w, "city", place->city);
    jw_kv_text(&w, "state", *place->state ? place->state : NULL);
    jw_kv_text(&w, "country", place->country);
    jw_kv_text(&w, "phone", phone);
    snprintf(url, sizeof url, "https://www.%s/", host);
    jw_kv_text(&w, "website", url);
    snprintf(url, sizeof url, "https://linkedin.example/company/%.*s", (int)strcspn(host, "."),
             host);
    jw_kv_text(&w, "linkedin", url);
    write_description(&w, name, industry, place, chance(&rng, LONG_TEXT_PER_THOUSAND));
    jw_key(&w, "tags");
    jw_array(&w);
    static const char *const tags[] = {"b2b",    "b2c",    "marketplace", "family-owned",
                                       "hiring", "export", "funded",      "regulated"};
    for (size_t i = 0, n = rng_below(&rng, 4); i < n; i++)
        jw_text(&w, PICK(&rng, tags));
    jw_end_array(&w);
    jw_end_object(&w);
    return true;
}
