/* demo.c - an org as sales teams leave it.
 *
 * One account at a time: the account, its contacts, their tasks, its
 * opportunities; then leads, then campaigns with members drawn from the people
 * made so far. All that is random about number i comes from (seed, kind, i),
 * so a bigger scale only adds rows. What is dirty and how often is in the
 * table `dirt`. */
#include "localorg/seed/seed_priv.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/when.h"
#include "localorg/seed/sheet.h"
#include "localorg/seed/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define DAY_MS      86400000ll
#define ACCOUNTS    1000
#define LEADS       600
#define MEMBERS     400
#define HISTORY     720 /* days back the oldest record goes */

/* How often things are wrong or missing, of a thousand. */
static const struct {
    unsigned no_website, no_industry, no_employees, no_phone, no_address, no_email;
    unsigned no_scheme, shouting_host, with_path, trailing_space, odd_phone;
    unsigned same_company, lead_is_contact, opted_out, bounced, converted;
} dirt = {
    .no_website = 170,
    .no_industry = 340,
    .no_employees = 300,
    .no_phone = 180,
    .no_address = 90,
    .no_email = 110,
    .no_scheme = 240,
    .shouting_host = 30,
    .with_path = 60,
    .trailing_space = 25,
    .odd_phone = 50,
    .same_company = 30,
    .lead_is_contact = 50,
    .opted_out = 45,
    .bounced = 15,
    .converted = 60,
};

struct known { /* a person campaigns and conversions may name */
    char id[19], account[19];
    bool lead;
};

struct contact_mail { /* what a lead may repeat */
    char email[96], first[24], last[24], company[160];
};

struct demo {
    struct seeding *s;
    struct sheet *accounts, *contacts, *leads, *opportunities, *roles, *tasks;
    VEC(struct known) people;
    VEC(struct contact_mail) mails; /* some contacts only */
    int64_t age_ms;                 /* of the record at hand */
    size_t contact_count;           /* the first of `people` */
    int64_t today;                  /* days since 1970 */
    bool accounts_only;             /* nothing hangs on them: the seed "accounts" */
};

static struct rng dice(const struct demo *d, const char *kind, uint64_t i)
{
    struct rng rng = {d->s->seed ^ text_hash(kind, strlen(kind)) ^ (i * 0x9E3779B97F4A7C15ull)};
    rng_next(&rng);
    return rng;
}

/* --- when and who --- */

/* How long ago number i of n was made: ids and creation dates grow together. */
static void set_age(struct demo *d, uint64_t i, uint64_t n)
{
    d->age_ms = HISTORY * DAY_MS / (int64_t)n * (int64_t)(n - i);
}

static struct sheet_times some_time(const struct demo *d, struct rng *rng)
{
    int64_t created = d->s->now_ms - d->age_ms;
    int64_t later = chance(rng, 400) ? 0 : (int64_t)rng_below(rng, (uint64_t)d->age_ms);
    return (struct sheet_times){created, created + later};
}

static const char *owner(const struct demo *d, struct rng *rng)
{
    uint64_t n = rng_below(rng, 10);
    return d->s->people[n < 5 ? PERSON_SALES : n < 8 ? PERSON_STANDARD : PERSON_ADMIN];
}

static void put_people(struct demo *d, struct sheet *sheet, const char *who)
{
    sheet_people(sheet, d->s->people[PERSON_ADMIN], who);
}

/* --- dirty values --- */

static void website_make(struct rng *rng, const char *domain, char *out, size_t size)
{
    const char *scheme = chance(rng, dirt.no_scheme) ? ""
                         : chance(rng, 250)          ? "http://"
                                                     : "https://";
    const char *www = chance(rng, 600) ? "www." : "";
    const char *path = chance(rng, dirt.with_path) ? "/en/home?utm_source=crm"
                       : chance(rng, 200)          ? "/"
                                                   : "";
    const char *tail = chance(rng, dirt.trailing_space) ? "  " : "";
    snprintf(out, size, "%s%s%s%s%s", scheme, www, domain, path, tail);
    if (chance(rng, dirt.shouting_host))
        for (char *p = out; *p; p++)
            if (*p >= 'a' && *p <= 'z')
                *p = (char)(*p - 32);
}

static void phone_make(struct rng *rng, const struct place *place, char *out, size_t size)
{
    static const char *const odd[] = {"n/a",           "tbd", "555 01## ext. 1#",
                                      "see website",   "0",   "tel. 555-01## / 555-01##",
                                      "++1 (555) 01##"};
    *out = '\0';
    if (chance(rng, dirt.no_phone))
        return;
    fill_digits(rng, chance(rng, dirt.odd_phone) ? PICK(rng, odd) : place->phone, out, size);
}

static int64_t head_count(struct rng *rng)
{
    static const int sizes[] = {4, 9, 18, 35, 60, 120, 250, 480, 1100, 4200, 18000};
    int64_t base = sizes[rng_below(rng, COUNT(sizes))];
    return base + (int64_t)rng_below(rng, (uint64_t)base);
}

/* --- tasks --- */

enum {
    TASK_WHO,
    TASK_WHAT,
    TASK_SUBJECT,
    TASK_DATE,
    TASK_STATUS,
    TASK_PRIORITY,
    TASK_HIGH,
    TASK_CLOSED,
    TASK_ACCOUNT,
    TASK_SUBTYPE
};
static const char *const task_columns[] = {
    "WhoId",    "WhatId",         "Subject",  "ActivityDate", "Status",
    "Priority", "IsHighPriority", "IsClosed", "AccountId",    "TaskSubtype"};

static enum status add_task(struct demo *d, struct rng *rng, const char *who, const char *account,
                            int64_t day, struct err *err)
{
    static const char *const subjects[] = {"Call",
                                           "Email",
                                           "Send Letter",
                                           "Send Quote",
                                           "Other",
                                           "Follow up after the fair",
                                           "Renewal reminder"};
    struct sheet *t = d->tasks;
    bool done = day < d->today;
    const char *subject = PICK(rng, subjects);
    const char *priority = chance(rng, 120) ? "High" : chance(rng, 100) ? "Low" : "Normal";
    sheet_text(t, TASK_WHO, who);
    sheet_text(t, TASK_WHAT, account);
    sheet_text(t, TASK_SUBJECT, subject);
    sheet_date(t, TASK_DATE, day);
    sheet_text(t, TASK_STATUS,
               done               ? "Completed"
               : chance(rng, 300) ? "In Progress"
                                  : "Not Started");
    sheet_text(t, TASK_PRIORITY, priority);
    sheet_int(t, TASK_HIGH, text_eq(priority, "High"));
    sheet_int(t, TASK_CLOSED, done);
    sheet_text(t, TASK_ACCOUNT, account);
    sheet_text(t, TASK_SUBTYPE,
               text_eq(subject, "Call") || text_eq(subject, "Email") ? subject : "Task");
    char id[19];
    put_people(d, t, owner(d, rng));
    return sheet_add(t, some_time(d, rng), id, err);
}

/* --- accounts and their people --- */

enum {
    ACC_NAME,
    ACC_TYPE,
    ACC_STREET,
    ACC_CITY,
    ACC_STATE,
    ACC_POSTAL,
    ACC_COUNTRY,
    ACC_PHONE,
    ACC_WEBSITE,
    ACC_INDUSTRY,
    ACC_REVENUE,
    ACC_EMPLOYEES,
    ACC_OWNERSHIP,
    ACC_RATING,
    ACC_SOURCE,
    ACC_NUMBER,
    ACC_DESCRIPTION,
    ACC_LAST_ACTIVITY,
    ACC_CLEAN
};
static const char *const account_columns[] = {
    "Name",           "Type",          "BillingStreet",
    "BillingCity",    "BillingState",  "BillingPostalCode",
    "BillingCountry", "Phone",         "Website",
    "Industry",       "AnnualRevenue", "NumberOfEmployees",
    "Ownership",      "Rating",        "AccountSource",
    "AccountNumber",  "Description",   "LastActivityDate",
    "CleanStatus"};

enum {
    CON_ACCOUNT,
    CON_LAST,
    CON_FIRST,
    CON_SALUTATION,
    CON_NAME,
    CON_CITY,
    CON_STATE,
    CON_COUNTRY,
    CON_PHONE,
    CON_MOBILE,
    CON_EMAIL,
    CON_TITLE,
    CON_DEPARTMENT,
    CON_SOURCE,
    CON_OPT_OUT,
    CON_BOUNCED,
    CON_BOUNCE_REASON,
    CON_LAST_ACTIVITY,
    CON_CLEAN
};
static const char *const contact_columns[] = {"AccountId",
                                              "LastName",
                                              "FirstName",
                                              "Salutation",
                                              "Name",
                                              "MailingCity",
                                              "MailingState",
                                              "MailingCountry",
                                              "Phone",
                                              "MobilePhone",
                                              "Email",
                                              "Title",
                                              "Department",
                                              "LeadSource",
                                              "HasOptedOutOfEmail",
                                              "IsEmailBounced",
                                              "EmailBouncedReason",
                                              "LastActivityDate",
                                              "CleanStatus"};

static const char *const titles[] = {"CEO",
                                     "CFO",
                                     "CTO",
                                     "COO",
                                     "VP Sales",
                                     "VP, Marketing",
                                     "Head of Procurement",
                                     "Head of Operations",
                                     "Buyer",
                                     "Office Manager",
                                     "Marketing Manager",
                                     "IT Director",
                                     "Software Engineer",
                                     "Plant Manager",
                                     "Managing Director",
                                     "Geschäftsführerin",
                                     "Directeur commercial"};
static const char *const departments[] = {"Sales", "Marketing",   "Finance",    "Operations",
                                          "IT",    "Procurement", "Production", "Human Resources"};
static const char *const sources[] = {"Web", "Phone Inquiry", "Partner Referral", "Purchased List",
                                      "Other"};

struct account { /* the one being made */
    uint64_t index;
    struct company company;
    char id[19], name[160];
    const char *owner;
    size_t contacts;
    int64_t task_days[8]; /* per contact; 0 = no task */
    char first_contact[19];
};

static enum status add_contact(struct demo *d, struct rng *rng, struct account *a, size_t i,
                               struct err *err)
{
    struct person_name person;
    char name[121], email[96] = "", phone[40], mobile[40], id[19];
    person_make(rng, &person);
    snprintf(name, sizeof name, "%s %s", person.first, person.last);
    if (!chance(rng, dirt.no_email))
        snprintf(email, sizeof email, "%.20s@%.70s", person.mailbox, a->company.domain);
    phone_make(rng, a->company.place, phone, sizeof phone);
    fill_digits(rng, a->company.place->phone, mobile, sizeof mobile);
    bool bounced = *email && chance(rng, dirt.bounced);

    struct sheet *c = d->contacts;
    sheet_text(c, CON_ACCOUNT, a->id);
    sheet_text(c, CON_LAST, person.last);
    sheet_text(c, CON_FIRST, person.first);
    sheet_text(c, CON_SALUTATION, person.salutation);
    sheet_text(c, CON_NAME, name);
    sheet_text(c, CON_CITY, a->company.place->city);
    sheet_text(c, CON_STATE, a->company.place->state);
    sheet_text(c, CON_COUNTRY, a->company.place->country);
    sheet_text(c, CON_PHONE, phone);
    sheet_text(c, CON_MOBILE, chance(rng, 300) ? mobile : NULL);
    sheet_text(c, CON_EMAIL, email);
    sheet_text(c, CON_TITLE, chance(rng, 850) ? PICK(rng, titles) : NULL);
    sheet_text(c, CON_DEPARTMENT, chance(rng, 500) ? PICK(rng, departments) : NULL);
    sheet_text(c, CON_SOURCE, chance(rng, 700) ? PICK(rng, sources) : NULL);
    sheet_int(c, CON_OPT_OUT, chance(rng, dirt.opted_out));
    sheet_int(c, CON_BOUNCED, bounced);
    sheet_text(c, CON_BOUNCE_REASON, bounced ? "550 5.1.1 user unknown" : NULL);
    if (a->task_days[i] && a->task_days[i] < d->today)
        sheet_date(c, CON_LAST_ACTIVITY, a->task_days[i]);
    sheet_text(c, CON_CLEAN, "Pending");
    put_people(d, c, a->owner);
    if (sheet_add(c, some_time(d, rng), id, err) != OK)
        return FAIL;
    if (i == 0)
        memcpy(a->first_contact, id, sizeof id);
    struct known known = {.lead = false};
    memcpy(known.id, id, sizeof id);
    memcpy(known.account, a->id, sizeof known.account);
    vec_push(&d->people, known);
    if (*email && chance(rng, 100)) {
        struct contact_mail mail;
        snprintf(mail.email, sizeof mail.email, "%s", email);
        snprintf(mail.first, sizeof mail.first, "%s", person.first);
        snprintf(mail.last, sizeof mail.last, "%s", person.last);
        snprintf(mail.company, sizeof mail.company, "%s", a->name);
        vec_push(&d->mails, mail);
    }
    return a->task_days[i] ? add_task(d, rng, id, a->id, a->task_days[i], err) : OK;
}

enum {
    OPP_ACCOUNT,
    OPP_NAME,
    OPP_STAGE,
    OPP_AMOUNT,
    OPP_PROBABILITY,
    OPP_EXPECTED,
    OPP_CLOSE,
    OPP_TYPE,
    OPP_SOURCE,
    OPP_CLOSED,
    OPP_WON,
    OPP_FORECAST,
    OPP_FORECAST_NAME,
    OPP_QUARTER,
    OPP_YEAR,
    OPP_FISCAL,
    OPP_NEXT
};
static const char *const opportunity_columns[] = {"AccountId",
                                                  "Name",
                                                  "StageName",
                                                  "Amount",
                                                  "Probability",
                                                  "ExpectedRevenue",
                                                  "CloseDate",
                                                  "Type",
                                                  "LeadSource",
                                                  "IsClosed",
                                                  "IsWon",
                                                  "ForecastCategory",
                                                  "ForecastCategoryName",
                                                  "FiscalQuarter",
                                                  "FiscalYear",
                                                  "Fiscal",
                                                  "NextStep"};
static const char *const role_columns[] = {"OpportunityId", "ContactId", "Role", "IsPrimary"};

static enum status add_opportunity(struct demo *d, struct rng *rng, const struct account *a,
                                   struct err *err)
{
    static const char *const what[] = {"Renewal",      "New business", "Pilot",  "Expansion",
                                       "Support plan", "Migration",    "Rollout"};
    static const char *const types[] = {"New Customer", "Existing Customer - Upgrade",
                                        "Existing Customer - Replacement"};
    static const char *const roles[] = {"Decision Maker", "Influencer", "Economic Buyer",
                                        "Evaluator", "Business User"};
    const struct stage *stage = &stages[rng_below(rng, stage_count)];
    if (chance(rng, 350))
        stage = chance(rng, 550) ? &stages[8] : &stages[9];
    int64_t close = stage->closed ? d->today - (int64_t)rng_below(rng, 500)
                                  : d->today - 40 + (int64_t)rng_below(rng, 220);
    struct date date = date_from_days(close);
    char name[120], fiscal[16], id[19];
    snprintf(name, sizeof name, "%.*s - %s %d", (int)utf8_cut(a->name, strlen(a->name), 80),
             a->name, PICK(rng, what), date.year);
    int quarter = (date.month - 1) / 3 + 1;
    snprintf(fiscal, sizeof fiscal, "%d %d", date.year, quarter);
    int64_t amount = (int64_t)(5 + rng_below(rng, 400)) * 500;
    bool no_amount = chance(rng, 80);

    struct sheet *o = d->opportunities;
    sheet_text(o, OPP_ACCOUNT, a->id);
    sheet_text(o, OPP_NAME, name);
    sheet_text(o, OPP_STAGE, stage->name);
    if (!no_amount) {
        sheet_int(o, OPP_AMOUNT, amount);
        sheet_int(o, OPP_EXPECTED, amount * stage->probability / 100);
    }
    sheet_int(o, OPP_PROBABILITY, stage->probability);
    sheet_date(o, OPP_CLOSE, close);
    sheet_text(o, OPP_TYPE, chance(rng, 600) ? PICK(rng, types) : NULL);
    sheet_text(o, OPP_SOURCE, chance(rng, 500) ? PICK(rng, sources) : NULL);
    sheet_int(o, OPP_CLOSED, stage->closed);
    sheet_int(o, OPP_WON, stage->won);
    sheet_text(o, OPP_FORECAST, stage->forecast);
    sheet_text(o, OPP_FORECAST_NAME, stage->forecast_name);
    sheet_int(o, OPP_QUARTER, quarter);
    sheet_int(o, OPP_YEAR, date.year);
    sheet_text(o, OPP_FISCAL, fiscal);
    sheet_text(o, OPP_NEXT, !stage->closed && chance(rng, 300) ? "Send the offer" : NULL);
    put_people(d, o, a->owner);
    struct sheet_times times = some_time(d, rng);
    if (sheet_add(o, times, id, err) != OK)
        return FAIL;
    if (!a->contacts || !chance(rng, 500))
        return OK;
    char role_id[19];
    sheet_text(d->roles, 0, id);
    sheet_text(d->roles, 1, a->first_contact);
    sheet_text(d->roles, 2, PICK(rng, roles));
    sheet_int(d->roles, 3, 1);
    put_people(d, d->roles, a->owner);
    return sheet_add(d->roles, times, role_id, err);
}

static int64_t some_task_day(const struct demo *d, struct rng *rng)
{
    return d->today - 300 + (int64_t)rng_below(rng, 330);
}

static enum status add_account(struct demo *d, uint64_t index, struct err *err)
{
    struct rng rng = dice(d, "account", index);
    struct account a = {.index = index, .owner = owner(d, &rng)};
    company_make(d->s->seed, index, &a.company);
    snprintf(a.name, sizeof a.name, "%s", a.company.name);
    if (index > 20 && chance(&rng, dirt.same_company)) { /* entered twice */
        company_make(d->s->seed, rng_below(&rng, index), &a.company);
        company_misspell(&rng, &a.company, a.name, sizeof a.name);
    }
    static const unsigned char counts[] = {0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2,
                                           2, 2, 2, 3, 3, 3, 3, 4, 4, 5};
    a.contacts = counts[rng_below(&rng, COUNT(counts))];
    int64_t last_activity = 0;
    for (size_t i = 0; i < a.contacts; i++) {
        a.task_days[i] = chance(&rng, 350) ? some_task_day(d, &rng) : 0;
        if (a.task_days[i] > last_activity && a.task_days[i] < d->today)
            last_activity = a.task_days[i];
    }
    static const char *const types[] = {"Prospect",
                                        "Prospect",
                                        "Customer - Direct",
                                        "Customer - Channel",
                                        "Channel Partner / Reseller",
                                        "Technology Partner",
                                        "Other"};
    static const char *const ownerships[] = {"Public", "Private", "Private", "Subsidiary"};
    static const char *const ratings[] = {"Hot", "Warm", "Cold"};
    const struct place *place = a.company.place;
    char street[80], postal[24], phone[40], website[200], number[16], description[240];
    street_make(&rng, place, street, sizeof street);
    fill_digits(&rng, place->postal, postal, sizeof postal);
    phone_make(&rng, place, phone, sizeof phone);
    website_make(&rng, a.company.domain, website, sizeof website);
    fill_digits(&rng, "CD######", number, sizeof number);
    const char *industry = pick(&rng, industries, industry_count);
    snprintf(description, sizeof description, "%s, %s. First met at a trade fair.", a.company.stem,
             place->city);
    int64_t employees = head_count(&rng);

    struct sheet *t = d->accounts;
    sheet_text(t, ACC_NAME, a.name);
    sheet_text(t, ACC_TYPE, chance(&rng, 800) ? PICK(&rng, types) : NULL);
    if (!chance(&rng, dirt.no_address)) {
        sheet_text(t, ACC_STREET, street);
        sheet_text(t, ACC_CITY, place->city);
        sheet_text(t, ACC_STATE, place->state);
        sheet_text(t, ACC_POSTAL, postal);
        sheet_text(t, ACC_COUNTRY, place->country);
    }
    sheet_text(t, ACC_PHONE, phone);
    sheet_text(t, ACC_WEBSITE, chance(&rng, dirt.no_website) ? NULL : website);
    sheet_text(t, ACC_INDUSTRY, chance(&rng, dirt.no_industry) ? NULL : industry);
    if (!chance(&rng, dirt.no_employees)) {
        sheet_int(t, ACC_EMPLOYEES, employees);
        if (chance(&rng, 600))
            sheet_int(t, ACC_REVENUE, employees * (int64_t)(50 + rng_below(&rng, 250)) * 1000);
    }
    sheet_text(t, ACC_OWNERSHIP, chance(&rng, 400) ? PICK(&rng, ownerships) : NULL);
    sheet_text(t, ACC_RATING, chance(&rng, 500) ? PICK(&rng, ratings) : NULL);
    sheet_text(t, ACC_SOURCE, chance(&rng, 500) ? PICK(&rng, sources) : NULL);
    sheet_text(t, ACC_NUMBER, chance(&rng, 700) ? number : NULL);
    sheet_text(t, ACC_DESCRIPTION, chance(&rng, 200) ? description : NULL);
    if (last_activity)
        sheet_date(t, ACC_LAST_ACTIVITY, last_activity);
    sheet_text(t, ACC_CLEAN, "Pending");
    put_people(d, t, a.owner);
    if (sheet_add(t, some_time(d, &rng), a.id, err) != OK)
        return FAIL;
    if (d->accounts_only)
        return OK;
    for (size_t i = 0; i < a.contacts; i++)
        if (add_contact(d, &rng, &a, i, err) != OK)
            return FAIL;
    size_t opportunities = chance(&rng, 450) ? 1 + rng_below(&rng, 2) : 0;
    for (size_t i = 0; i < opportunities; i++)
        if (add_opportunity(d, &rng, &a, err) != OK)
            return FAIL;
    return OK;
}

/* --- leads --- */

enum {
    LEAD_LAST,
    LEAD_FIRST,
    LEAD_SALUTATION,
    LEAD_NAME,
    LEAD_TITLE,
    LEAD_COMPANY,
    LEAD_CITY,
    LEAD_STATE,
    LEAD_COUNTRY,
    LEAD_PHONE,
    LEAD_EMAIL,
    LEAD_WEBSITE,
    LEAD_SOURCE,
    LEAD_STATUS,
    LEAD_INDUSTRY,
    LEAD_RATING,
    LEAD_EMPLOYEES,
    LEAD_OPT_OUT,
    LEAD_UNREAD,
    LEAD_LAST_ACTIVITY,
    LEAD_CLEAN,
    LEAD_CONVERTED,
    LEAD_CONVERTED_DATE,
    LEAD_CONVERTED_ACCOUNT,
    LEAD_CONVERTED_CONTACT
};
static const char *const lead_columns[] = {"LastName",
                                           "FirstName",
                                           "Salutation",
                                           "Name",
                                           "Title",
                                           "Company",
                                           "City",
                                           "State",
                                           "Country",
                                           "Phone",
                                           "Email",
                                           "Website",
                                           "LeadSource",
                                           "Status",
                                           "Industry",
                                           "Rating",
                                           "NumberOfEmployees",
                                           "HasOptedOutOfEmail",
                                           "IsUnreadByOwner",
                                           "LastActivityDate",
                                           "CleanStatus",
                                           "IsConverted",
                                           "ConvertedDate",
                                           "ConvertedAccountId",
                                           "ConvertedContactId"};

/* A lead that became one of the contacts; the API lets nobody write it any more. */
static void convert_lead(struct demo *d, struct rng *rng)
{
    const struct known *contact = &d->people.at[rng_below(rng, d->contact_count)];
    sheet_text(d->leads, LEAD_STATUS, "Closed - Converted");
    sheet_int(d->leads, LEAD_CONVERTED, 1);
    sheet_date(d->leads, LEAD_CONVERTED_DATE, d->today - (int64_t)rng_below(rng, 400));
    sheet_text(d->leads, LEAD_CONVERTED_ACCOUNT, contact->account);
    sheet_text(d->leads, LEAD_CONVERTED_CONTACT, contact->id);
}

static enum status add_lead(struct demo *d, uint64_t index, struct err *err)
{
    struct rng rng = dice(d, "lead", index);
    struct person_name person;
    struct company company;
    char name[121], email[96] = "", phone[40], website[200], id[19];
    person_make(&rng, &person);
    /* Companies of leads are numbered far from those of accounts; one in four works at an account.
     */
    uint64_t at = chance(&rng, 250) ? rng_below(&rng, ACCOUNTS) : 1000000 + index;
    company_make(d->s->seed, at, &company);
    const char *first = person.first, *last = person.last, *works_at = company.name;
    if (!chance(&rng, dirt.no_email))
        snprintf(email, sizeof email, "%.20s@%.70s", person.mailbox, company.domain);
    if (d->mails.len && chance(&rng, dirt.lead_is_contact)) {
        const struct contact_mail *same = &d->mails.at[rng_below(&rng, d->mails.len)];
        snprintf(email, sizeof email, "%s", same->email);
        first = same->first;
        last = same->last;
        works_at = same->company;
    }
    snprintf(name, sizeof name, "%s %s", first, last);
    phone_make(&rng, company.place, phone, sizeof phone);
    website_make(&rng, company.domain, website, sizeof website);
    static const char *const states[] = {"Open - Not Contacted", "Open - Not Contacted",
                                         "Working - Contacted", "Working - Contacted",
                                         "Closed - Not Converted"};
    static const char *const ratings[] = {"Hot", "Warm", "Cold"};
    int64_t task_day = chance(&rng, 250) ? some_task_day(d, &rng) : 0;

    struct sheet *t = d->leads;
    sheet_text(t, LEAD_LAST, last);
    sheet_text(t, LEAD_FIRST, chance(&rng, 40) ? NULL : first);
    sheet_text(t, LEAD_SALUTATION, person.salutation);
    sheet_text(t, LEAD_NAME, name);
    sheet_text(t, LEAD_TITLE, chance(&rng, 700) ? PICK(&rng, titles) : NULL);
    sheet_text(t, LEAD_COMPANY, works_at);
    sheet_text(t, LEAD_CITY, chance(&rng, 600) ? company.place->city : NULL);
    sheet_text(t, LEAD_STATE, company.place->state);
    sheet_text(t, LEAD_COUNTRY, company.place->country);
    sheet_text(t, LEAD_PHONE, phone);
    sheet_text(t, LEAD_EMAIL, email);
    sheet_text(t, LEAD_WEBSITE, chance(&rng, 500) ? website : NULL);
    sheet_text(t, LEAD_SOURCE, chance(&rng, 800) ? PICK(&rng, sources) : NULL);
    sheet_text(t, LEAD_STATUS, PICK(&rng, states));
    sheet_text(t, LEAD_INDUSTRY, chance(&rng, 400) ? pick(&rng, industries, industry_count) : NULL);
    sheet_text(t, LEAD_RATING, chance(&rng, 400) ? PICK(&rng, ratings) : NULL);
    if (chance(&rng, 400))
        sheet_int(t, LEAD_EMPLOYEES, head_count(&rng));
    sheet_int(t, LEAD_OPT_OUT, chance(&rng, dirt.opted_out));
    sheet_int(t, LEAD_UNREAD, chance(&rng, 300));
    if (task_day && task_day < d->today)
        sheet_date(t, LEAD_LAST_ACTIVITY, task_day);
    sheet_text(t, LEAD_CLEAN, "Pending");
    if (d->contact_count && chance(&rng, dirt.converted))
        convert_lead(d, &rng);
    put_people(d, t, owner(d, &rng));
    if (sheet_add(t, some_time(d, &rng), id, err) != OK)
        return FAIL;
    struct known known = {.lead = true};
    memcpy(known.id, id, sizeof id);
    vec_push(&d->people, known);
    return task_day ? add_task(d, &rng, id, NULL, task_day, err) : OK;
}

/* --- campaigns --- */

enum {
    CAM_NAME,
    CAM_TYPE,
    CAM_STATUS,
    CAM_START,
    CAM_END,
    CAM_BUDGET,
    CAM_ACTIVE,
    CAM_LEADS,
    CAM_CONVERTED,
    CAM_CONTACTS,
    CAM_RESPONSES,
    CAM_OPPORTUNITIES,
    CAM_WON,
    CAM_ALL_AMOUNT,
    CAM_WON_AMOUNT
};
static const char *const campaign_columns[] = {"Name",
                                               "Type",
                                               "Status",
                                               "StartDate",
                                               "EndDate",
                                               "BudgetedCost",
                                               "IsActive",
                                               "NumberOfLeads",
                                               "NumberOfConvertedLeads",
                                               "NumberOfContacts",
                                               "NumberOfResponses",
                                               "NumberOfOpportunities",
                                               "NumberOfWonOpportunities",
                                               "AmountAllOpportunities",
                                               "AmountWonOpportunities"};
static const char *const member_columns[] = {
    "CampaignId",         "LeadId",          "ContactId", "Status", "HasResponded",
    "FirstRespondedDate", "LeadOrContactId", "Type"};
static const char *const member_status_columns[] = {"CampaignId", "Label", "SortOrder", "IsDefault",
                                                    "HasResponded"};

struct campaign {
    char id[19];
    size_t leads, contacts, responses;
};

static enum status add_member(struct demo *d, struct sheet *members, struct rng *rng,
                              struct campaign *campaign, const struct known *person,
                              struct err *err)
{
    bool responded = chance(rng, 180);
    campaign->leads += person->lead;
    campaign->contacts += !person->lead;
    campaign->responses += responded;
    sheet_text(members, 0, campaign->id);
    sheet_text(members, person->lead ? 1 : 2, person->id);
    sheet_text(members, 3, responded ? "Responded" : "Sent");
    sheet_int(members, 4, responded);
    if (responded)
        sheet_date(members, 5, d->today - (int64_t)rng_below(rng, 90));
    sheet_text(members, 6, person->id);
    sheet_text(members, 7, person->lead ? "Lead" : "Contact");
    char id[19];
    put_people(d, members, d->s->people[PERSON_ADMIN]);
    return sheet_add(members, some_time(d, rng), id, err);
}

static enum status add_member_statuses(struct demo *d, struct sheet *statuses,
                                       const struct campaign *campaign, struct err *err)
{
    for (int i = 0; i < 2; i++) {
        char id[19];
        sheet_text(statuses, 0, campaign->id);
        sheet_text(statuses, 1, i ? "Responded" : "Sent");
        sheet_int(statuses, 2, i + 1);
        sheet_int(statuses, 3, !i);
        sheet_int(statuses, 4, i);
        int64_t when = d->s->now_ms - HISTORY * DAY_MS;
        put_people(d, statuses, d->s->people[PERSON_ADMIN]);
        if (sheet_add(statuses, (struct sheet_times){when, when}, id, err) != OK)
            return FAIL;
    }
    return OK;
}

/* The campaign's own row comes last, when its totals are known. */
static enum status add_campaign(struct demo *d, struct sheet *campaigns, size_t index,
                                const struct campaign *campaign, struct err *err)
{
    static const char *const themes[] = {"Spring Fair",        "Partner Day",   "Product Webinar",
                                         "Newsletter",         "Win-back",      "Autumn Roadshow",
                                         "Customer Breakfast", "Referral Drive"};
    static const char *const types[] = {"Trade Show",  "Partners",   "Webinar", "Email",
                                        "Direct Mail", "Conference", "Other",   "Referral Program"};
    struct rng rng = dice(d, "campaign", index);
    int64_t start = d->today - 400 + (int64_t)rng_below(&rng, 460);
    char name[80], id[19];
    snprintf(name, sizeof name, "%s %d (%zu)", themes[index % COUNT(themes)],
             date_from_days(start).year, index / COUNT(themes) + 1);
    bool over = start + 30 < d->today;
    sheet_text(campaigns, CAM_NAME, name);
    sheet_text(campaigns, CAM_TYPE, types[index % COUNT(types)]);
    sheet_text(campaigns, CAM_STATUS,
               over               ? "Completed"
               : start < d->today ? "In Progress"
                                  : "Planned");
    sheet_date(campaigns, CAM_START, start);
    sheet_date(campaigns, CAM_END, start + 30);
    sheet_int(campaigns, CAM_BUDGET, (int64_t)(1 + rng_below(&rng, 40)) * 1000);
    sheet_int(campaigns, CAM_ACTIVE, !over);
    sheet_int(campaigns, CAM_LEADS, (int64_t)campaign->leads);
    sheet_int(campaigns, CAM_CONVERTED, 0);
    sheet_int(campaigns, CAM_CONTACTS, (int64_t)campaign->contacts);
    sheet_int(campaigns, CAM_RESPONSES, (int64_t)campaign->responses);
    for (size_t zero = CAM_OPPORTUNITIES; zero <= CAM_WON_AMOUNT; zero++)
        sheet_int(campaigns, zero, 0);
    sheet_id(campaigns, campaign->id);
    put_people(d, campaigns, owner(d, &rng));
    return sheet_add(campaigns, some_time(d, &rng), id, err);
}

/* Each campaign takes every n-th of the people made, starting elsewhere, so
 * that nobody is in it twice. */
static enum status fill_campaigns(struct demo *d, struct sheet *campaigns, struct sheet *members,
                                  struct sheet *statuses, size_t count, struct err *err)
{
    const struct sobject *object = schema_find(org_schema(d->s->org), "Campaign");
    size_t each = (size_t)MEMBERS * (size_t)d->s->scale / count;
    size_t stride = d->people.len / (each + 1) + 1;
    for (size_t c = 0; c < count; c++) {
        struct campaign campaign = {0};
        struct rng rng = dice(d, "members", c);
        set_age(d, c, count);
        if (org_next_id(d->s->org, object, campaign.id, err) != OK ||
            add_member_statuses(d, statuses, &campaign, err) != OK)
            return FAIL;
        size_t taken = 0;
        for (size_t i = c % stride; i < d->people.len && taken < each; i += stride, taken++)
            if (add_member(d, members, &rng, &campaign, &d->people.at[i], err) != OK)
                return FAIL;
        if (add_campaign(d, campaigns, c, &campaign, err) != OK)
            return FAIL;
    }
    return OK;
}

#define OPEN(object, columns) sheet_open(d->s->org, d->s->db, object, columns, COUNT(columns), err)

static enum status add_campaigns(struct demo *d, struct err *err)
{
    size_t count = 8 + (size_t)(d->s->scale > 32 ? 32 : d->s->scale);
    struct sheet *campaigns = OPEN("Campaign", campaign_columns);
    struct sheet *members = campaigns ? OPEN("CampaignMember", member_columns) : NULL;
    struct sheet *statuses = members ? OPEN("CampaignMemberStatus", member_status_columns) : NULL;
    enum status rc = statuses ? fill_campaigns(d, campaigns, members, statuses, count, err) : FAIL;
    sheet_close(campaigns);
    sheet_close(members);
    sheet_close(statuses);
    return rc;
}

/* What a member shows of its lead or contact, and what campaigns count of it. */
static enum status copy_to_members(struct demo *d, struct err *err)
{
    static const char *const sql[] = {
        "UPDATE CampaignMember SET (FirstName, LastName, Name, Title, City, State, Country, Email,"
        " Phone, HasOptedOutOfEmail, LeadSource, CompanyOrAccount, LeadOrContactOwnerId) ="
        " (SELECT FirstName, LastName, Name, Title, City, State, Country, Email, Phone,"
        " HasOptedOutOfEmail, LeadSource, Company, OwnerId FROM Lead WHERE Lead.Id = LeadId)"
        " WHERE LeadId IS NOT NULL",
        "UPDATE CampaignMember SET (FirstName, LastName, Name, Title, City, State, Country, Email,"
        " Phone, HasOptedOutOfEmail, LeadSource, CompanyOrAccount, LeadOrContactOwnerId,"
        " AccountId) = (SELECT c.FirstName, c.LastName, c.Name, c.Title, c.MailingCity,"
        " c.MailingState, c.MailingCountry, c.Email, c.Phone, c.HasOptedOutOfEmail, c.LeadSource,"
        " a.Name, c.OwnerId, c.AccountId FROM Contact c LEFT JOIN Account a ON a.Id = c.AccountId"
        " WHERE c.Id = ContactId) WHERE ContactId IS NOT NULL",
        "UPDATE Campaign SET NumberOfConvertedLeads = (SELECT count(*) FROM CampaignMember m JOIN"
        " Lead l ON l.Id = m.LeadId WHERE m.CampaignId = Campaign.Id AND l.IsConverted)"};
    for (size_t i = 0; i < COUNT(sql); i++)
        if (sqlite3_exec(d->s->db, sql[i], NULL, NULL, NULL) != SQLITE_OK)
            return err_set(err, ERR_IO, "campaign members: %s", sqlite3_errmsg(d->s->db));
    return OK;
}

/* --- all of it --- */

enum status seed_demo_fields(struct org *org, struct err *err)
{
    static const struct {
        const char *object, *field;
    } fields[] = {
        {"Lead", "{\"name\":\"Lead_Key__c\",\"label\":\"Lead Key\",\"type\":\"string\","
                 "\"length\":36,\"byteLength\":108,\"custom\":true,\"unique\":true,"
                 "\"externalId\":true,\"caseSensitive\":true,\"idLookup\":true}"},
        {"Lead", "{\"name\":\"Argil_Key__c\",\"label\":\"Argil Key\",\"type\":\"string\","
                 "\"length\":36,\"byteLength\":108,\"custom\":true,\"unique\":true,"
                 "\"externalId\":true,\"caseSensitive\":true,\"idLookup\":true}"},
        {"Account", "{\"name\":\"Domain__c\",\"label\":\"Domain\",\"type\":\"string\","
                    "\"length\":255,\"byteLength\":765,\"custom\":true}"},
    };
    struct arena *arena = arena_new();
    enum status rc = OK;
    for (size_t i = 0; i < COUNT(fields) && rc == OK; i++) {
        const struct json *field = json_parse(arena, fields[i].field, strlen(fields[i].field), err);
        rc = field ? org_add_field(org, fields[i].object, field, err) : FAIL;
    }
    arena_free(arena);
    return rc;
}

static bool open_sheets(struct demo *d, struct err *err)
{
    return (d->accounts = OPEN("Account", account_columns)) &&
           (d->contacts = OPEN("Contact", contact_columns)) &&
           (d->leads = OPEN("Lead", lead_columns)) &&
           (d->opportunities = OPEN("Opportunity", opportunity_columns)) &&
           (d->roles = OPEN("OpportunityContactRole", role_columns)) &&
           (d->tasks = OPEN("Task", task_columns));
}

static enum status fill(struct demo *d, struct err *err)
{
    uint64_t scale = (uint64_t)d->s->scale;
    for (uint64_t i = 0; i < ACCOUNTS * scale; i++) {
        set_age(d, i, ACCOUNTS * scale);
        if (add_account(d, i, err) != OK)
            return FAIL;
    }
    if (d->accounts_only)
        return OK;
    d->contact_count = d->people.len;
    for (uint64_t i = 0; i < LEADS * scale; i++) {
        set_age(d, i, LEADS * scale);
        if (add_lead(d, i, err) != OK)
            return FAIL;
    }
    if (add_campaigns(d, err) != OK)
        return FAIL;
    return copy_to_members(d, err);
}

static enum status seed_companies(struct seeding *s, bool accounts_only, struct err *err)
{
    static const char *const filled[] = {"Account",       "Contact", "Lead",
                                         "Opportunity",   "Task",    "OpportunityContactRole",
                                         "CampaignMember"};
    struct demo d = {.s = s,
                     .today = date_to_days(when_date(s->now_ms, NULL)),
                     .accounts_only = accounts_only};
    struct bulk *bulk = NULL;
    enum status rc = OK;
    if (s->scale > 4 && !(bulk = bulk_begin(s->db, filled, COUNT(filled), err)))
        rc = FAIL;
    if (rc == OK)
        rc = open_sheets(&d, err) ? fill(&d, err) : FAIL;
    sheet_close(d.accounts);
    sheet_close(d.contacts);
    sheet_close(d.leads);
    sheet_close(d.opportunities);
    sheet_close(d.roles);
    sheet_close(d.tasks);
    enum status back = bulk_end(s->db, bulk, rc == OK ? err : NULL);
    vec_free(&d.people);
    vec_free(&d.mails);
    return rc == OK ? back : rc;
}

enum status seed_demo(struct seeding *s, struct err *err)
{
    return seed_companies(s, false, err);
}

enum status seed_accounts(struct seeding *s, struct err *err)
{
    return seed_companies(s, true, err);
}
