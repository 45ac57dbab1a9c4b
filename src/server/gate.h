/*
 * gate: what can be told of a request from its head: whether it can be understood in
 * one way only, who sends it, where it leads, how much it brings, and what a script
 * has in store for it. For visit; must not know bodies or answers.
 */
#ifndef NM_SERVER_GATE_H
#define NM_SERVER_GATE_H

#include "server/hall.h"

/* Of a refused body so much is read, to spare the client a reset. */
enum { NM_GATE_DRAIN_BYTES = 64 << 20 };

/* What of a request's target is ours: who names us in it as a proxy would be named
 * is served as well (RFC 9112, 3.2.2). A part of target. */
struct nm_text nm_gate_target(const char *target);

enum nm_gate_word {
	NM_GATE_TAKE_BODY, /* also where it is refused: the answer comes after it */
	NM_GATE_ANSWER     /* at once, and nothing more is read */
};

/* Fills the call from the head, and begins its body; body.refused tells that the
 * answer is made, and a refusal. Once for each visit. */
enum nm_gate_word nm_gate_look(struct nm_visit *visit, const char *method);

#endif
