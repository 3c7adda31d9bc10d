/* vault.h - sealing secrets before they touch the disk.
 *
 * XChaCha20-Poly1305 with associated data: a sealed text opens only under the
 * label it was sealed for ("token:<connection id>"), so rows cannot be swapped.
 * The key is a 0600 file outside the data directory, or ARGIL_KEY_FILE, or
 * systemd's $CREDENTIALS_DIRECTORY/argil.key; it sits in guarded memory and the
 * process leaves no core dump once a vault is open. */
#ifndef ARGIL_VAULT_VAULT_H
#define ARGIL_VAULT_VAULT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"

#define ERR_VAULT_KEY "vault.key"   /* no key, bad permissions, wrong length */
#define ERR_VAULT_OPEN "vault.open" /* does not open: other key, other label, damaged */

struct vault;

/* Opens the key for the workspace, making it when `create` (argil init).
 * Default place: $XDG_CONFIG_HOME/argil/keys/<workspace id>.key */
struct vault *vault_open(const char *workspace_id, bool create, struct err *err);
void vault_close(struct vault *vault); /* wipes the key; NULL is fine */
const char *vault_key_path(const struct vault *vault);

/* A copy of the key's file for a backup: the new file `to`, 0600. */
enum status vault_key_copy(const char *workspace_id, const char *to, struct err *err);

/* Changing the key, atomically: begin makes (or finds again) the new key beside
 * the old one, KEYFILE.next; vault_reseal seals under it; the caller stores all
 * texts in one transaction; commit puts the new key in the old one's place. A
 * process may die anywhere: a vault that finds KEYFILE.next opens with either. */
enum status vault_rotate_begin(struct vault *vault, struct err *err);
char *vault_reseal(struct vault *vault, struct arena *arena, const char *label,
                   const struct secret *secret);
enum status vault_rotate_commit(struct vault *vault, struct err *err);

/* Sealed text is printable (base64 with a version prefix). On the arena. */
char *vault_seal(struct vault *vault, struct arena *arena, const char *label,
                 const struct secret *secret);
enum status vault_unseal(struct vault *vault, const char *label, const char *sealed,
                         struct secret *out, struct err *err);

/* A hash of bytes that only who has the key (of any length) can make: 64 hex digits. */
void vault_keyed_hash(const struct secret *key, const void *bytes, size_t len, char out[65]);

#endif
