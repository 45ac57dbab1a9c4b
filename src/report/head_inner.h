/*
 * head_inner: what the files of this room share; for no one else.
 */
#ifndef NM_REPORT_HEAD_INNER_H
#define NM_REPORT_HEAD_INNER_H

#include "report/head.h"

void nm_head_put_metrics(struct nm_json_writer *w,
                         const struct nm_head *head);
void nm_head_put_ledger(struct nm_json_writer *w,
                        const struct nm_head *head);

/* The five counts, into the object that w has open. */
void nm_head_put_tokens(struct nm_json_writer *w,
                        const struct nm_usage *usage);

/* 0 when a reply's cost is not known: the sum would say too little. */
int nm_head_cost_is_known(const struct nm_head *head);

#endif
