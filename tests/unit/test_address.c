#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/address.h"

static const struct {
	int         status;
	const char *body;
	bool        wrong;
	const char *why;
} rows[] = {
	{ 200, "{\"choices\":[]}", false, "an answer" },
	{ 200, "<html>Welcome</html>", true, "a page" },
	{ 200, "", true, "nothing" },
	{ 204, "", true, "nothing, and it says so" },
	{ 200, "OK", true, "a word" },
	{ 200, "{\"choices\":[NaN]}", false, "an API's, broken" },
	{ 200, " \r\n\t{\"a\":", false, "an API's, cut" },
	{ 200, "[1]", false, "JSON, though no object" },
	{ 200, "{\"error\":\"Unexpected endpoint or method. (POST /x)\"}", true,
	  "some say it with 200" },
	{ 301, "", true, "redirections are not followed" },
	{ 307, "{\"error\":{\"message\":\"m\"}}", true, "whatever they say" },
	{ 404, "<html>nginx</html>", true, "a page" },
	{ 404, "404 page not found", true, "text" },
	{ 404, "", true, "nothing" },
	{ 404, "{\"detail\":\"Not Found\"}", true, "a frame's own words" },
	{ 404, "{\"status\":404,\"error\":\"Not Found\",\"path\":\"/x\"}", true,
	  "another one's" },
	{ 404, "{\"error\":{\"message\":\"Invalid URL (POST /chat/completions)\","
	  "\"type\":\"invalid_request_error\"}}", true, "OpenAI's own words" },
	{ 404, "{\"error\":{\"message\":\"m\",\"code\":\"unknown_url\"}}", true,
	  "its code" },
	{ 404, "{\"error\":{\"code\":404,\"message\":\"File Not Found\"}}", true,
	  "another's" },
	{ 405, "{\"detail\":\"Method Not Allowed\"}", true, "a method" },
	{ 404, "{\"error\":{\"message\":\"The model 'x' does not exist\","
	  "\"code\":\"model_not_found\"}}", false, "a model that is not there" },
	{ 404, "{\"object\":\"error\",\"message\":\"The model `x` does not "
	  "exist.\",\"code\":404}", false, "the same without an envelope" },
	{ 404, "{\"error\":\"model 'x' not found\"}", false, "and in one line" },
	{ 404, "{\"detail\":\"The model `x` does not exist\"}", false,
	  "in a frame's envelope, but not its own words" },
	{ 404, "{\"detail\":{\"message\":\"no such model\"}}", false,
	  "and with more in it" },
	{ 404, "{\"detail\":null}", true, "nothing is said" },
	{ 400, "<html>The plain HTTP request was sent to HTTPS port</html>", true,
	  "plain HTTP" },
	{ 400, "Client sent an HTTP request to an HTTPS server.", true,
	  "the same, elsewhere" },
	{ 400, "{\"detail\":\"no\"}", false, "a request refused" },
	{ 413, "<html>too large</html>", false, "a proxy's: that is the row's" },
	{ 401, "<html>who?</html>", false, "a key is another affair" },
	{ 502, "<html>bad gateway</html>", false, "and so is what fails" },
};

static void
told_apart(void **state)
{
	struct nm_json json = {0};
	const struct nm_value *root;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_text body = nm_text_of(rows[i].body);

		if (nm_json_read(&json, body.at, body.len, &root, NULL))
			root = NULL;
		if (nm_address_is_wrong(rows[i].status, body, root) !=
		    rows[i].wrong)
			fail_msg("%d %s: %s", rows[i].status, rows[i].body,
			         rows[i].why);
	}
	nm_json_release(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
