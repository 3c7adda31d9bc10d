/* looks.c - what an app draws its menus with: tabs, theme, app menu; and the lists
 * of invocable actions, of which there are none.
 *
 * Colours and icon names are those of the objects' tabs in Lightning as far as
 * published; the pictures themselves are not served. */
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <string.h>

static const struct {
    const char *object, *color, *icon;
} known[] = {
    {"Account", "5867E8", "account"},     {"Asset", "317BF4", "asset_object"},
    {"Campaign", "FF538A", "campaign"},   {"Case", "FF538A", "case"},
    {"Contact", "9602C7", "contact"},     {"Contract", "3BA755", "contract"},
    {"Lead", "FF5D2D", "lead"},           {"Opportunity", "FF5D2D", "opportunity"},
    {"Order", "7F2443", "orders"},        {"Pricebook2", "8A033E", "pricebook"},
    {"Product2", "A737F2", "product"},    {"Report", "06A59A", "report"},
    {"Solution", "8FC972", "solution"},   {"Task", "4BC076", "task"},
    {"Event", "EB7092", "event"},         {"User", "34BECD", "user"},
    {"Dashboard", "F36E83", "dashboard"}, {"Document", "BAAC93", "document"},
};

static const char *color_of(const struct sobject *object, const char **icon)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].object, object->name) == 0) {
            *icon = known[i].icon;
            return known[i].color;
        }
    *icon = object->custom ? "custom1" : "default";
    return "706E6B";
}

static void write_colors(struct jw *w, const char *color)
{
    static const char *const themes[] = {"theme4", "theme3"};
    jw_key(w, "colors");
    jw_array(w);
    for (size_t i = 0; i < 2; i++) {
        jw_object(w);
        jw_kv_text(w, "color", color);
        jw_kv_text(w, "context", "primary");
        jw_kv_text(w, "theme", themes[i]);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static const char *icon_url(struct call *call, const struct sobject *object, const char *icon,
                            const char *tail)
{
    return arena_printf(call->arena, "%s/img/icon/t4/%s/%s%s", call->origin,
                        object->custom ? "custom" : "standard", icon, tail);
}

static void write_icons(struct call *call, struct jw *w, const struct sobject *object,
                        const char *icon)
{
    static const struct {
        const char *tail, *type;
        int size;
    } sizes[] = {
        {".svg", "image/svg+xml", 0}, {"_60.png", "image/png", 60}, {"_120.png", "image/png", 120}};
    jw_key(w, "icons");
    jw_array(w);
    for (size_t i = 0; i < 3; i++) {
        jw_object(w);
        jw_kv_text(w, "contentType", sizes[i].type);
        jw_kv_int(w, "height", sizes[i].size);
        jw_kv_text(w, "theme", "theme4");
        jw_kv_text(w, "url", icon_url(call, object, icon, sizes[i].tail));
        jw_kv_int(w, "width", sizes[i].size);
        jw_end_object(w);
    }
    jw_end_array(w);
}

/* Does the object have a tab this user may open? */
static bool has_tab(struct call *call, const struct sobject *object)
{
    return object->layoutable && object->mru && object->key_prefix && !object->custom_setting &&
           org_may_object(call->site->org, call->session.user_id, object, ORG_READ);
}

void tabs_list(struct call *call)
{
    struct jw w;
    const struct schema *schema = org_schema(call->site->org);
    answer_json(call, 200, &w);
    jw_array(&w);
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        const char *icon, *color = color_of(object, &icon);
        if (!has_tab(call, object))
            continue;
        jw_object(&w);
        write_colors(&w, color);
        jw_kv_bool(&w, "custom", object->custom);
        jw_kv_text(&w, "iconUrl", icon_url(call, object, icon, "_60.png"));
        write_icons(call, &w, object, icon);
        jw_kv_text(&w, "label", object->label_plural);
        jw_kv_text(&w, "miniIconUrl", icon_url(call, object, icon, "_60.png"));
        jw_kv_text(&w, "name",
                   object->custom ? object->name
                                  : arena_printf(call->arena, "standard-%s", object->name));
        jw_kv_text(&w, "sobjectName", object->name);
        jw_kv_text(&w, "url",
                   arena_printf(call->arena, "%s/%s/o", call->origin, object->key_prefix));
        jw_end_object(&w);
    }
    jw_end_array(&w);
}

void theme(struct call *call)
{
    struct jw w;
    const struct schema *schema = org_schema(call->site->org);
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "themeItems");
    jw_array(&w);
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        const char *icon, *color = color_of(object, &icon);
        if (!has_tab(call, object))
            continue;
        jw_object(&w);
        write_colors(&w, color);
        write_icons(call, &w, object, icon);
        jw_kv_text(&w, "name", object->name);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
}

/* --- app menu --- */

static void write_menu_item(struct jw *w, const char *type, const char *label, const char *url)
{
    jw_object(w);
    jw_kv_text(w, "type", type);
    jw_kv_text(w, "content", NULL);
    jw_kv_text(w, "icons", NULL);
    jw_kv_text(w, "colors", NULL);
    jw_kv_text(w, "label", label);
    jw_kv_text(w, "url", url);
    jw_end_object(w);
}

void app_menus(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_text(&w, "AppSwitcher", arena_printf(call->arena, "%s/appMenu/AppSwitcher", call->base));
    jw_kv_text(&w, "Salesforce1", arena_printf(call->arena, "%s/appMenu/Salesforce1", call->base));
    jw_end_object(&w);
}

void app_menu(struct call *call)
{
    static const char *const apps[][2] = {{"Sales", "/home/home.jsp?tsid=02u000000000001"},
                                          {"Service", "/home/home.jsp?tsid=02u000000000002"},
                                          {"Marketing", "/home/home.jsp?tsid=02u000000000003"}};
    static const char *const mobile[][3] = {{"Standard.Search", "Smart Search Items", "/search"},
                                            {"Standard.MyDay", "Today", "/myDay"},
                                            {"Standard.Tasks", "Tasks", "/tasks"},
                                            {"Standard.Dashboards", "Dashboards", "/dashboards"}};
    struct jw w;
    bool switcher = text_eq_nocase(call->args[0], "AppSwitcher");
    if (!switcher && !text_eq_nocase(call->args[0], "Salesforce1")) {
        answer_not_found(call);
        return;
    }
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "appMenuItems");
    jw_array(&w);
    for (size_t i = 0; switcher && i < sizeof apps / sizeof *apps; i++)
        write_menu_item(&w, "Tabset", apps[i][0],
                        arena_printf(call->arena, "%s%s", call->origin, apps[i][1]));
    for (size_t i = 0; !switcher && i < sizeof mobile / sizeof *mobile; i++)
        write_menu_item(&w, mobile[i][0], mobile[i][1], mobile[i][2]);
    jw_end_array(&w);
    jw_end_object(&w);
}

/* --- invocable actions --- */

void actions_kinds(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_text(&w, "standard", arena_printf(call->arena, "%s/actions/standard", call->base));
    jw_kv_text(&w, "custom", arena_printf(call->arena, "%s/actions/custom", call->base));
    jw_end_object(&w);
}

void actions_custom(struct call *call)
{
    static const char *const kinds[] = {"apex",        "emailAlert",       "flow",
                                        "quickAction", "sendNotification", NULL};
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    for (const char *const *kind = kinds; *kind; kind++)
        jw_kv_text(&w, *kind, arena_printf(call->arena, "%s/actions/custom/%s", call->base, *kind));
    jw_end_object(&w);
}

/* Standard ones, or custom ones of a kind: an org without any. */
void actions_list(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "actions");
    jw_array(&w);
    jw_end_array(&w);
    jw_end_object(&w);
}
