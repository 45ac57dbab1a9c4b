#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/http.h"

#define HEAD "HTTP/1.1 200 OK\r\n"
#define KEY "sk-test-0123456789abcdef"

/* A server that speaks TLS with a certificate for 127.0.0.1 that nobody signed.
 * It answers the requests of its one connection with the replies, in turn. */
struct server {
	const char *const *replies;
	size_t      n_replies, n_requests;
	SSL_CTX    *context;
	int         listener;
	pthread_t   thread;
	char        url[64];
};

static char certificate_path[] = "/tmp/nightmail_tls_XXXXXX";
static EVP_PKEY *private_key;
static X509 *certificate;

/* Reads up to the empty line; these requests have no body. */
static bool
hear(SSL *ssl)
{
	char bytes[4096];
	size_t len = 0;

	while (len < sizeof(bytes)) {
		int got = SSL_read(ssl, bytes + len, (int)(sizeof(bytes) - len));

		if (got <= 0)
			return false;
		len += (size_t)got;
		if (memmem(bytes, len, "\r\n\r\n", 4))
			return true;
	}
	return false;
}

static void *
serve(void *user)
{
	struct server *server = user;
	int connection = accept(server->listener, NULL, NULL);
	SSL *ssl = SSL_new(server->context);

	SSL_set_fd(ssl, connection);
	if (SSL_accept(ssl) == 1)
		while (server->n_requests < server->n_replies && hear(ssl)) {
			const char *reply = server->replies[server->n_requests];

			SSL_write(ssl, reply, (int)strlen(reply));
			server->n_requests++;
		}
	SSL_free(ssl);
	close(connection);
	return NULL;
}

static void
start(struct server *server, const char *const *replies, size_t n_replies)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);

	*server = (struct server){ .replies = replies, .n_replies = n_replies };
	server->context = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(server->context, certificate),
	                 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(server->context, private_key),
	                 1);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&at, size),
	                 0);
	assert_int_equal(listen(server->listener, 4), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&at,
	                             &size), 0);
	snprintf(server->url, sizeof(server->url), "https://127.0.0.1:%d/",
	         ntohs(at.sin_port));
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server),
	                 0);
}

static void
stop(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->listener);
	SSL_CTX_free(server->context);
}

static struct nm_http *
open_http(void)
{
	struct nm_http_options options = {0};
	struct nm_http *http;
	struct nm_err err;

	assert_int_equal(nm_http_open(&http, &options, &err), NM_OK);
	return http;
}

static const struct {
	const char  *variable, *host;
	enum nm_code code;
	const char  *why;
} rows[] = {
	{ NULL, "127.0.0.1", NM_UNREACHABLE, "nobody known signed it" },
	{ "CURL_CA_BUNDLE", "127.0.0.1", NM_OK, "an own CA file" },
	{ "SSL_CERT_FILE", "127.0.0.1", NM_OK, "the same by its other name" },
	{ "CURL_CA_BUNDLE", "localhost", NM_UNREACHABLE, "another host's name" },
};

static void
certificates_are_verified_before_a_byte_is_sent(void **state)
{
	static const char *const reply = HEAD "Content-Length: 2\r\n\r\nok";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_secret key = {0};
		struct nm_http_request request = { .key = &key };
		struct nm_http_reply answer;
		struct nm_http *http = open_http();
		struct nm_buf url = {0};
		struct server server;
		struct nm_err err = {0};

		assert_int_equal(nm_secret_set(&key, NM_TEXT(KEY), &err), NM_OK);
		unsetenv("CURL_CA_BUNDLE");
		unsetenv("SSL_CERT_FILE");
		if (rows[i].variable)
			setenv(rows[i].variable, certificate_path, 1);
		start(&server, &reply, 1);
		nm_buf_addf(&url, "https://%s%s", rows[i].host,
		            strrchr(server.url, ':'));
		request.url = nm_buf_string(&url);
		if (nm_http_call(http, &request, &answer, &err) != rows[i].code)
			fail_msg("%s: %s", rows[i].why, err.text);
		assert_int_equal(answer.sent, rows[i].code == NM_OK);
		nm_http_close(http);
		stop(&server);
		assert_int_equal(server.n_requests, rows[i].code == NM_OK);
		nm_http_reply_release(&answer);
		nm_buf_release(&url);
		nm_secret_release(&key);
	}
}

/* On a kept connection the handshake is long past: what is cut there was sent. */
static void
a_cut_on_a_kept_connection_is_ambiguous(void **state)
{
	static const char *const replies[] = {
		HEAD "Content-Length: 2\r\n\r\nok",
		HEAD "Content-Length: 9\r\n\r\nhello",
	};
	struct nm_http *http = open_http();
	struct nm_http_request request = {0};
	struct nm_http_reply answer;
	struct server server;
	struct nm_err err = {0};

	(void)state;
	setenv("CURL_CA_BUNDLE", certificate_path, 1);
	start(&server, replies, 2);
	request.url = server.url;
	assert_int_equal(nm_http_call(http, &request, &answer, &err), NM_OK);
	nm_http_reply_release(&answer);
	assert_int_equal(nm_http_call(http, &request, &answer, &err),
	                 NM_AMBIGUOUS);
	assert_true(answer.sent);
	assert_int_equal(answer.status, 200);
	nm_http_reply_release(&answer);
	nm_http_close(http);
	stop(&server);
	assert_int_equal(server.n_requests, 2);
}

static void
name_host(X509 *subject, const char *names)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(
		NULL, NULL, NID_subject_alt_name, names);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(subject, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static int
make_certificate(void **state)
{
	X509_NAME *name;
	FILE *file;
	int fd;

	(void)state;
	private_key = EVP_EC_gen("P-256");
	certificate = X509_new();
	if (!private_key || !certificate)
		return 1;
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	name = X509_get_subject_name(certificate);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	                           (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_set_pubkey(certificate, private_key);
	name_host(certificate, "IP:127.0.0.1");
	X509_sign(certificate, private_key, EVP_sha256());
	fd = mkstemp(certificate_path);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file)
		return 1;
	PEM_write_X509(file, certificate);
	return fclose(file);
}

static int
remove_certificate(void **state)
{
	(void)state;
	X509_free(certificate);
	EVP_PKEY_free(private_key);
	return unlink(certificate_path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_verified_before_a_byte_is_sent),
		cmocka_unit_test(a_cut_on_a_kept_connection_is_ambiguous),
	};

	/* A client that hangs up in the handshake must not end the server. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_certificate,
	                              remove_certificate);
}
