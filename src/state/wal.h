/*
 * wal: whether the log beside a database of SQLite's (its write-ahead log) is damaged.
 * Included by this room's sources only.
 *
 * After a death SQLite takes the frames of the log up to the first one whose checksum
 * is wrong, and forgets the rest without a word. So it must where the power went while
 * the last transaction was written; but where a disk gave other bytes back, steps that
 * were committed are gone. Two witnesses tell this from that:
 *
 * - A transaction is begun only after the one before it was synced: whatever a later one
 *   stands on was whole.
 * - The index of the log (the file that ends in -shm) tells how many frames it had when
 *   the last commit's sync was over, and how many of them the database has. It is there
 *   after a kill, and mostly after a power cut.
 *
 * Source of the format: https://www.sqlite.org/walformat.html and fileformat2.html#walformat
 */
#ifndef NM_STATE_WAL_H
#define NM_STATE_WAL_H

enum nm_wal_verdict {
	NM_WAL_SOUND,
	NM_WAL_DAMAGED,
	/* There is none any more, and the database has not got all that it held. */
	NM_WAL_GONE
};

/*
 * Reads the log of the database at this path, whatever other process has it open or
 * writes to it meanwhile; nothing is changed or locked. SOUND where it cannot be read,
 * and wherever damage is not proven. Not while this process itself has the database
 * open: its locks on the index would be lost.
 */
enum nm_wal_verdict nm_wal_look(const char *database);

#endif
