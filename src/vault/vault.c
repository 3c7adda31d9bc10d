/* vault.c - one key, one cipher, labels as associated data.
 *
 * Call order: vault_open, then seal and unseal in any order, vault_close.
 * A sealed text is "v1:" and the base64 of nonce and ciphertext. The associated
 * data is "argil:v1:" and the label, so a text moved to another row does not
 * open there. Nonces come from the kernel and not from `struct world`: a
 * simulated die must never seal a real secret.
 *
 * Invariant: the key file is made by link(2) of a finished, synced file, so it
 * is either whole or absent, and an existing one is never written over. */
#include "vault/vault.h"

#include "vault/key_file.h"

#include "base/mem.h"
#include "base/str.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define PREFIX     "v1:"
#define NONCE      crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG        crypto_aead_xchacha20poly1305_ietf_ABYTES
#define SECRET_MAX (16u << 20)

_Static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key length");

struct vault {
    unsigned char *key; /* sodium_malloc: guarded, locked, not in core dumps */
    char *path;
};

/* No core dump, no ptrace by others: the key is in this process from now on. */
static void forbid_dumps(void)
{
    struct rlimit none = {0, 0};
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}

struct vault *vault_open(const char *workspace_id, bool create, struct err *err)
{
    if (sodium_init() < 0) {
        err_set(err, ERR_VAULT_KEY, "libsodium does not start");
        return NULL;
    }
    forbid_dumps();
    struct vault *vault = mem_alloc(sizeof *vault);
    vault->key = sodium_malloc(KEY_BYTES);
    if (!vault->key) {
        err_set(err, ERR_VAULT_KEY, "no guarded memory for the workspace key");
        goto fail;
    }
    if (key_file_load(workspace_id, create, &vault->path, vault->key, err) != OK)
        goto fail;
    sodium_mprotect_readonly(vault->key);
    return vault;
fail:
    vault_close(vault);
    return NULL;
}

void vault_close(struct vault *vault)
{
    if (!vault)
        return;
    sodium_free(vault->key); /* wipes it */
    free(vault->path);
    free(vault);
}

const char *vault_key_path(const struct vault *vault)
{
    return vault->path;
}

static char *associated(struct arena *arena, const char *label)
{
    return arena_printf(arena, "argil:" PREFIX "%s", label);
}

char *vault_seal(struct vault *vault, struct arena *arena, const char *label,
                 const struct secret *secret)
{
    const char *plain = secret_reveal(secret);
    size_t len = secret_is_set(secret) ? secret->hidden_len : 0;
    unsigned char *box = arena_alloc(arena, NONCE + len + TAG);
    const char *ad = associated(arena, label);
    unsigned long long sealed = 0;
    randombytes_buf(box, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE, &sealed, (const unsigned char *)plain,
                                               len, (const unsigned char *)ad, strlen(ad), NULL,
                                               box, vault->key);
    char *text = base64_encode(arena, box, NONCE + (size_t)sealed);
    return arena_printf(arena, PREFIX "%s", text);
}

static enum status refuse(struct err *err, const char *label, const char *why)
{
    err_set(err, ERR_VAULT_OPEN, "the stored secret \"%s\" does not open: %s", label, why);
    err_hint(err, "Was the key file replaced, or the data copied from another workspace? Bring "
                  "back the right key, or store the secret again (argil connect, argil secret).");
    return FAIL;
}

static enum status open_box(struct vault *vault, struct arena *arena, const char *label,
                            const unsigned char *box, size_t len, struct secret *out,
                            struct err *err)
{
    const char *ad = associated(arena, label);
    size_t plain_max = len - NONCE - TAG;
    unsigned char *plain = sodium_malloc(plain_max + 1);
    unsigned long long plain_len = 0;
    if (!plain)
        return refuse(err, label, "no guarded memory left");
    int bad = crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &plain_len, NULL, box + NONCE,
                                                         len - NONCE, (const unsigned char *)ad,
                                                         strlen(ad), box, vault->key);
    if (!bad)
        secret_set(out, (const char *)plain, (size_t)plain_len);
    sodium_free(plain);
    return bad ? refuse(err, label, "other key, other label, or damaged") : OK;
}

enum status vault_unseal(struct vault *vault, const char *label, const char *sealed,
                         struct secret *out, struct err *err)
{
    if (!text_starts(sealed, PREFIX))
        return refuse(err, label, "it was not sealed by this version of argil");
    struct arena *arena = arena_new();
    const char *text = sealed + strlen(PREFIX);
    size_t len = 0;
    unsigned char *box = base64_decode(arena, text, strlen(text), &len);
    enum status rc;
    if (!box || len < NONCE + TAG || len > SECRET_MAX)
        rc = refuse(err, label, "it is damaged");
    else
        rc = open_box(vault, arena, label, box, len, out, err);
    arena_free(arena);
    return rc;
}
