/*
 * fuzz: what a fuzz target offers. libFuzzer calls it with inputs of its own
 * making; replay.c with the files of a corpus.
 */
#ifndef NM_FUZZ_FUZZ_H
#define NM_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Aborts when a promise is broken; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
