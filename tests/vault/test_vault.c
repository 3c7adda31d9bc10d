/* test_vault.c - the key file, and what opens under which label. */
#include "vault/vault.h"

#include "support/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKSPACE "0b7c9a52-6c1e-4f57-9a53-0a6e3f0d5b11"

static char home[64];
static struct err err;
static struct arena *arena;

static void before(void)
{
    char command[200];
    snprintf(home, sizeof home, "/tmp/argil-vault-%ld", (long)getpid());
    snprintf(command, sizeof command, "rm -rf %s; mkdir %s", home, home);
    if (system(command) != 0)
        abort();
    unsetenv("ARGIL_KEY_FILE");
    unsetenv("CREDENTIALS_DIRECTORY");
    setenv("XDG_CONFIG_HOME", home, 1);
    arena = arena_new();
}

static void after(void)
{
    char command[200];
    snprintf(command, sizeof command, "rm -rf %s", home);
    arena_free(arena);
    if (system(command) != 0)
        abort();
}

EACH_TEST(before, after)

static struct vault *open_vault(bool create)
{
    return vault_open(WORKSPACE, create, &err);
}

static const char *key_path(void)
{
    return arena_printf(arena, "%s/argil/keys/%s.key", home, WORKSPACE);
}

static const char *read_file(const char *path)
{
    char *text = arena_alloc(arena, 1000);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    size_t len = fread(text, 1, 999, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    fputs(text, file);
    fclose(file);
    CHECK_INT(chmod(path, mode), 0);
}

TEST(vault, makes_its_key_once_and_privately)
{
    struct stat st;
    CHECK(open_vault(false) == NULL);
    CHECK_STR(err.code, ERR_VAULT_KEY);
    CHECK_CONTAINS(err.message, key_path());
    struct vault *vault = open_vault(true);
    CHECK_GOT(vault, &err);
    CHECK_STR(vault_key_path(vault), key_path());
    CHECK_INT(stat(key_path(), &st), 0);
    CHECK_INT(st.st_mode & 07777, 0600);
    CHECK_INT(stat(arena_printf(arena, "%s/argil/keys", home), &st), 0);
    CHECK_INT(st.st_mode & 0777, 0700);
    const char *first = read_file(key_path());
    vault_close(vault);
    vault = open_vault(true); /* never written over */
    CHECK_GOT(vault, &err);
    CHECK_STR(read_file(key_path()), first);
    vault_close(vault);
    vault_close(NULL);
}

static struct secret secret_of(const char *text)
{
    struct secret secret = {0};
    secret_set(&secret, text, strlen(text));
    return secret;
}

TEST(vault, what_is_sealed_opens_under_its_label_only)
{
    struct secret in = secret_of("5Aep861-refresh"), out = {0};
    struct vault *vault = open_vault(true);
    const char *sealed = vault_seal(vault, arena, "token:1", &in);
    CHECK_LACKS(sealed, "refresh");
    CHECK_OK(vault_unseal(vault, "token:1", sealed, &out, &err), &err);
    CHECK_STR(secret_reveal(&out), "5Aep861-refresh");
    secret_wipe(&out);
    CHECK_FAIL(vault_unseal(vault, "token:2", sealed, &out, &err), &err, ERR_VAULT_OPEN);
    CHECK(!secret_is_set(&out));
    CHECK_LACKS(err.message, "refresh");
    CHECK(strcmp(sealed, vault_seal(vault, arena, "token:1", &in)) !=
          0); /* a new nonce each time */
    secret_wipe(&in);
    vault_close(vault);
}

TEST(vault, nothing_sealed_is_still_something_sealed)
{
    struct secret none = {0}, out = {0};
    struct vault *vault = open_vault(true);
    const char *sealed = vault_seal(vault, arena, "a", &none);
    CHECK_OK(vault_unseal(vault, "a", sealed, &out, &err), &err);
    CHECK_STR(secret_reveal(&out), "");
    secret_wipe(&out);
    vault_close(vault);
}

TEST(vault, damage_is_noticed_wherever_it_is)
{
    struct secret in = secret_of("s"), out = {0};
    struct vault *vault = open_vault(true);
    const char *sealed = vault_seal(vault, arena, "a", &in);
    for (size_t i = 3; i < strlen(sealed) - 2; i++) {
        char *bad = arena_strdup(arena, sealed);
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        CHECK_FAIL(vault_unseal(vault, "a", bad, &out, &err), &err, ERR_VAULT_OPEN);
    }
    static const char *const bad[] = {"", "v1:", "v1:AAAA", "v2:AAAA", "v1:!!!", "plain"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAIL(vault_unseal(vault, "a", bad[i], &out, &err), &err, ERR_VAULT_OPEN);
    secret_wipe(&in);
    vault_close(vault);
}

TEST(vault, another_key_opens_nothing)
{
    struct secret in = secret_of("s"), out = {0};
    struct vault *vault = open_vault(true);
    const char *sealed = vault_seal(vault, arena, "a", &in);
    vault_close(vault);
    CHECK_INT(unlink(key_path()), 0);
    vault = open_vault(true);
    CHECK_FAIL(vault_unseal(vault, "a", sealed, &out, &err), &err, ERR_VAULT_OPEN);
    CHECK(err.hint[0]);
    secret_wipe(&in);
    vault_close(vault);
}

TEST(vault, a_keyed_hash_is_hmac_sha256)
{
    struct secret key = {0}, other = {0};
    char hash[65], second[65];
    const char *text = "what do ya want for nothing?"; /* RFC 4231, test case 2 */
    secret_set(&key, "Jefe", 4);
    secret_set(&other, "Jeff", 4);
    vault_keyed_hash(&key, text, strlen(text), hash);
    CHECK_STR(hash, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    vault_keyed_hash(&other, text, strlen(text), second); /* who lacks the key cannot try guesses */
    CHECK(strcmp(hash, second) != 0);
    secret_wipe(&key);
    secret_wipe(&other);
}

TEST(vault, a_key_that_others_can_read_is_refused)
{
    vault_close(open_vault(true));
    CHECK_INT(chmod(key_path(), 0640), 0);
    CHECK(open_vault(true) == NULL);
    CHECK_STR(err.code, ERR_VAULT_KEY);
    CHECK_CONTAINS(err.hint, "chmod 600");
    CHECK_INT(chmod(key_path(), 0604), 0);
    CHECK(open_vault(false) == NULL);
    CHECK_INT(chmod(key_path(), 0400), 0);
    struct vault *vault = open_vault(false);
    CHECK_GOT(vault, &err);
    vault_close(vault);
}

TEST(vault, what_is_not_a_key_is_refused_and_left_alone)
{
    static const char *const bad[] = {"", "abc", "zz", "0123456789abcdef0123456789abcdef0"};
    vault_close(open_vault(true));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(key_path(), bad[i], 0600);
        CHECK(open_vault(true) == NULL);
        CHECK_STR(err.code, ERR_VAULT_KEY);
        CHECK_STR(read_file(key_path()), bad[i]);
    }
}

TEST(vault, the_key_may_lie_elsewhere)
{
    const char *path = arena_printf(arena, "%s/elsewhere/my.key", home);
    setenv("ARGIL_KEY_FILE", path, 1);
    struct vault *vault = open_vault(true);
    CHECK_GOT(vault, &err);
    CHECK_STR(vault_key_path(vault), path);
    vault_close(vault);
    unsetenv("ARGIL_KEY_FILE");
    setenv("CREDENTIALS_DIRECTORY", home, 1);
    write_file(arena_printf(arena, "%s/argil.key", home), read_file(path), 0440);
    vault = open_vault(false); /* systemd guards that place */
    CHECK_GOT(vault, &err);
    CHECK_CONTAINS(vault_key_path(vault), "argil.key");
    vault_close(vault);
}

TEST(vault, a_workspace_id_is_no_path)
{
    CHECK(vault_open("../../etc/passwd", true, &err) == NULL);
    CHECK(vault_open("", true, &err) == NULL);
    CHECK(vault_open(NULL, true, &err) == NULL);
    CHECK_STR(err.code, ERR_VAULT_KEY);
}

TEST(vault, an_open_vault_leaves_no_core)
{
    struct rlimit limit;
    vault_close(open_vault(true));
    CHECK_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
    CHECK_INT(getrlimit(RLIMIT_CORE, &limit), 0);
    CHECK_INT(limit.rlim_cur, 0);
}

TEST(vault, two_that_make_the_key_at_once_get_one_key)
{
    enum { MAKERS = 8 };
    pid_t makers[MAKERS];
    for (int i = 0; i < MAKERS; i++) {
        makers[i] = fork();
        if (makers[i] == 0) {
            struct vault *vault = open_vault(true);
            struct secret in = secret_of("s");
            if (!vault)
                _exit(1);
            const char *sealed = vault_seal(vault, arena, "a", &in);
            char path[100];
            snprintf(path, sizeof path, "%s/sealed-%d", home, i);
            write_file(path, sealed, 0600);
            _exit(0);
        }
    }
    for (int i = 0; i < MAKERS; i++) {
        int status;
        CHECK_INT(waitpid(makers[i], &status, 0), makers[i]);
        CHECK_INT(status, 0);
    }
    struct vault *vault = open_vault(false);
    CHECK_GOT(vault, &err);
    for (int i = 0; i < MAKERS; i++) {
        struct secret out = {0};
        const char *sealed = read_file(arena_printf(arena, "%s/sealed-%d", home, i));
        CHECK_OK(vault_unseal(vault, "a", sealed, &out, &err), &err);
        secret_wipe(&out);
    }
    vault_close(vault);
}

TEST(vault, rotates_its_key_and_the_old_one_opens_nothing)
{
    struct secret secret = {0}, back = {0};
    struct vault *vault = open_vault(true);
    const char *old_key = read_file(key_path());
    secret_set(&secret, "hush", 4);
    char *old = vault_seal(vault, arena, "token:1", &secret);
    CHECK_OK(vault_rotate_begin(vault, &err), &err);
    char *sealed = vault_reseal(vault, arena, "token:1", &secret);
    CHECK_OK(vault_unseal(vault, "token:1", old, &back, &err), &err); /* both open on the way */
    CHECK_OK(vault_unseal(vault, "token:1", sealed, &back, &err), &err);
    CHECK_OK(vault_rotate_commit(vault, &err), &err);
    CHECK(vault_unseal(vault, "token:1", old, &back, &err) == FAIL);
    CHECK_OK(vault_unseal(vault, "token:1", sealed, &back, &err), &err);
    CHECK(strcmp(secret_reveal(&back), "hush") == 0);
    CHECK(strcmp(read_file(key_path()), old_key) != 0);
    vault_close(vault);
    vault = open_vault(false);
    CHECK_OK(vault_unseal(vault, "token:1", sealed, &back, &err), &err);
    vault_close(vault);
    secret_wipe(&secret);
    secret_wipe(&back);
}

TEST(vault, a_rotation_cut_off_goes_on_with_the_same_new_key)
{
    struct secret secret = {0}, back = {0};
    struct vault *vault = open_vault(true);
    secret_set(&secret, "hush", 4);
    char *old = vault_seal(vault, arena, "token:1", &secret);
    CHECK_OK(vault_rotate_begin(vault, &err), &err);
    char *sealed = vault_reseal(vault, arena, "token:2", &secret);
    vault_close(vault); /* died here: some texts are under the new key */
    vault = open_vault(false);
    CHECK_OK(vault_unseal(vault, "token:1", old, &back, &err), &err);
    CHECK_OK(vault_unseal(vault, "token:2", sealed, &back, &err), &err);
    CHECK_OK(vault_rotate_begin(vault, &err), &err);
    CHECK_OK(vault_rotate_commit(vault, &err), &err);
    CHECK_OK(vault_unseal(vault, "token:2", sealed, &back, &err), &err);
    vault_close(vault);
    secret_wipe(&secret);
    secret_wipe(&back);
}
