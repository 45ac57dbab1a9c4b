/*
 * consent: a question with yes or no for an answer, asked on the terminal.
 * Must not know what is agreed to.
 */
#ifndef NM_CLI_CONSENT_H
#define NM_CLI_CONSENT_H

#include "cli/message.h"

enum nm_consent {
	NM_CONSENT_NO,     /* "n", an empty line, end of input */
	NM_CONSENT_YES,
	NM_CONSENT_UNASKED /* stdin or stderr is no terminal: nobody is there */
};

/* Asks "program: question [y/N] " on stderr and reads a line of stdin. */
enum nm_consent nm_consent_ask(struct nm_message *message,
                               const char *format, ...) NM_PRINTF(2, 3);

#endif
