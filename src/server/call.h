/*
 * call: one request as its handler sees it, the answer it gives, and the table
 * that leads from one to the other. listen makes calls and sends the answers.
 * Knows nothing of libmicrohttpd.
 *
 * A handler returns NM_OK once it has answered by one of nm_call_json, _text,
 * _refuse, _file or _bytes. An error returned becomes the
 * envelope: 507 when the disk is full, else 500; its text goes to the log only.
 *
 * To answer later: nm_call_suspend in the handler, hand the call to another
 * thread and return NM_OK; there answer, then nm_call_resume, which ends the
 * call's life for that thread. The client may have gone meanwhile; answer anyway.
 */
#ifndef NM_SERVER_CALL_H
#define NM_SERVER_CALL_H

#include "base/arena.h"
#include "base/buf.h"
#include "server/clock.h"
#include "server/faults.h"
#include "server/metrics.h"
#include "server/store.h"
#include "server/upload_file.h"
#include "wire/json.h"

struct nm_model;
struct nm_worker;
struct nm_upstream;
struct nm_server_options;

/* What the handlers and the worker work with; one a server, all thread-safe.
 * Lives from before the first call to after the last, and the worker's end. */
struct nm_parts {
	const struct nm_server_options *options; /* zeros resolved to defaults */
	struct nm_store    *store;
	struct nm_vclock   *clock;
	struct nm_faults   *faults;
	struct nm_metrics  *metrics;
	struct nm_model    *model;
	struct nm_upstream *upstream; /* NULL = the simulated model */
	struct nm_worker   *worker;
};

enum nm_method { NM_GET, NM_POST, NM_DELETE };

/* How a route takes its body. */
enum nm_taking {
	NM_TAKE_NONE,    /* read and thrown away */
	NM_TAKE_JSON,    /* whole, within route.body_max_bytes; refused when it is
	                    not one JSON object */
	NM_TAKE_PARTS    /* multipart/form-data: fields kept, one file to tmp/ */
};

/* A field of a multipart body; the file is in call.upload. */
struct nm_field {
	struct nm_text name, value;
	struct nm_field *next;
};

struct nm_call {
	const struct nm_parts *parts;
	const struct nm_route *route;
	enum nm_method  method;
	struct nm_text  path;      /* decoded, without the query */
	struct nm_text  query;     /* raw; see query.h */
	const char     *id;        /* what stands for {id} or {all} */
	const char     *tenant;    /* "" without keys */
	const char     *request_id;/* "req_…" */
	const char     *client_id; /* X-Client-Request-Id, or "" */
	struct nm_text  body;      /* NM_TAKE_JSON: as it came */
	const struct nm_value *root; /* NM_TAKE_JSON: read; lives like the call */
	struct nm_field *fields;   /* NM_TAKE_PARTS, in order */
	struct nm_upload_file upload;
	struct nm_text  range;     /* the Range header, or empty */
	uint64_t        body_bytes;/* of the body, as they came */
	struct nm_arena arena;     /* lives like the call */
	struct nm_fault fault;     /* what a script wants of it */
	struct nm_buf   noted;     /* members for the log line: ,"name":value… */
	struct nm_call_answer *answer;
};

/* Whether a key is asked for where the server has keys. */
enum nm_door { NM_DOOR_KEY, NM_DOOR_OPEN };

struct nm_route {
	enum nm_method  method;
	const char     *path;      /* "/v1/files/{id}/content" */
	enum nm_taking  taking;
	size_t          body_max_bytes; /* 0 = 1 MiB */
	enum nm_code  (*handle)(struct nm_call *call, struct nm_err *err);
	enum nm_door    door;
};

/* Ended by a route without path. */
extern const struct nm_route nm_file_routes[];
extern const struct nm_route nm_upload_routes[];
extern const struct nm_route nm_batch_routes[];
extern const struct nm_route nm_chat_routes[];    /* chat, responses,
                                                     embeddings, completions */
extern const struct nm_route nm_model_routes[];
extern const struct nm_route nm_control_routes[];
extern const struct nm_route nm_health_routes[];
extern const struct nm_route nm_page_routes[];

/* Takes body's memory and leaves it empty. */
void nm_call_json(struct nm_call *call, unsigned status, struct nm_buf *body);

/* As nm_call_json, with another Content-Type, which lives like the program. */
void nm_call_text(struct nm_call *call, unsigned status, const char *type,
                  struct nm_buf *body);

/*
 * The error envelope. type NULL is invalid_request_error; param and code may be
 * NULL. Any status.
 */
struct nm_refusal {
	unsigned    status;
	const char *type, *param, *code;
};
void nm_call_refuse(struct nm_call *call, const struct nm_refusal *refusal,
                    const char *format, ...) NM_PRINTF(3, 4);
/* As nm_call_refuse with 400; returns false, for readers of parameters. */
bool nm_call_reject(struct nm_call *call, const char *param, const char *code,
                    const char *format, ...) NM_PRINTF(4, 5);
/* Appends {"error":{"message":…,"type":…,"param":…,"code":…}}. */
void nm_refusal_write(struct nm_buf *out, const struct nm_refusal *refusal,
                      struct nm_text message);

/* A file by sendfile, by Range where asked. Takes fd. */
void nm_call_file(struct nm_call *call, int fd, uint64_t bytes,
                  const char *filename);

/* Other bytes, that live as long as the program. */
void nm_call_bytes(struct nm_call *call, unsigned status, const char *type,
                   struct nm_text bytes);

/* Adds a header to the answer (before or after it is given). */
void nm_call_header(struct nm_call *call, const char *name, const char *value);

/* In a handler, which then returns NM_OK: go_on is run in its place, on a thread
 * that does what takes long, one call after another. */
void nm_call_later(struct nm_call *call,
                   enum nm_code (*go_on)(struct nm_call *call,
                                         struct nm_err *err));

void nm_call_suspend(struct nm_call *call);
void nm_call_resume(struct nm_call *call);

/* Adds a member to the request's log line; value is a text. */
void nm_call_note(struct nm_call *call, const char *name,
                  struct nm_text value);

#endif
