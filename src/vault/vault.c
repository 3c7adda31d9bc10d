/* vault.c - one key, one cipher, labels as associated data.
 *
 * Call order: vault_open, then seal and unseal in any order, vault_close.
 * A sealed text is "v1:" and the base64 of nonce and ciphertext. The associated
 * data is "argil:v1:" and the label, so a text moved to another row does not
 * open there. Nonces come from the kernel and not from `struct world`: a
 * simulated die must never seal a real secret.
 *
 * Invariant: the key file is made by link(2) of a finished, synced file, so it
 * is either whole or absent, and an existing one is never written over. *
 * Changing the key: KEYFILE.next is made and synced, everything is sealed anew
 * in one transaction of the store, then the file is renamed. Until the rename
 * either key may be the right one, so unseal tries both. */
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
    unsigned char *next; /* the key being rotated to; NULL = none */
    char *path;
};

/* No core dump, no ptrace by others: the key is in this process from now on. */
static void forbid_dumps(void)
{
    struct rlimit none = {0, 0};
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}

/* OK with the next key loaded; ERR_NOT_FOUND when no rotation is under way. */
static enum status next_load(struct vault *vault, bool create, struct err *err)
{
    unsigned char *key = vault->next ? NULL : sodium_malloc(KEY_BYTES);
    if (vault->next)
        return OK;
    if (!key)
        return err_set(err, ERR_VAULT_KEY, "no guarded memory for the new key");
    if (key_file_next(vault->path, create, key, err) != OK) {
        sodium_free(key);
        return FAIL;
    }
    sodium_mprotect_readonly(key);
    vault->next = key;
    return OK;
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
    struct err none = {0};
    if (next_load(vault, false, &none) != OK && !err_is(&none, ERR_NOT_FOUND)) {
        *err = none;
        goto fail;
    }
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
    sodium_free(vault->next);
    free(vault->path);
    free(vault);
}

const char *vault_key_path(const struct vault *vault)
{
    return vault->path;
}

enum status vault_key_copy(const char *workspace_id, const char *to, struct err *err)
{
    return key_file_copy(workspace_id, to, err);
}

static char *associated(struct arena *arena, const char *label)
{
    return arena_printf(arena, "argil:" PREFIX "%s", label);
}

static char *seal_with(const unsigned char *key, struct arena *arena, const char *label,
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
                                               box, key);
    char *text = base64_encode(arena, box, NONCE + (size_t)sealed);
    return arena_printf(arena, PREFIX "%s", text);
}

char *vault_seal(struct vault *vault, struct arena *arena, const char *label,
                 const struct secret *secret)
{
    return seal_with(vault->key, arena, label, secret);
}

char *vault_reseal(struct vault *vault, struct arena *arena, const char *label,
                   const struct secret *secret)
{
    return seal_with(vault->next ? vault->next : vault->key, arena, label, secret);
}

static enum status refuse(struct err *err, const char *label, const char *why)
{
    err_set(err, ERR_VAULT_OPEN, "the stored secret \"%s\" does not open: %s", label, why);
    err_hint(err, "Was the key file replaced, or the data copied from another workspace? Bring "
                  "back the right key, or store the secret again (argil connect, argil secret).");
    return FAIL;
}

static enum status open_with(const unsigned char *key, struct arena *arena, const char *label,
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
                                                         strlen(ad), box, key);
    if (!bad)
        secret_set(out, (const char *)plain, (size_t)plain_len);
    sodium_free(plain);
    return bad ? refuse(err, label, "other key, other label, or damaged") : OK;
}

static enum status open_box(struct vault *vault, struct arena *arena, const char *label,
                            const unsigned char *box, size_t len, struct secret *out,
                            struct err *err)
{
    if (vault->next && open_with(vault->next, arena, label, box, len, out, NULL) == OK)
        return OK;
    return open_with(vault->key, arena, label, box, len, out, err);
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

/* ------------------------------------------------------------- a new key */

enum status vault_rotate_begin(struct vault *vault, struct err *err)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    if (credentials && *credentials && text_starts(vault->path, credentials)) {
        err_set(err, ERR_VAULT_KEY, "the key comes from systemd and cannot be changed from here");
        err_hint(err, "Stop the service, run argil vault rotate with ARGIL_KEY_FILE naming a copy of "
                      "the key, then give that file to systemd as the credential argil.key.");
        return FAIL;
    }
    return next_load(vault, true, err);
}

enum status vault_rotate_commit(struct vault *vault, struct err *err)
{
    if (key_file_replace(vault->path, err) != OK)
        return FAIL;
    sodium_free(vault->key);
    vault->key = vault->next;
    vault->next = NULL;
    return OK;
}

void vault_keyed_hash(const struct secret *key, const void *bytes, size_t len, char out[65])
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    const char *text = secret_reveal(key);
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)text, strlen(text));
    crypto_auth_hmacsha256_update(&state, bytes, len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2hex(out, 65, mac, sizeof mac);
    sodium_memzero(&state, sizeof state);
}
