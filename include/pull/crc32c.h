/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli), kept per file so that fsck finds rot. */
#ifndef MD_PULL_CRC32C_H
#define MD_PULL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what had checksum crc (0: nothing yet) with len more bytes. */
uint32_t pull_crc32c(uint32_t crc, const void *bytes, size_t len);

/* The same for len zero bytes, in logarithmic time: holes may be as large as a file may. */
uint32_t pull_crc32c_zeros(uint32_t crc, uint64_t len);

#endif
