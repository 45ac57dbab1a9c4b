#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "remote/account.h"
#include "remote/dotenv.h"

static const struct {
	const char  *url;
	enum nm_code code;
	const char  *read, *why;
} urls[] = {
	{ "https://api.openai.com/v1", NM_OK, "https://api.openai.com/v1",
	  "as it is" },
	{ "https://api.openai.com/v1/", NM_OK, "https://api.openai.com/v1",
	  "a slash too much" },
	{ "https://api.openai.com/v1//", NM_OK, "https://api.openai.com/v1",
	  "two" },
	{ " http://127.0.0.1:8080/v1\n", NM_OK, "http://127.0.0.1:8080/v1",
	  "blanks around it" },
	{ "https://x.example/openai/v1", NM_OK, "https://x.example/openai/v1",
	  "a longer path" },
	{ "https://x.example/v1beta/openai/", NM_OK,
	  "https://x.example/v1beta/openai", "a path with an end of its own" },
	{ "http://[::1]:9/v1", NM_OK, "http://[::1]:9/v1", "IPv6" },
	{ "https://api.openai.com", NM_USAGE, "", "no version path" },
	{ "https://api.openai.com/", NM_USAGE, "", "an empty path" },
	{ "api.openai.com/v1", NM_USAGE, "", "no scheme" },
	{ "ftp://x.example/v1", NM_USAGE, "", "another scheme" },
	{ "https:///v1", NM_USAGE, "", "no host" },
	{ "https://", NM_USAGE, "", "nothing behind the scheme" },
	{ "https://me:word@x.example/v1", NM_USAGE, "", "a password" },
	{ "https://x.example/v1?api=1", NM_USAGE, "", "a query" },
	{ "https://x.example/v1#top", NM_USAGE, "", "a fragment" },
	{ "https://x.example/v 1", NM_USAGE, "", "a space" },
	{ "https://x.example/v1\r\nX: 1", NM_USAGE, "", "a second header" },
	{ "", NM_USAGE, "", "nothing" },
};

static void
base_urls_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct nm_buf out = {0};
		struct nm_err err = {0};

		if (nm_account_read_url(&out, urls[i].url, &err) !=
		    urls[i].code ||
		    strcmp(nm_buf_string(&out), urls[i].read) != 0)
			fail_msg("%s: %s (%s)", urls[i].why,
			         nm_buf_string(&out), err.text);
		assert_null(strstr(err.text, "word@"));
		nm_buf_release(&out);
	}
}

static const struct {
	const char *text, *settings, *problem, *why;
} dotenvs[] = {
	{ "A=1\nB=2\n", "A=1;B=2;", "", "two settings" },
	{ "A=1", "A=1;", "", "no line end" },
	{ "\xef\xbb\xbf" "A=1\r\nB=2\r\n", "A=1;B=2;", "",
	  "an editor from elsewhere" },
	{ "# note\n\n  # another\nA=1 # why\n", "A=1;", "", "comments" },
	{ "A=a#b\n", "A=a#b;", "", "a hash within a value" },
	{ "export A=1\nexport  B = 2 \n", "A=1;B=2;", "", "for a shell too" },
	{ "export=1\n", "export=1;", "", "a name like any other" },
	{ "A='x y # z'\n", "A=x y # z;", "", "single quotes" },
	{ "A='a\\n'\n", "A=a\\n;", "", "as they stand" },
	{ "A=\"a\\n\\\"b\\\" \\$c\" # d\n", "A=a\n\"b\" $c;", "",
	  "double quotes with escapes" },
	{ "A=\"x\ny\"\nB=1\n", "A=x\ny;B=1;", "", "a value of two lines" },
	{ "A=\nB=''\n", "A=;B=;", "", "empty values" },
	{ "A=1\nA=2\n", "A=1;A=2;", "", "both are told" },
	{ "A=x=y==\n", "A=x=y==;", "", "equals signs" },
	{ "A=1\nnonsense\n", "A=1;", ".env:2: not a setting: write NAME=value",
	  "no setting" },
	{ "A=1\n\n=3\n", "A=1;", ".env:3: not a setting: write NAME=value",
	  "no name" },
	{ "A=\"1\nB=2\n", "", ".env:1: a quote is not closed",
	  "told where it began" },
	{ "A='1' 2\n", "", ".env:1: something follows the closing quote",
	  "half quoted" },
	{ "sk-secret-itself\n", "", ".env:1: not a setting: write NAME=value",
	  "a bare key is not repeated" },
	{ "", "", "", "an empty file" },
};

static void
dotenv_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dotenvs) / sizeof(dotenvs[0]); i++) {
		struct nm_dotenv dotenv;
		struct nm_buf got = {0};
		struct nm_err err = {0};
		struct nm_text name, value;

		nm_dotenv_init(&dotenv, ".env", nm_text_of(dotenvs[i].text));
		while (!nm_dotenv_next(&dotenv, &name, &value, &err) && name.at)
			nm_buf_addf(&got, "%.*s=%.*s;", NM_TEXT_ARGS(name),
			            NM_TEXT_ARGS(value));
		if (strcmp(nm_buf_string(&got), dotenvs[i].settings) != 0 ||
		    strcmp(err.text, dotenvs[i].problem) != 0)
			fail_msg("%s: %s (%s)", dotenvs[i].why,
			         nm_buf_string(&got), err.text);
		nm_dotenv_release(&dotenv);
		nm_buf_release(&got);
	}
}

static void
clear_environment(void)
{
	unsetenv("OPENAI_API_KEY");
	unsetenv("OPENAI_BASE_URL");
	unsetenv("OPENAI_ORG_ID");
	unsetenv("OPENAI_PROJECT_ID");
}

static char dotenv_path[] = "/tmp/nightmail_account_XXXXXX";

static void
write_dotenv(const char *text)
{
	struct nm_err err;

	assert_int_equal(nm_file_write(dotenv_path, 0600, nm_text_of(text),
	                               &err), NM_OK);
}

static void
the_environment_comes_before_the_file(void **state)
{
	struct nm_account_wish wish = { .dotenv_path = dotenv_path };
	struct nm_account account;
	struct nm_err err = {0};

	(void)state;
	clear_environment();
	write_dotenv("OPENAI_API_KEY=sk-of-file-1234\n"
	             "OPENAI_BASE_URL=https://file.example/v1/\n"
	             "OPENAI_ORG_ID=org-file\nOTHER=x y\n");
	setenv("OPENAI_API_KEY", "sk-of-environment", 1);
	setenv("OPENAI_ORG_ID", "", 1);
	assert_int_equal(nm_account_open(&account, &wish, &err), NM_OK);
	assert_true(nm_text_is(nm_secret_reveal(&account.key),
	                       "sk-of-environment"));
	assert_string_equal(nm_buf_string(&account.base_url),
	                    "https://file.example/v1");
	assert_string_equal(nm_buf_string(&account.organization), "org-file");
	assert_string_equal(nm_buf_string(&account.project), "");
	assert_null(strstr(nm_buf_string(&account.identity), "sk-"));
	nm_account_close(&account);

	wish.base_url = "https://option.example/v2/";
	assert_int_equal(nm_account_open(&account, &wish, &err), NM_OK);
	assert_string_equal(nm_buf_string(&account.base_url),
	                    "https://option.example/v2");
	nm_account_close(&account);
	clear_environment();
}

static void
nothing_set_is_no_error(void **state)
{
	struct nm_account_wish wish = { .dotenv_path = "/nonexistent/.env" };
	struct nm_account account;
	struct nm_err err = {0};

	(void)state;
	clear_environment();
	assert_int_equal(nm_account_open(&account, &wish, &err), NM_OK);
	assert_false(nm_secret_held(&account.key));
	assert_string_equal(nm_buf_string(&account.base_url),
	                    NM_ACCOUNT_BASE_URL);
	nm_account_close(&account);
	nm_account_close(&account);
}

static void
wrong_settings_name_themselves_and_no_value(void **state)
{
	static const struct {
		const char  *text;
		enum nm_code code;
		const char  *words, *why;
	} wrong[] = {
		{ "OPENAI_API_KEY=\"sk-1\\n2\"\n", NM_USAGE, "OPENAI_API_KEY",
		  "a line break in a key" },
		{ "OPENAI_ORG_ID='org 1'\n", NM_USAGE, "OPENAI_ORG_ID",
		  "a space in an id" },
		{ "OPENAI_BASE_URL=sk-1\n", NM_USAGE, "base URL",
		  "the wrong line" },
		{ "sk-1\n", NM_INPUT, ":1: not a setting", "no name" },
	};

	(void)state;
	clear_environment();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct nm_account_wish wish = { .dotenv_path = dotenv_path };
		struct nm_account account = {0};
		struct nm_err err = {0};

		write_dotenv(wrong[i].text);
		if (nm_account_open(&account, &wish, &err) != wrong[i].code ||
		    !strstr(err.text, wrong[i].words) ||
		    strstr(err.text, "sk-1") || strstr(err.text, "org 1"))
			fail_msg("%s: %s", wrong[i].why, err.text);
		assert_null(account.base_url.at);
	}
}

static void
identities_tell_accounts_apart(void **state)
{
	struct nm_account_wish wish = { .dotenv_path = "" };
	struct nm_account account;
	struct nm_buf first = {0};
	struct nm_err err;

	(void)state;
	clear_environment();
	setenv("OPENAI_API_KEY", "sk-one-12345678", 1);
	assert_int_equal(nm_account_open(&account, &wish, &err), NM_OK);
	nm_buf_add_text(&first, nm_buf_text(&account.identity));
	nm_account_close(&account);
	setenv("OPENAI_API_KEY", "sk-two-12345678", 1);
	assert_int_equal(nm_account_open(&account, &wish, &err), NM_OK);
	assert_string_not_equal(nm_buf_string(&first),
	                        nm_buf_string(&account.identity));
	nm_account_close(&account);
	nm_buf_release(&first);
	assert_int_equal(nm_account_open_local(&account,
	                                       "http://127.0.0.1:1/v1", "k",
	                                       &err), NM_OK);
	assert_string_equal(nm_buf_string(&account.identity), "local");
	nm_account_close(&account);
	clear_environment();
}

/* Addresses of one service each, and one that is another's. */
static void
identities_tell_services_apart_by_their_place(void **state)
{
	static const struct { const char *url, *normal, *why; } rows[] = {
		{ "https://api.x.example/v1", "https://api.x.example/v1",
		  "as everybody types it" },
		{ "HTTPS://API.x.Example/v1", "https://api.x.example/v1",
		  "scheme and host have no case" },
		{ "https://api.x.example:443/v1/", "https://api.x.example/v1",
		  "the port of https" },
		{ "http://api.x.example:080/v1", "http://api.x.example/v1",
		  "that of http" },
		{ "http://api.x.example:/v1", "http://api.x.example/v1",
		  "none" },
		{ "http://api.x.example:443/v1", "http://api.x.example:443/v1",
		  "that of the other scheme is one" },
		{ "https://api.x.example./v1", "https://api.x.example/v1",
		  "a dot that says that the name is whole" },
		{ "https://api.x.example/%76%31/%c3%b6%2f",
		  "https://api.x.example/v1/%C3%B6%2F", "escapes" },
		{ "https://api.x.example/%zz/%4", "https://api.x.example/%zz/%4",
		  "what is none" },
		{ "https://api.x.example/./a/../v1/b/..",
		  "https://api.x.example/v1", "dots in the path" },
		{ "https://api.x.example/../v1", "https://api.x.example/v1",
		  "no further up than the root" },
		{ "https://api.x.example/V1", "https://api.x.example/V1",
		  "a path has case" },
		{ "http://[::1]:80/v1", "http://[::1]/v1", "IPv6" },
		{ "http://[FE80::1]:9/v1", "http://[fe80::1]:9/v1", "another" },
		{ "http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1",
		  "a port of its own" },
	};
	struct nm_account_wish wish = { .dotenv_path = "" };
	struct nm_account account;
	struct nm_err err;

	(void)state;
	clear_environment();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *identity;
		size_t len = strlen(rows[i].normal);

		wish.base_url = rows[i].url;
		assert_int_equal(nm_account_open(&account, &wish, &err), NM_OK);
		identity = nm_buf_string(&account.identity);
		if (strncmp(identity, rows[i].normal, len) != 0 ||
		    identity[len] != ' ')
			fail_msg("%s: %s", rows[i].why, identity);
		/* What was typed is what is called, and what journals had. */
		assert_true(strncmp(rows[i].url,
		                    nm_buf_string(&account.base_url),
		                    account.base_url.len) == 0);
		if ((account.as_typed.len > 0) !=
		    (strcmp(nm_buf_string(&account.base_url),
		            rows[i].normal) != 0))
			fail_msg("%s: as typed", rows[i].why);
		nm_account_close(&account);
	}
}

/* What a journal has, and whether it is that of http://x.example/v1 with a key. */
static void
what_older_journals_have_is_known_again(void **state)
{
	static const struct { const char *url; bool owned; const char *why; }
	rows[] = {
		{ "http://x.example/v1", true, "as it is written now" },
		{ "HTTP://X.Example:80/v1", true, "as it was once typed" },
		{ "http://x.example./%76%31", true, "that, too" },
		{ "http://x.example:81/v1", false, "another port" },
		{ "http://x.example/v2", false, "another path" },
		{ "https://x.example:80/v1", false, "another scheme" },
		{ "http:/", false, "no URL" },
		{ "local", false, "the server within" },
		{ "", false, "nothing" },
	};
	struct nm_account_wish wish = {
		.base_url = "http://x.example/v1", .dotenv_path = "",
	};
	struct nm_account account;
	struct nm_buf known = {0};
	struct nm_err err;

	(void)state;
	clear_environment();
	setenv("OPENAI_API_KEY", "sk-one-12345678", 1);
	assert_int_equal(nm_account_open(&account, &wish, &err), NM_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		nm_buf_clear(&known);
		nm_buf_addf(&known, "%s%s", rows[i].url,
		            strchr(nm_buf_string(&account.identity), ' '));
		if (nm_account_owns(&account, nm_buf_string(&known)) !=
		    rows[i].owned)
			fail_msg("%s", rows[i].why);
		/* Their keys are the same. */
		if (nm_account_neighbours(&account, nm_buf_string(&known)) !=
		    rows[i].owned)
			fail_msg("%s: the service", rows[i].why);
	}
	nm_buf_clear(&known);
	nm_buf_addf(&known, "%s0", nm_buf_string(&account.identity));
	assert_false(nm_account_owns(&account, nm_buf_string(&known)));
	assert_true(nm_account_neighbours(&account, nm_buf_string(&known)));
	assert_false(nm_account_owns(&account, "local"));
	assert_false(nm_account_owns(&account, ""));
	nm_account_close(&account);
	assert_int_equal(nm_account_open_local(&account,
	                                       "http://127.0.0.1:1/v1", "k",
	                                       &err), NM_OK);
	assert_true(nm_account_owns(&account, "local"));
	nm_account_close(&account);
	nm_buf_release(&known);
	clear_environment();
}

static int
make_file(void **state)
{
	int fd = mkstemp(dotenv_path);

	(void)state;
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static int
remove_file(void **state)
{
	(void)state;
	return unlink(dotenv_path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_urls_are_read),
		cmocka_unit_test(dotenv_is_read),
		cmocka_unit_test(the_environment_comes_before_the_file),
		cmocka_unit_test(nothing_set_is_no_error),
		cmocka_unit_test(wrong_settings_name_themselves_and_no_value),
		cmocka_unit_test(identities_tell_accounts_apart),
		cmocka_unit_test(identities_tell_services_apart_by_their_place),
		cmocka_unit_test(what_older_journals_have_is_known_again),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
