/*
 * own_scene: what tests of the room task begin from: a folder of a test's own with a
 * journal in it, and a service that nobody asks.
 *
 * Calling sequence: own_scene_open; own_write for what is to stand in the folder;
 * own_scene_close, which removes it.
 */
#ifndef NM_TESTS_OWN_SCENE_H
#define NM_TESTS_OWN_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "state/journal.h"
#include "task/service.h"

enum { OWN_FOLDER_BYTES = 64 };

static inline void
own_write(const char *path, const char *text)
{
	struct nm_err err;

	assert_int_equal(nm_file_write(path, 0600, nm_text_of(text), &err),
	                 NM_OK);
}

/* folder: OWN_FOLDER_BYTES of them, named here. 0, or -1. */
static inline int
own_scene_open(char *folder, struct nm_service *service,
               struct nm_journal **journal)
{
	struct nm_service_wish wish = { .base_url = "http://127.0.0.1:9/v1" };
	struct nm_err err;

	snprintf(folder, OWN_FOLDER_BYTES, "/tmp/nm_scene.XXXXXX");
	return mkdtemp(folder) && !nm_service_open(service, &wish, &err) &&
	       !nm_journal_open(folder, journal, &err) ? 0 : -1;
}

static inline int
own_scene_close(const char *folder, struct nm_service *service,
                struct nm_journal *journal)
{
	char command[OWN_FOLDER_BYTES + 16];

	nm_service_close(service);
	nm_journal_close(journal);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

#endif
