/*
 * signals: see the header.
 */
#include "prog/signals.h"

#include <signal.h>
#include <unistd.h>

static atomic_int stop;

static void
on_signal(int number)
{
	(void)number;
	if (atomic_exchange(&stop, 1))
		_exit(130);
}

void
nm_signals_init(void)
{
	struct sigaction action = { .sa_handler = on_signal }, before;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* Under nohup it stays without effect. */
	if (!sigaction(SIGHUP, NULL, &before) && before.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

const atomic_int *
nm_signals_stop_flag(void)
{
	return &stop;
}
