/*
 * submit: the submission of one shard, as src/run does it, against a service that
 * may lose replies, refuse, and show late what it did.
 *
 * What may happen, in every order: a process dies between any two steps (DEATHS
 * times); a call is refused, which may be a word of what stands in front and not true,
 * or is never sent, or is lost, or its reply is (FAULTS times); what a call did becomes
 * visible in lists after 0 to DELAY ticks; a second process runs the same command at the
 * same time.
 *
 * What must hold: the service never holds two batches (or two input files) of the
 * shard, and in the end it holds one and the journal knows it. It holds as long as
 * PATIENCE >= DELAY, the stated bound: whoever looks goes on looking for PATIENCE
 * ticks before it sends again, and whoever was refused waits so long before it looks
 * once. With -DNO_LOOK the look-up is taken out, and the checker has to find the double
 * submission; with -DNO_LOOK_REFUSED that after a refusal alone, with -DNO_LOCK the
 * run's lock, likewise.
 */
#ifndef DELAY
#define DELAY 2
#endif
#ifndef PATIENCE
#define PATIENCE 2
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif

mtype = { planned, uploading, uploaded, creating, created };

/* Durable: survives every death. */
mtype journal = planned;

/* The service: [0] input files, [1] batches. */
byte made[2];        /* how many exist */
bool visible[2];     /* listed to whoever asks */
byte hidden_for[2];  /* ticks since it was made, while not visible */

byte deaths = 0;
byte faults = 0;
byte holder = 0;     /* the run's lock; freed by the system at a death */

inline act(kind) {
	made[kind]++;
	hidden_for[kind] = 0;
	if
	:: visible[kind] = true
	:: skip /* shown later */
	fi
}

/* Time passes for everybody; nothing stays hidden longer than DELAY. */
inline tick() {
	atomic {
		if
		:: made[0] > 0 && !visible[0] ->
			hidden_for[0]++;
			if
			:: hidden_for[0] >= DELAY -> visible[0] = true
			:: else -> if :: visible[0] = true :: skip fi
			fi
		:: else -> skip
		fi;
		if
		:: made[1] > 0 && !visible[1] ->
			hidden_for[1]++;
			if
			:: hidden_for[1] >= DELAY -> visible[1] = true
			:: else -> if :: visible[1] = true :: skip fi
			fi
		:: else -> skip
		fi
	}
}

inline may_die() {
	if
	:: atomic { deaths < DEATHS -> deaths++; holder = 0; goto begin }
	:: skip
	fi
}

/* outcome: 1 = it acted and the reply came, 2 = refused for the moment, whatever it did,
 * 3 = cannot be told, 4 = never sent. */
inline call(kind) {
	atomic {
		if
		:: act(kind); outcome = 1
		:: faults < FAULTS -> faults++; outcome = 2
		:: faults < FAULTS -> faults++; act(kind); outcome = 2
		:: faults < FAULTS -> faults++; outcome = 4
		:: faults < FAULTS -> faults++; outcome = 3 /* request lost */
		:: faults < FAULTS -> faults++; act(kind); outcome = 3
		fi
	}
}

/* found: the tag is listed. Patience is counted from the start of the look. */
inline look(kind) {
	found = false;
	waited = 0;
#ifndef NO_LOOK
	do
	:: visible[kind] -> found = true; break
	:: !visible[kind] && waited < PATIENCE -> tick(); waited++
	:: !visible[kind] && waited >= PATIENCE -> break
	od
#endif
}

/* After a refusal in this process's life: the patience, and then a single look. */
inline look_at_end(kind) {
	found = false;
	waited = 0;
#ifndef NO_LOOK_REFUSED
	do
	:: waited < PATIENCE -> tick(); waited++
	:: waited >= PATIENCE -> break
	od;
	found = visible[kind]
#endif
}

/* Never sent: it did not act. The step back may not be written, on a full disk. */
inline step_back(to) {
	begun = false;
	if
	:: journal = to
	:: skip
	fi
}

proctype client(byte me) {
	byte outcome, waited;
	bool found, begun, refused;

begin:
	begun = false;
	refused = false;
#ifndef NO_LOCK
	atomic { holder == 0 -> holder = me };
#endif
	do
	:: journal == created -> break
	:: journal == planned || journal == uploading ->
		if
		:: journal == uploading && !begun ->
			if
			:: refused -> look_at_end(0)
			:: else -> look(0)
			fi;
			refused = false;
			may_die();
			if
			:: found -> journal = uploaded
			:: else -> begun = true
			fi
		:: else ->
			journal = uploading;
			may_die();
			call(0);
			may_die();
			if
			:: outcome == 1 -> journal = uploaded; begun = false
			:: outcome == 2 -> begun = false; refused = true
			:: outcome == 3 -> begun = false
			:: outcome == 4 -> step_back(planned)
			fi
		fi;
		may_die()
	:: journal == uploaded || journal == creating ->
		if
		:: journal == creating && !begun ->
			if
			:: refused -> look_at_end(1)
			:: else -> look(1)
			fi;
			refused = false;
			may_die();
			if
			:: found -> journal = created
			:: else -> begun = true
			fi
		:: else ->
			journal = creating;
			may_die();
			call(1);
			may_die();
			if
			:: outcome == 1 -> journal = created
			:: outcome == 2 -> begun = false; refused = true
			:: outcome == 3 -> begun = false
			:: outcome == 4 -> step_back(uploaded)
			fi
		fi;
		may_die()
	od;
	holder = 0
}

init {
	atomic { run client(1); run client(2) }
}

ltl once { [] (made[0] <= 1 && made[1] <= 1) }
ltl told { [] (journal == created -> made[1] == 1) }
ltl done { <> (journal == created) }
