/*
 * anchor: the small file of a state folder from which virtual time is told, mapped by
 * all processes over the folder. It is whole after any death, and on a full disk.
 * For clock; knows moments and a speed, must not know who asks for the time.
 *
 * Calling sequence: open; read at any time; lock, read, write, unlock; close.
 */
#ifndef NM_SERVER_ANCHOR_H
#define NM_SERVER_ANCHOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* One moment, by every clock there is. */
struct nm_moment {
	int64_t  virtual_ms;
	int64_t  wall_ms;
	int64_t  mono_ms; /* of the clock that only runs on, and begins anew with */
	uint64_t boot;    /* the machine's start; 0 = not known */
	double   speed;   /* virtual milliseconds a real one, from here on */
};

/* A moment as the file holds it. */
struct nm_anchor_slot {
	_Atomic int64_t  virtual_ms, wall_ms, mono_ms;
	_Atomic uint64_t boot, speed_bits;
};

/* The file. The slot of turn & 1 counts; the other one is for the next write, so that
 * a writer that dies leaves what was. */
struct nm_anchor_file {
	char             magic[8];  /* "nmclock2"; "nmclock": the next three alone */
	_Atomic uint64_t turn;
	int64_t          old_virtual_ms, old_wall_ms;
	uint64_t         old_speed_bits;
	struct nm_anchor_slot slots[2];
};

struct nm_anchor {
	struct nm_anchor_file *file; /* NULL = there is none */
	int                    fd;   /* -1 without */
};

enum nm_anchor_wish { NM_ANCHOR_IF_THERE, NM_ANCHOR_MAKE };

/* A fresh one begins as `first`. NM_OK without a file, if it need not be there;
 * NM_STATE for a file of another kind, NM_IO. Locked afterwards, on error as well. */
enum nm_code nm_anchor_open(struct nm_anchor *anchor, const char *path,
                            enum nm_anchor_wish wish,
                            const struct nm_moment *first,
                            struct nm_err *err) NM_MUST_USE;
void nm_anchor_close(struct nm_anchor *anchor);

/* Among processes; threads of one see to it themselves. */
void nm_anchor_lock(struct nm_anchor *anchor);
/* Whether it could at once. Needs a file. */
bool nm_anchor_try_lock(struct nm_anchor *anchor);
void nm_anchor_unlock(struct nm_anchor *anchor);

/* What was written last, whoever is writing. Needs a file. */
void nm_anchor_read(const struct nm_anchor *anchor, struct nm_moment *moment);

/* Locked. */
void nm_anchor_write(struct nm_anchor *anchor,
                     const struct nm_moment *moment);

/* What was written outlives a power cut. */
void nm_anchor_sync(struct nm_anchor *anchor);

#endif
