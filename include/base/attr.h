/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes that the headers of every module use. */
#ifndef MD_BASE_ATTR_H
#define MD_BASE_ATTR_H

#define MD_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define MD_MUST_CHECK __attribute__((warn_unused_result))

#endif
