/* words.c - word lists, and how names are put together from them.
 *
 * Company names come from eight patterns in turn. Within a pattern the number
 * is scattered by a fixed stride, so neighbours look unrelated and still no
 * name comes twice. */
#include "localorg/seed/words.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

const struct place places[] = {
    {"Boston",
     "MA",
     "United States",
     "021##",
     "(617) 555-01##",
     false,
     {"Inc.", "LLC", "", "Corp."}},
    {"Chicago",
     "IL",
     "United States",
     "606##",
     "(312) 555-01##",
     false,
     {"Inc.", "LLC", "Co.", "Corp."}},
    {"Austin", "TX", "United States", "787##", "(512) 555-01##", false, {"Inc.", "LLC", "", ""}},
    {"Denver",
     "CO",
     "United States",
     "802##",
     "(303) 555-01##",
     false,
     {"Inc.", "LLC", "", "Group"}},
    {"San Francisco",
     "CA",
     "United States",
     "941##",
     "(415) 555-01##",
     false,
     {"Inc.", "", "", "Labs"}},
    {"Seattle", "WA", "United States", "981##", "206-555-01##", false, {"Inc.", "LLC", "", ""}},
    {"Atlanta",
     "GA",
     "United States",
     "303##",
     "404.555.01##",
     false,
     {"Inc.", "LLC", "Corp.", ""}},
    {"Portland",
     "OR",
     "United States",
     "972##",
     "+1 503 555 01##",
     false,
     {"Inc.", "LLC", "", "Co-op"}},
    {"Winston-Salem",
     "NC",
     "United States",
     "271##",
     "(336) 555-01##",
     false,
     {"Inc.", "LLC", "", ""}},
    {"St. Louis",
     "MO",
     "United States",
     "631##",
     "(314) 555-01##",
     false,
     {"Inc.", "LLC", "Co.", ""}},
    {"Toronto", "ON", "Canada", "M5V #A#", "+1 416 555 01##", false, {"Inc.", "Ltd.", "", ""}},
    {"Montréal", "QC", "Canada", "H3B #C#", "+1 514 555 01##", false, {"Inc.", "Ltée", "", ""}},
    {"London",
     "",
     "United Kingdom",
     "EC#A #BX",
     "+44 20 7946 0###",
     false,
     {"Ltd", "plc", "", "LLP"}},
    {"Leeds",
     "West Yorkshire",
     "United Kingdom",
     "LS# #QT",
     "+44 113 496 0###",
     false,
     {"Ltd", "Ltd", "plc", ""}},
    {"Bristol", "", "United Kingdom", "BS# #TR", "0117 496 0###", false, {"Ltd", "LLP", "", "plc"}},
    {"Edinburgh",
     "Scotland",
     "United Kingdom",
     "EH# #NG",
     "+44 131 496 0###",
     false,
     {"Ltd", "LLP", "", "plc"}},
    {"Dublin", "", "Ireland", "D0#", "+353 1 555 0###", false, {"Ltd", "DAC", "", "plc"}},
    {"Berlin",
     "Berlin",
     "Germany",
     "101##",
     "+49 30 23125 ###",
     true,
     {"GmbH", "AG", "GmbH & Co. KG", "SE"}},
    {"München",
     "Bayern",
     "Germany",
     "803##",
     "+49 89 99998 ###",
     true,
     {"GmbH", "AG", "GmbH & Co. KG", "e.K."}},
    {"Köln",
     "Nordrhein-Westfalen",
     "Germany",
     "506##",
     "+49 221 4710 ###",
     true,
     {"GmbH", "AG", "KG", "GmbH"}},
    {"Zürich", "ZH", "Switzerland", "80##", "+41 44 555 ## ##", true, {"AG", "GmbH", "SA", ""}},
    {"Genève", "GE", "Switzerland", "12##", "+41 22 555 ## ##", true, {"SA", "Sàrl", "AG", ""}},
    {"Wien", "", "Austria", "10#0", "+43 1 555 ## ##", true, {"GmbH", "AG", "OG", ""}},
    {"Paris",
     "Île-de-France",
     "France",
     "750##",
     "+33 1 99 00 ## ##",
     false,
     {"SA", "SARL", "SAS", ""}},
    {"Lyon", "", "France", "6900#", "+33 4 65 71 ## ##", false, {"SA", "SARL", "SAS", ""}},
    {"Amsterdam",
     "Noord-Holland",
     "Netherlands",
     "10## AB",
     "+31 20 555 ####",
     true,
     {"B.V.", "N.V.", "", "B.V."}},
    {"Gent", "", "Belgium", "90##", "+32 9 555 ## ##", true, {"NV", "BV", "", ""}},
    {"Malmö", "Skåne", "Sweden", "21# ##", "+46 40 555 ## ##", true, {"AB", "AB", "", "HB"}},
    {"Århus", "", "Denmark", "80##", "+45 70 55 ## ##", true, {"A/S", "ApS", "", ""}},
    {"Tromsø", "", "Norway", "90##", "+47 55 50 ## ##", true, {"AS", "ASA", "", ""}},
    {"Helsinki", "", "Finland", "00##0", "+358 9 555 ####", true, {"Oy", "Oyj", "", ""}},
    {"Madrid", "", "Spain", "280##", "+34 915 55 ## ##", true, {"S.A.", "S.L.", "", ""}},
    {"A Coruña", "Galicia", "Spain", "150##", "+34 981 55 ## ##", true, {"S.L.", "S.L.", "", ""}},
    {"Milano", "MI", "Italy", "201##", "+39 02 555 ####", true, {"S.p.A.", "S.r.l.", "", ""}},
    {"Lisboa", "", "Portugal", "11##-0##", "+351 21 555 ####", true, {"Lda", "S.A.", "", ""}},
    {"Kraków",
     "Małopolska",
     "Poland",
     "30-###",
     "+48 12 555 ## ##",
     true,
     {"Sp. z o.o.", "S.A.", "", ""}},
    {"Praha", "", "Czechia", "1## 00", "+420 255 5## ###", true, {"s.r.o.", "a.s.", "", ""}},
    {"São Paulo", "SP", "Brazil", "013##-0##", "+55 11 5555 ####", true, {"Ltda.", "S.A.", "", ""}},
    {"Sydney", "NSW", "Australia", "20##", "+61 2 5550 ####", false, {"Pty Ltd", "Ltd", "", ""}},
    {"Auckland", "", "New Zealand", "10##", "+64 9 555 0###", false, {"Ltd", "", "", "Ltd"}},
    {"Singapore",
     "",
     "Singapore",
     "0188##",
     "+65 6555 ####",
     false,
     {"Pte Ltd", "Pte. Ltd.", "", ""}},
    {"Tokyo", "", "Japan", "100-00##", "+81 3 5550 ####", false, {"K.K.", "Co., Ltd.", "", ""}},
    {"Bengaluru",
     "Karnataka",
     "India",
     "5600##",
     "+91 80 5550 ####",
     false,
     {"Pvt Ltd", "Ltd", "", "LLP"}},
    {"Nairobi", "", "Kenya", "001##", "+254 20 555 ####", false, {"Ltd", "Ltd", "", ""}},
};
const size_t place_count = COUNT(places);

const char *const industries[] = {
    "Agriculture",     "Apparel",       "Banking",       "Biotechnology",      "Chemicals",
    "Communications",  "Construction",  "Consulting",    "Education",          "Electronics",
    "Energy",          "Engineering",   "Entertainment", "Environmental",      "Finance",
    "Food & Beverage", "Government",    "Healthcare",    "Hospitality",        "Insurance",
    "Machinery",       "Manufacturing", "Media",         "Not For Profit",     "Recreation",
    "Retail",          "Shipping",      "Technology",    "Telecommunications", "Transportation",
    "Utilities",       "Other",
};
const size_t industry_count = COUNT(industries);

static const char *const heads[] = {
    "Alder",  "Amber",  "Ash",   "Beacon",  "Birch",  "Black",  "Blue",    "Bramble",
    "Bright", "Brook",  "Cedar", "Clear",   "Cobalt", "Copper", "Coral",   "Crest",
    "Dawn",   "Deep",   "Drift", "East",    "Ember",  "Fair",   "Fern",    "Flint",
    "Fox",    "Glen",   "Gold",  "Granite", "Green",  "Grey",   "Harbor",  "Hawk",
    "Hazel",  "Heath",  "High",  "Holly",   "Iron",   "Ivy",    "Juniper", "Kestrel",
    "Lark",   "Linden", "Long",  "Maple",   "Marsh",  "Meadow", "Mill",    "Moss",
    "New",    "North",  "Oak",   "Otter",   "Pine",   "Quartz", "Raven",   "Red",
    "River",  "Rowan",  "Sage",  "Silver",  "South",  "Stone",  "Thorn",   "Willow",
};

static const char *const tails[] = {
    "bank",  "bay",    "beam",  "berry", "bird",  "bloom", "bourne", "bridge", "brook",  "burn",
    "bush",  "castle", "cliff", "craft", "cross", "dale",  "den",    "dock",   "edge",   "fall",
    "field", "fleet",  "ford",  "forge", "gate",  "grove", "hall",   "haven",  "hill",   "hurst",
    "kirk",  "lake",   "land",  "leaf",  "ley",   "light", "line",   "lock",   "mark",   "mere",
    "mill",  "mont",   "mount", "park",  "path",  "peak",  "point",  "pool",   "port",   "ridge",
    "rock",  "root",   "sand",  "shaw",  "shore", "side",  "spring", "stead",  "stream", "ton",
    "tree",  "vale",   "view",  "wood",
};

static const char *const nouns[] = {
    "Analytics",   "Apparel",   "Automation",  "Biologics", "Brewing",   "Builders",
    "Capital",     "Catering",  "Ceramics",    "Chemicals", "Clinics",   "Components",
    "Consulting",  "Dairy",     "Data",        "Dental",    "Design",    "Diagnostics",
    "Electronics", "Energy",    "Engineering", "Estates",   "Farms",     "Finance",
    "Foods",       "Freight",   "Furniture",   "Games",     "Glass",     "Health",
    "Hotels",      "Insurance", "Instruments", "Labs",      "Leasing",   "Logistics",
    "Machinery",   "Marine",    "Materials",   "Media",     "Medical",   "Mining",
    "Mobility",    "Networks",  "Optics",      "Outdoors",  "Packaging", "Paper",
    "Partners",    "Pharma",    "Plastics",    "Power",     "Press",     "Publishing",
    "Rail",        "Recycling", "Robotics",    "Security",  "Software",  "Solar",
    "Staffing",    "Steel",     "Studios",     "Supply",    "Systems",   "Telecom",
    "Textiles",    "Tools",     "Toys",        "Transport", "Travel",    "Ventures",
    "Water",       "Wines",
};

static const char *const lasts[] = {
    "Abara",       "Adler",       "Almeida",    "Andersson", "Aoki",      "Araújo",
    "Bauer",       "Beaumont",    "Bianchi",    "Björk",     "Brandt",    "Brännström",
    "Brooks",      "Cabrera",     "Carver",     "Černý",     "Chandra",   "Chen",
    "Clarke",      "Costa",       "D'Angelo",   "D'Souza",   "Dietrich",  "Dubois",
    "Duarte",      "Ekström",     "Eriksen",    "Fabre",     "Farouk",    "Ferrari",
    "Fischer",     "Fitzgerald",  "Fontaine",   "Gallagher", "García",    "Goldberg",
    "González",    "Grünwald",    "Gupta",      "Haddad",    "Hansen",    "Hernández",
    "Hoffmann",    "Horváth",     "Ibrahim",    "Ito",       "Iyer",      "Jansen",
    "Jensen",      "Jiménez",     "Johansson",  "Kaminski",  "Karlsen",   "Keller",
    "Khan",        "Kowalczyk",   "Krüger",     "Lambert",   "Larsen",    "Laurent",
    "Lefèvre",     "Lindqvist",   "Łukasik",    "MacLeod",   "Mahmoud",   "Marino",
    "Martins",     "McKenzie",    "Mbeki",      "Mendoza",   "Meyer",     "Moreau",
    "Müller",      "Muñoz",       "Mwangi",     "Nakamura",  "Nguyen",    "Nilsson",
    "Novák",       "Núñez",       "O'Brien",    "O'Dell",    "O'Hara",    "O'Neill",
    "Okafor",      "Olsen",       "Ortega",     "Øverland",  "Papadakis", "Patel",
    "Pereira",     "Petrov",      "Pham",       "Quinn",     "Rahman",    "Ramírez",
    "Reyes",       "Ricci",       "Rossi",      "Rousseau",  "Sánchez",   "Santos",
    "Schäfer",     "Schmidt",     "Schröder",   "Sharma",    "Silva",     "Singh",
    "Smith-Jones", "Søndergaard", "Sokolov",    "St. John",  "Suzuki",    "Takahashi",
    "Tanaka",      "Thompson",    "Tran",       "Turner",    "van Dijk",  "van den Berg",
    "Varga",       "Vasquez",     "Vogel",      "von Arnim", "Wagner",    "Walsh",
    "Weber",       "Whitfield",   "Wiśniewski", "Wójcik",    "Wright",    "Yamamoto",
    "Yılmaz",      "Zhang",       "Zieliński",  "Žižka",
};

static const char *const women[] = {
    "Aisha",  "Alice", "Amara",     "Ana",     "Anna",   "Astrid", "Beatriz", "Camille",
    "Chiara", "Chloé", "Claire",    "Deborah", "Elena",  "Emma",   "Fatima",  "Françoise",
    "Freya",  "Grace", "Hannah",    "Helena",  "Ines",   "Ingrid", "Isabel",  "Jing",
    "Julia",  "Karin", "Katarzyna", "Laura",   "Leila",  "Linh",   "Lucía",   "Maja",
    "María",  "Mei",   "Mia",       "Naomi",   "Nora",   "Olivia", "Priya",   "Renée",
    "Rosa",   "Sara",  "Siobhán",   "Sofia",   "Sophie", "Tamar",  "Yuki",    "Zoë",
};

static const char *const men[] = {
    "Adam",    "Ahmed",   "Alexander", "André",    "Antonio", "Ben",    "Björn",  "Carlos",
    "Daniel",  "David",   "Diego",     "Elias",    "Emeka",   "Eric",   "Felix",  "Giovanni",
    "Hans",    "Hiroshi", "Hugo",      "Ivan",     "Jack",    "James",  "Jan",    "Jean-Luc",
    "João",    "Jonas",   "José",      "Kenji",    "Kwame",   "Lars",   "Liam",   "Luca",
    "Marcus",  "Mateusz", "Miguel",    "Mohammed", "Nathan",  "Noah",   "Oliver", "Omar",
    "Patrick", "Paul",    "Peter",     "Rafael",   "Rajesh",  "Robert", "Sami",   "Søren",
    "Thomas",  "Viktor",  "Wei",
};

static const char *const streets[] = {
    "Acacia",  "Baker",   "Canal",    "Cathedral", "Church", "College",  "Court",
    "Dock",    "Factory", "Garden",   "George",    "Grange", "Hill",     "King",
    "Lake",    "Liberty", "Linden",   "Main",      "Market", "Mill",     "Museum",
    "Orchard", "Park",    "Queen",    "Railway",   "Ridge",  "School",   "Station",
    "Temple",  "Tower",   "Victoria", "Water",     "Wharf",  "Windmill",
};

/* --- small things --- */

const char *pick(struct rng *rng, const char *const *list, size_t count)
{
    return list[rng_below(rng, count)];
}

bool chance(struct rng *rng, unsigned per_thousand)
{
    return rng_below(rng, 1000) < per_thousand;
}

void fill_digits(struct rng *rng, const char *format, char *out, size_t size)
{
    size_t n = 0;
    for (; *format && n + 1 < size; format++)
        out[n++] = *format == '#' ? (char)('0' + rng_below(rng, 10)) : *format;
    out[n] = '\0';
}

void street_make(struct rng *rng, const struct place *place, char *out, size_t size)
{
    static const char *const kinds[] = {"Street", "Road", "Avenue", "Lane", "Way", "Square"};
    unsigned number = 1 + (unsigned)rng_below(rng, 240);
    const char *street = PICK(rng, streets);
    if (place->number_last)
        snprintf(out, size, "%s %s %u", street, PICK(rng, kinds), number);
    else
        snprintf(out, size, "%u %s %s", number, street, PICK(rng, kinds));
}

/* What a two-byte letter becomes in a mailbox or domain. */
static const char *fold(unsigned code)
{
    static const struct {
        unsigned from, to;
        const char *ascii;
    } ranges[] = {
        {0xC0, 0xC5, "a"},   {0xC6, 0xC6, "ae"},  {0xC7, 0xC7, "c"},   {0xC8, 0xCB, "e"},
        {0xCC, 0xCF, "i"},   {0xD1, 0xD1, "n"},   {0xD2, 0xD6, "o"},   {0xD8, 0xD8, "o"},
        {0xD9, 0xDC, "u"},   {0xDD, 0xDD, "y"},   {0xDF, 0xDF, "ss"},  {0xE0, 0xE5, "a"},
        {0xE6, 0xE6, "ae"},  {0xE7, 0xE7, "c"},   {0xE8, 0xEB, "e"},   {0xEC, 0xEF, "i"},
        {0xF1, 0xF1, "n"},   {0xF2, 0xF6, "o"},   {0xF8, 0xF8, "o"},   {0xF9, 0xFC, "u"},
        {0xFD, 0xFF, "y"},   {0x100, 0x105, "a"}, {0x106, 0x10D, "c"}, {0x112, 0x11B, "e"},
        {0x131, 0x131, "i"}, {0x139, 0x142, "l"}, {0x143, 0x148, "n"}, {0x154, 0x159, "r"},
        {0x15A, 0x161, "s"}, {0x16A, 0x173, "u"}, {0x179, 0x17E, "z"},
    };
    for (size_t i = 0; i < COUNT(ranges); i++)
        if (code >= ranges[i].from && code <= ranges[i].to)
            return ranges[i].ascii;
    return "";
}

void slug(const char *text, char *out, size_t size)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p && n + 3 < size; p++) {
        if (isalnum(*p)) {
            out[n++] = (char)tolower(*p);
        } else if (*p >= 0xC3 && *p <= 0xC5 && p[1]) {
            const char *ascii = fold(((*p & 0x1Fu) << 6) | (p[1] & 0x3Fu));
            for (; *ascii; ascii++)
                out[n++] = *ascii;
            p++;
        }
    }
    out[n] = '\0';
}

/* --- people --- */

void person_make(struct rng *rng, struct person_name *out)
{
    bool woman = chance(rng, 500);
    out->first = woman ? PICK(rng, women) : PICK(rng, men);
    out->last = PICK(rng, lasts);
    out->salutation = chance(rng, 80) ? "Dr." : chance(rng, 600) ? (woman ? "Ms." : "Mr.") : "";
    char first[32], last[32];
    slug(out->first, first, sizeof first);
    slug(out->last, last, sizeof last);
    switch (rng_below(rng, 4)) {
    case 0:
        snprintf(out->mailbox, sizeof out->mailbox, "%c%s", *first, last);
        break;
    case 1:
        snprintf(out->mailbox, sizeof out->mailbox, "%s", first);
        break;
    default:
        snprintf(out->mailbox, sizeof out->mailbox, "%s.%s", first, last);
    }
}

/* --- companies --- */

/* Number k of n, scattered; a bijection as long as k < n. */
static uint64_t scatter(uint64_t k, uint64_t n, uint64_t seed)
{
    return (k * 1000003ull + seed % n) % n;
}

#define STEMS (COUNT(heads) * COUNT(tails)) /* "Alderfield" */

static void stem_long(uint64_t k, const char *suffix, char *out, size_t size)
{
    uint64_t number = k / (STEMS * COUNT(nouns));
    k %= STEMS * COUNT(nouns);
    const char *head = heads[k % COUNT(heads)], *tail = tails[k / COUNT(heads) % COUNT(tails)];
    const char *noun = nouns[k / STEMS];
    if (number)
        snprintf(out, size, "%s%s %s%s %u", head, tail, noun, suffix, (unsigned)number + 1);
    else
        snprintf(out, size, "%s%s %s%s", head, tail, noun, suffix);
}

/* The name of company `index`; a company named after a city is at home there. */
static const struct place *stem_make(uint64_t seed, uint64_t index, char *out, size_t size)
{
    static const char *const overflow[] = {" Group", " Holdings", " International", " Works",
                                           " Union"};
    const uint64_t rooms[] = {STEMS, COUNT(heads) * COUNT(nouns), COUNT(lasts) * COUNT(nouns),
                              COUNT(places) * COUNT(nouns), COUNT(lasts) * COUNT(lasts)};
    unsigned pattern = (unsigned)(index % 8);
    uint64_t k = index / 8;
    if (pattern >= 5) {
        uint64_t n = STEMS * COUNT(nouns), all = k * 3 + pattern - 5;
        stem_long(all < n ? scatter(all, n, seed) : all, "", out, size);
        return NULL;
    }
    if (k >= rooms[pattern]) {
        k -= rooms[pattern];
        uint64_t n = STEMS * COUNT(nouns);
        stem_long(k < n ? scatter(k, n, seed) : k, overflow[pattern], out, size);
        return NULL;
    }
    k = scatter(k, rooms[pattern], seed);
    const char *noun = nouns[k % COUNT(nouns)];
    uint64_t rest = k / COUNT(nouns);
    switch (pattern) {
    case 0:
        snprintf(out, size, "%s%s", heads[k % COUNT(heads)], tails[k / COUNT(heads)]);
        break;
    case 1:
        snprintf(out, size, "%s %s", heads[rest], noun);
        break;
    case 2:
        snprintf(out, size, "%s %s", lasts[rest], noun);
        break;
    case 3:
        snprintf(out, size, "%s %s", places[rest].city, noun);
        return &places[rest];
    default:
        snprintf(out, size, "%s & %s", lasts[k % COUNT(lasts)], lasts[k / COUNT(lasts)]);
    }
    return NULL;
}

void company_make(uint64_t seed, uint64_t index, struct company *out)
{
    struct rng rng = {seed ^ (index * 0x9E3779B97F4A7C15ull + 1)};
    struct rng mixed = {seed}; /* 1, 2, 3 are usual seeds: they should start far apart */
    out->place = &places[rng_below(&rng, place_count)];
    if (chance(&rng, 350)) /* a home market */
        out->place = &places[rng_below(&rng, 10)];
    const struct place *home = stem_make(rng_next(&mixed), index, out->stem, sizeof out->stem);
    if (home)
        out->place = home;
    const char *form = out->place->forms[rng_below(&rng, 4)];
    snprintf(out->name, sizeof out->name, "%s%s%s", out->stem, *form ? " " : "", form);
    char host[100];
    slug(out->stem, host, sizeof host);
    bool ampersand = strstr(out->stem, " & ") != NULL;
    snprintf(out->domain, sizeof out->domain, "%s%s.example", host, ampersand ? "-co" : "");
}

void company_misspell(struct rng *rng, const struct company *company, char *out, size_t size)
{
    const char *form = company->name + strlen(company->stem);
    switch (rng_below(rng, 5)) {
    case 0:
        snprintf(out, size, "%s", company->name);
        for (char *p = out; *p; p++)
            *p = (char)toupper((unsigned char)*p);
        break;
    case 1: /* another legal form, or none */
        snprintf(out, size, "%s%s", company->stem, *form ? "" : " Ltd.");
        break;
    case 2:
        snprintf(out, size, "%s,%s", company->stem, *form ? form : " Inc");
        break;
    case 3: { /* two letters swapped */
        snprintf(out, size, "%s", company->name);
        size_t at = 2 + rng_below(rng, 3);
        if (at + 1 < strlen(out) && !((out[at] | out[at + 1]) & 0x80)) {
            char c = out[at];
            out[at] = out[at + 1];
            out[at + 1] = c;
        }
        break;
    }
    default:
        snprintf(out, size, "The %s Company", company->stem);
    }
}
