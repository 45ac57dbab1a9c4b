/*
 * account: whose key, which service and what model: from the environment, else
 * from `.env`. Knows names of settings and the form of a base URL; sends nothing.
 */
#ifndef NM_REMOTE_ACCOUNT_H
#define NM_REMOTE_ACCOUNT_H

#include "net/secret.h"

#define NM_ACCOUNT_BASE_URL "https://api.openai.com/v1"

enum { NM_ACCOUNT_DOTENV_MAX_BYTES = 1 << 20 };

enum nm_account_kind { NM_ACCOUNT_SERVICE, NM_ACCOUNT_LOCAL };

struct nm_account {
	enum nm_account_kind kind;
	struct nm_buf    base_url;     /* without a slash at its end */
	struct nm_buf    organization; /* empty = none */
	struct nm_buf    project;      /* empty = none */
	struct nm_secret key;          /* may be none: the caller's to tell */
	struct nm_buf    identity;     /* equal for runs that share batches */
	struct nm_buf    as_typed;     /* that with the URL as it was typed, where it is
	                                * another: so older journals have it */
};

/* Zeroed: as the environment and ./.env have it. */
struct nm_account_wish {
	const char *base_url;    /* an option's; NULL = OPENAI_BASE_URL */
	const char *dotenv_path; /* NULL = ".env"; "" = none is read */
};

/*
 * Reads OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_ORG_ID and OPENAI_PROJECT_ID;
 * each from the environment, where an empty value counts as none, else from the
 * .env file, which need not exist. That there is no key is no error here.
 * NM_USAGE for a base URL or key of a wrong form, NM_INPUT (file:line, never a
 * value) for a line of .env that is no setting.
 */
enum nm_code nm_account_open(struct nm_account *account,
                             const struct nm_account_wish *wish,
                             struct nm_err *err) NM_MUST_USE;

/*
 * Appends OPENAI_MODEL, read from the same places; nothing where neither has it.
 * dotenv_path as in a wish. NM_INPUT for a line of .env that is no setting.
 */
enum nm_code nm_account_read_model(struct nm_buf *out, const char *dotenv_path,
                                   struct nm_err *err) NM_MUST_USE;

/*
 * The server inside this process: its base URL, and the made-up key it wants.
 * The identity is "local": its port changes, its state folder does not.
 */
enum nm_code nm_account_open_local(struct nm_account *account,
                                   const char *base_url, const char *key,
                                   struct nm_err *err) NM_MUST_USE;

void nm_account_close(struct nm_account *account);

/*
 * Whether an identity that a journal has is this account's: older journals have it with
 * the URL in any form that leads to the same place.
 */
bool nm_account_owns(const struct nm_account *account, const char *identity);

/* Whether it is at least of the same service, by whatever key. */
bool nm_account_neighbours(const struct nm_account *account,
                           const char *identity);

/*
 * Appends a base URL as it will be used: no slash at the end. NM_USAGE unless
 * it is http or https with a host and a path such as /v1, without user,
 * password, query or fragment.
 */
enum nm_code nm_account_read_url(struct nm_buf *out, const char *url,
                                 struct nm_err *err) NM_MUST_USE;

#endif
