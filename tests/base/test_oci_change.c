/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/oci_change.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/oci.h"

/* One row: instructions (up to three), and the "config" that they make, with ' for ". */
static const struct {
    const char *changes[3];
    const char *config;
} rows[] = {
    { { "CMD [\"/bin/sh\"]" }, "{'Cmd':['/bin/sh']}" },
    { { "cmd [ \"a\" , \"b c\" ]" }, "{'Cmd':['a','b c']}" },
    { { "  CMD\techo $HOME  " }, "{'Cmd':['/bin/sh','-c','echo $HOME']}" },
    { { "CMD [a, b]" }, "{'Cmd':['/bin/sh','-c','[a, b]']}" },
    { { "CMD [\"a\", 1]" }, "{'Cmd':['/bin/sh','-c','[#a#, 1]']}" },
    { { "CMD [\"a\"] x" }, "{'Cmd':['/bin/sh','-c','[#a#] x']}" },
    { { "CMD a", "CMD []" }, "{}" },
    { { "CMD a", "CMD [\"b\"]" }, "{'Cmd':['b']}" },
    { { "ENTRYPOINT [\"/e\"]", "CMD [\"x\"]" }, "{'Entrypoint':['/e'],'Cmd':['x']}" },
    { { "ENTRYPOINT exec top" }, "{'Entrypoint':['/bin/sh','-c','exec top']}" },
    { { "ENV A=1 B=two" }, "{'Env':['A=1','B=two']}" },
    { { "ENV A=\"two words\" B='x y' C=a\\ b" }, "{'Env':['A=two words','B=x y','C=a b']}" },
    { { "ENV A one two  three" }, "{'Env':['A=one two  three']}" },
    { { "ENV A \"quoted\" x=y" }, "{'Env':['A=quoted x=y']}" },
    { { "ENV A=1", "ENV A=2 B=$A" }, "{'Env':['A=2','B=1']}" },
    { { "ENV P=/bin", "ENV P=/x:$P Q=${P}/y R='$P' S=\\$P T=\"$P\"" },
      "{'Env':['P=/x:/bin','Q=/bin/y','R=$P','S=$P','T=/bin']}" },
    { { "ENV A=${NO:-d} B=${NO} C=${NO:+x}" }, "{'Env':['A=d','B=','C=']}" },
    { { "ENV A= B=''" }, "{'Env':['A=','B=']}" },
    { { "ENV A=b=c" }, "{'Env':['A=b=c']}" },
    { { "LABEL a=b \"c d\"=\"e f\"" }, "{'Labels':{'a':'b','c d':'e f'}}" },
    { { "LABEL a b c", "LABEL a=2" }, "{'Labels':{'a':'2'}}" },
    { { "EXPOSE 80 443/udp" }, "{'ExposedPorts':{'80/tcp':{},'443/udp':{}}}" },
    { { "EXPOSE 80", "EXPOSE 80/TCP 8000-8002/sctp" },
      "{'ExposedPorts':{'80/tcp':{},'8000/sctp':{},'8001/sctp':{},'8002/sctp':{}}}" },
    { { "EXPOSE 65535-65535" }, "{'ExposedPorts':{'65535/tcp':{}}}" },
    { { "VOLUME [\"/a\", \"/b c\"]" }, "{'Volumes':{'/a':{},'/b c':{}}}" },
    { { "VOLUME /a /b", "VOLUME /a \"/c d\"" }, "{'Volumes':{'/a':{},'/b':{},'/c d':{}}}" },
    { { "USER 1000:1000" }, "{'User':'1000:1000'}" },
    { { "ENV U=me", "USER $U" }, "{'User':'me','Env':['U=me']}" },
    { { "STOPSIGNAL SIGTERM" }, "{'StopSignal':'SIGTERM'}" },
    { { "STOPSIGNAL 9" }, "{'StopSignal':'9'}" },
    { { "STOPSIGNAL rtmin+3" }, "{'StopSignal':'rtmin+3'}" },
    { { "WORKDIR /a/b" }, "{'WorkingDir':'/a/b'}" },
    { { "WORKDIR a" }, "{'WorkingDir':'/a'}" },
    { { "WORKDIR /a", "WORKDIR b/c", "WORKDIR ../d" }, "{'WorkingDir':'/a/b/d'}" },
    { { "WORKDIR /a//b/./c/" }, "{'WorkingDir':'/a/b/c'}" },
    { { "WORKDIR /a", "WORKDIR ../../../x" }, "{'WorkingDir':'/x'}" },
    { { "WORKDIR /a", "WORKDIR .." }, "{'WorkingDir':'/'}" },
    { { "WORKDIR /", "WORKDIR a" }, "{'WorkingDir':'/a'}" },
    { { "WORKDIR \"/with space\"" }, "{'WorkingDir':'/with space'}" },
};

static void changes_make_the_config(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct md_oci_config config = { 0 };
        MD_AUTO_JSON document = NULL;
        MD_AUTO_FREE char *line = NULL;
        MD_AUTO_FREE char *want = md_xstrdup(rows[i].config);

        for (size_t j = 0; j < 3 && rows[i].changes[j]; j++) {
            struct md_err err = { 0 };

            if (md_oci_config_change(&config, rows[i].changes[j], &err) < 0) {
                fail_msg("%s", err.text);
            }
        }
        document = md_oci_config_json(&config);
        line = md_json_line(md_json_get(document, "config"));
        for (char *p = line; *p; p++) {
            *p = *p == '"' ? '\'' : *p;
        }
        for (char *p; (p = strstr(line, "\\'"));) { /* an escaped quote is # in the table */
            memmove(p, p + 1, strlen(p));
            *p = '#';
        }
        assert_string_equal(line, want);
        md_oci_config_clear(&config);
    }
}

static const struct {
    const char *change;
    const char *named;
} refused[] = {
    { "", "\"\"" },
    { "RUN ls", "RUN" },
    { "ONBUILD FROM x", "ONBUILD" },
    { "CMDx", "CMDx" },
    { "CMD", "CMD" },
    { "ENTRYPOINT  ", "ENTRYPOINT" },
    { "CMD a\nENV b=c", "CMD" },
    { "ENV", "ENV" },
    { "ENV A", "ENV A" },
    { "ENV =x", "=x" },
    { "ENV A=1 B", "A=1 B" },
    { "ENV A=\"open", "open" },
    { "ENV A='open", "open" },
    { "ENV A=${open", "open" },
    { "ENV A=${}", "ENV" },
    { "ENV A=${B:?x}", "ENV" },
    { "ENV ''=x", "ENV" },
    { "LABEL a", "LABEL a" },
    { "EXPOSE 0", "EXPOSE 0" },
    { "EXPOSE 65536", "65536" },
    { "EXPOSE 80/icmp", "80/icmp" },
    { "EXPOSE 80/", "80/" },
    { "EXPOSE x", "x" },
    { "EXPOSE -80", "-80" },
    { "EXPOSE 90-80", "90-80" },
    { "EXPOSE 80:90", "80:90" },
    { "EXPOSE 80/tcp-90", "80/tcp-90" },
    { "VOLUME [\"\"]", "VOLUME" },
    { "VOLUME \"\"", "VOLUME" },
    { "USER ''", "USER" },
    { "USER $NO", "USER" },
    { "STOPSIGNAL SIGNONE", "SIGNONE" },
    { "STOPSIGNAL 0", "0" },
    { "STOPSIGNAL 65", "65" },
    { "STOPSIGNAL -9", "-9" },
    { "STOPSIGNAL SIGRTMIN+40", "SIGRTMIN+40" },
    { "STOPSIGNAL SIGRTMIN-1", "SIGRTMIN-1" },
    { "WORKDIR \"\"", "WORKDIR" },
};

static void what_is_no_change_is_a_usage_error_that_names_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        struct md_oci_config config = { 0 };
        struct md_err err = { 0 };

        if (md_oci_config_change(&config, refused[i].change, &err) == 0) {
            fail_msg("\"%s\" was accepted", refused[i].change);
        }
        assert_int_equal(err.kind, MD_ERR_USAGE);
        if (!strstr(err.text, refused[i].named)) {
            fail_msg("\"%s\" is not named in: %s", refused[i].named, err.text);
        }
        md_oci_config_clear(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_make_the_config),
        cmocka_unit_test(what_is_no_change_is_a_usage_error_that_names_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
