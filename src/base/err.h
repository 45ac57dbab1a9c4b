/*
 * err: how a call says that it could not do its work.
 * Errors stop the caller; failures of single requests are rows, never errors.
 * Knows no room; prints nothing.
 */
#ifndef NM_BASE_ERR_H
#define NM_BASE_ERR_H

#define NM_MUST_USE __attribute__((warn_unused_result))
#define NM_PRINTF(text, args) __attribute__((format(printf, text, args)))

enum { NM_ERR_TEXT_MAX = 512 };

/* What the caller should do about it. 0 is success. */
enum nm_code {
	NM_OK = 0,
	NM_USAGE,       /* the person must type something else */
	NM_INPUT,       /* a dataset, request file or setting must be mended */
	NM_LIMIT,       /* input is larger than a stated ceiling: split or refuse */
	NM_UNREACHABLE, /* nothing was sent, or nothing can have acted: try later */
	NM_AMBIGUOUS,   /* it may have acted: look before sending again */
	NM_REFUSED,     /* the service said no (detail = HTTP status) */
	NM_ABSENT,      /* the service knows no such id (detail = HTTP status) */
	NM_PROTOCOL,    /* the service's reply cannot be understood */
	NM_IO,          /* this machine: disk, rights, memory limits (detail = errno) */
	NM_STATE,       /* the journal or a state file is unusable */
	NM_HELD,        /* another process holds it: wait or leave */
	NM_UNFINISHED,  /* done, but something asked for is not so */
	NM_INTERRUPTED  /* a signal asked to stop */
};

/*
 * Filled once, where the error arises; callers outward add to it by nm_while.
 * text is one line of UTF-8 without newline, secret or full stop.
 */
struct nm_err {
	enum nm_code code;
	long         detail; /* errno, HTTP status, curl or SQLite code; else 0 */
	char         text[NM_ERR_TEXT_MAX];
};

/*
 * Fills err and returns code. Control bytes in the text become spaces; a text
 * too long is cut at a character. err may be NULL.
 */
enum nm_code nm_fail(struct nm_err *err, enum nm_code code, long detail,
                     const char *format, ...) NM_PRINTF(4, 5);

/* Appends ", while …" to err's text and returns err's code. */
enum nm_code nm_while(struct nm_err *err, const char *format, ...)
	NM_PRINTF(2, 3);

/*
 * The exit status that a code maps to, the same in all programs:
 * 0 done, 1 done but not as asked, 2 usage, 3 input, 4 the service,
 * 5 this machine, 130 interrupted.
 */
int nm_code_exit_status(enum nm_code code);

/*
 * Ends the process by abort after one line on stderr: only for exhausted memory
 * and for invariants that cannot be broken by input.
 */
_Noreturn void nm_die(const char *reason);

#endif
