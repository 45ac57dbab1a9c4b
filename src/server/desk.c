#include "server/desk.h"

void
nm_desk_release(struct nm_desk *desk)
{
	nm_rows_release(&desk->rows);
	nm_shelf_release(&desk->shelf);
	nm_ask_release(&desk->ask);
	nm_verdict_release(&desk->verdict);
	nm_buf_release(&desk->scratch);
	nm_buf_release(&desk->line);
}
