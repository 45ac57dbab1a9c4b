/*
 * descriptors: how many files and connections this process may have open.
 */
#ifndef NM_PROG_DESCRIPTORS_H
#define NM_PROG_DESCRIPTORS_H

/* Raises the soft limit to the hard one, up to 65,536: the usual 1,024 are too few
 * for many connections. What cannot be raised stays. */
void nm_descriptors_raise(void);

#endif
