/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes templates: refused with a sentence, or rendered. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/template.h"

#define MAX_BYTES 200 /* nested ranges of longer ones print for ever */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char document[] = "{\"A\":\"abc\",\"B\":{\"C\":true,\"D\":7},\"E\":[\"x\",\"y\"],"
                               "\"Labels\":{\"k\":\"v\"},\"N\":null}";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    MD_AUTO_FREE char *text =
        md_xstrndup((const char *)bytes, len < MAX_BYTES ? len : MAX_BYTES);
    struct md_err err = { 0 };
    MD_AUTO_JSON value = md_json_parse(document, strlen(document), "document", &err);
    MD_AUTO_TEMPLATE template = cli_template_parse(text, &err);
    const struct cli_template_data data = { value, md_json_get(value, "Labels") };
    struct md_buf out = { 0 };

    if (template) {
        if (cli_template_render(template, &data, &out, &err) < 0 && !err.text[0])
            abort();
        md_buf_clear(&out);
    } else if (err.kind != MD_ERR_USAGE || !err.text[0]) {
        abort();
    }
    return 0;
}
