/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C through ISA-L where it is linked, else by a table of sixteen entries. */
#include "pull/crc32c.h"

#ifdef HAVE_ISAL
#include <isa-l/crc.h>

static uint32_t update(uint32_t state, const unsigned char *bytes, size_t len)
{
    const size_t most = 1u << 30; /* it counts in int */

    while (len > 0) {
        size_t part = len < most ? len : most;

        state = crc32_iscsi((unsigned char *)bytes, (int)part, state);
        bytes += part;
        len -= part;
    }
    return state;
}
#else
static uint32_t update(uint32_t state, const unsigned char *bytes, size_t len)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };

    for (; len > 0; bytes++, len--) {
        state = table[(state ^ *bytes) & 15] ^ state >> 4;
        state = table[(state ^ *bytes >> 4) & 15] ^ state >> 4;
    }
    return state;
}
#endif

uint32_t pull_crc32c(uint32_t crc, const void *bytes, size_t len)
{
    return ~update(~crc, bytes, len);
}

/* a * b modulo the polynomial, bit-reflected: bit 31 is x^0. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = b & 1 ? b >> 1 ^ 0x82f63b78 : b >> 1;
    }
    return product;
}

uint32_t pull_crc32c_zeros(uint32_t crc, uint64_t len)
{
    uint32_t power = 1u << 23; /* x^8: one zero byte */
    uint32_t state = ~crc;

    for (; len; len >>= 1) {
        if (len & 1)
            state = multiply(power, state);
        power = multiply(power, power);
    }
    return ~state;
}
