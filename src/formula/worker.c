/* worker.c - the process that evaluates people's formulas.
 *
 * JavaScriptCore is loaded here and nowhere else (dlopen), with JIT off. Order:
 * address space capped widely, engine started and warmed up, cap tightened,
 * seccomp filter on, then batches are served until the socket closes. The
 * distribution gives this engine no security fixes any more, so the filter is
 * not optional: the worker leaves when it cannot shut itself in. */
#include "formula/formula.h"
#include "formula/formula_priv.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* The part of JavaScriptCore's C API in use; opaque pointers throughout. */
struct js {
    void *(*group_create)(void);
    void *(*context_create)(void *group, void *global_class);
    void (*time_limit)(void *group, double seconds, bool (*callback)(void *, void *), void *ctx);
    void *(*string_create)(const char *utf8);
    size_t (*string_max)(void *string);
    size_t (*string_copy)(void *string, char *out, size_t size);
    void (*string_release)(void *string);
    void *(*evaluate)(void *ctx, void *script, void *this_object, void *url, int line, void **exception);
    void *(*global)(void *ctx);
    void *(*property)(void *ctx, void *object, void *name, void **exception);
    void *(*make_string)(void *ctx, void *string);
    void *(*call)(void *ctx, void *function, void *this_object, size_t count, void *const args[],
                  void **exception);
    void *(*to_string)(void *ctx, void *value, void **exception);
    void *group, *ctx, *serve;
};

static bool js_load(struct js *js)
{
    static const char *const libraries[] = {"libjavascriptcoregtk-4.1.so.0",
                                            "libjavascriptcoregtk-6.0.so.1",
                                            "libjavascriptcoregtk-4.0.so.18"};
    const struct {
        void **to;
        const char *name;
    } symbols[] = {
        {(void **)&js->group_create, "JSContextGroupCreate"},
        {(void **)&js->context_create, "JSGlobalContextCreateInGroup"},
        {(void **)&js->time_limit, "JSContextGroupSetExecutionTimeLimit"},
        {(void **)&js->string_create, "JSStringCreateWithUTF8CString"},
        {(void **)&js->string_max, "JSStringGetMaximumUTF8CStringSize"},
        {(void **)&js->string_copy, "JSStringGetUTF8CString"},
        {(void **)&js->string_release, "JSStringRelease"},
        {(void **)&js->evaluate, "JSEvaluateScript"},
        {(void **)&js->global, "JSContextGetGlobalObject"},
        {(void **)&js->property, "JSObjectGetProperty"},
        {(void **)&js->make_string, "JSValueMakeString"},
        {(void **)&js->call, "JSObjectCallAsFunction"},
        {(void **)&js->to_string, "JSValueToStringCopy"},
    };
    void *library = NULL;
    for (size_t i = 0; i < 3 && !library; i++)
        library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return false;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        *symbols[i].to = dlsym(library, symbols[i].name);
        if (!*symbols[i].to)
            return false;
    }
    return true;
}

/* The watchdog asks: go on? No. */
static bool on_time_limit(void *ctx, void *data)
{
    (void)ctx;
    (void)data;
    return true;
}

static bool js_run(struct js *js, const char *text)
{
    void *exception = NULL;
    void *script = js->string_create(text);
    js->evaluate(js->ctx, script, NULL, NULL, 1, &exception);
    js->string_release(script);
    return !exception;
}

static bool js_start(struct js *js, bool libraries)
{
    void *exception = NULL;
    js->group = js->group_create();
    js->ctx = js->context_create(js->group, NULL);
    if (libraries && !js_run(js, formula_libraries))
        return false;
    js->time_limit(js->group, SCRIPT_SECONDS, on_time_limit, NULL);
    if (!js_run(js, worker_prelude))
        return false;
    /* the watchdog's thread starts with the first script that runs long enough */
    js_run(js, "{let n = 0; for (let i = 0; i < 3e6; i++) n += i;}");
    void *name = js->string_create("__serve");
    js->serve = js->property(js->ctx, js->global(js->ctx), name, &exception);
    js->string_release(name);
    return js->serve && !exception;
}

/* A reply of ours, or NULL when the engine gave up. malloc'd. */
static char *js_serve(struct js *js, const char *request, size_t *len)
{
    void *exception = NULL;
    void *string = js->string_create(request);
    void *argument = js->make_string(js->ctx, string);
    js->string_release(string);
    void *result = js->call(js->ctx, js->serve, NULL, 1, (void *const[]){argument}, &exception);
    if (!result || exception)
        return NULL;
    string = js->to_string(js->ctx, result, &exception);
    if (!string || exception)
        return NULL;
    size_t max = js->string_max(string);
    char *out = max > FRAME_MAX ? NULL : malloc(max);
    *len = out ? js->string_copy(string, out, max) : 0;
    *len -= *len > 0; /* the NUL */
    js->string_release(string);
    return out;
}

static bool read_all(void *to, size_t len)
{
    for (char *p = to; len;) {
        ssize_t got = read(WORKER_FD, p, len);
        if (got <= 0)
            return false;
        p += got;
        len -= (size_t)got;
    }
    return true;
}

static bool write_all(const void *from, size_t len)
{
    for (const char *p = from; len;) {
        ssize_t put = write(WORKER_FD, p, len);
        if (put <= 0)
            return false;
        p += put;
        len -= (size_t)put;
    }
    return true;
}

static void cap(int what, rlim_t to)
{
    struct rlimit limit = {to, to};
    setrlimit(what, &limit);
}

/* Lowers the address space to what is mapped now plus 256 MiB. */
static void tighten_memory(void)
{
    long pages = 0;
    char text[128] = {0};
    FILE *in = fopen("/proc/self/statm", "r");
    if (in && fgets(text, sizeof text, in))
        pages = strtol(text, NULL, 10);
    if (in)
        fclose(in);
    if (pages > 0)
        cap(RLIMIT_AS, (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + 256ul * 1024 * 1024);
}

/* Whose parent died sees the end of its socket, unless it is in a formula: then
 * this ends it. Not PR_SET_PDEATHSIG: to the kernel the parent is the thread that
 * forked, and threads of a pool come and go while the worker is kept. */
#define LEASH_SLACK_S 4
static timer_t leash_timer;

static bool leash_make(void)
{
    struct sigevent bite = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    return timer_create(CLOCK_MONOTONIC, &bite, &leash_timer) == 0;
}

static void leash(time_t seconds)
{
    struct itimerspec when = {.it_value = {.tv_sec = seconds}};
    timer_settime(leash_timer, 0, &when, NULL);
}

static int serve_frames(struct js *js)
{
    char *request = NULL;
    uint32_t room = 0;
    for (;;) {
        uint32_t len;
        size_t reply_len = 0;
        if (!read_all(&len, sizeof len))
            break;
        if (len >= FRAME_MAX)
            return 4;
        if (len >= room) {
            free(request);
            room = len + 1;
            request = malloc(room);
            if (!request)
                return 5;
        }
        if (!read_all(request, len))
            break;
        request[len] = 0;
        leash(REPLY_MS / 1000 + LEASH_SLACK_S);
        char *reply = js_serve(js, request, &reply_len);
        leash(0);
        if (!reply)
            return 6; /* out of time or memory: the parent starts a clean worker */
        len = (uint32_t)reply_len;
        bool sent = write_all(&len, sizeof len) && write_all(reply, reply_len);
        free(reply);
        if (!sent)
            break;
    }
    free(request);
    return 0;
}

/* Memory of one batch is that of the next: it is not given back in between, and there is one
 * arena, since another one would count against the cap with all its reserve. */
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
#endif
}

int formula_worker_main(void)
{
    struct js js = {0};
    keep_memory();
    cap(RLIMIT_CORE, 0);
    cap(RLIMIT_FSIZE, 0);
    cap(RLIMIT_AS, 8ul * 1024 * 1024 * 1024);
    if (!leash_make() || !js_load(&js) || !js_start(&js, getenv(LIBRARIES_VARIABLE) != NULL))
        return 2;
    tighten_memory();
    if (!worker_shut_in())
        return 3;
    /* tell the parent that we are ready */
    uint32_t ready = 0;
    if (!write_all(&ready, sizeof ready))
        return 0;
    int rc = serve_frames(&js);
    _exit(rc); /* no destructors: they may want what the filter forbids */
}
