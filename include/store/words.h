/* SPDX-License-Identifier: Apache-2.0 */
/* Names for containers that were given none. */
#ifndef MD_STORE_WORDS_H
#define MD_STORE_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* "<adjective>_<noun>" chosen by number (any value); out holds 32 bytes. */
void store_words_pick(uint32_t number, char *out, size_t size);

#endif
