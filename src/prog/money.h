/*
 * money: what a call of the program would cost, told or asked about before it is
 * spent.
 */
#ifndef NM_PROG_MONEY_H
#define NM_PROG_MONEY_H

#include "prog/job.h"

/* Appends the estimate of all jobs, as text or JSON. Sends nothing. */
enum nm_code nm_money_estimate(struct nm_job *jobs, size_t n_jobs,
                               const struct nm_run_settings *settings,
                               int as_json, struct nm_buf *out,
                               struct nm_err *err) NM_MUST_USE;

/* On a terminal, asks when this is more than a dollar, unless that was agreed to.
 * NM_INTERRUPTED for a no. */
enum nm_code nm_money_ask(const struct nm_job_tools *tools,
                          const struct nm_estimate_cost *cost,
                          struct nm_err *err) NM_MUST_USE;

/* The same of all that the jobs have yet to send; a yes is kept in the tools. */
enum nm_code nm_money_consent(struct nm_job *jobs, size_t n_jobs,
                              struct nm_job_tools *tools,
                              struct nm_err *err) NM_MUST_USE;

/* Takes the jobs on the budget, all before the first is sent. NM_USAGE when they
 * could cost too much together. */
enum nm_code nm_money_take(struct nm_job *jobs, size_t n_jobs,
                           struct nm_err *err) NM_MUST_USE;

#endif
