/* SPDX-License-Identifier: Apache-2.0 */
/* Flags and operands of one command, as docker's command line takes them. */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

/* Where the parser stands. */
struct cursor {
    const struct cli_syntax *syntax;
    char **argv;
    int argc;
    int at;
};

/* "Run 'minidock run --help' for more information", as docker ends a usage error. */
static int usage_error(const struct cli_syntax *syntax, struct md_err *err)
{
    char name[32];
    size_t words = strcspn(syntax->usage, "[");
    const char *upper = syntax->usage;

    while (*upper && !(*upper >= 'A' && *upper <= 'Z'))
        upper++;
    if ((size_t)(upper - syntax->usage) < words)
        words = (size_t)(upper - syntax->usage);
    while (words > 0 && syntax->usage[words - 1] == ' ')
        words--;
    snprintf(name, sizeof(name), "%.*s", (int)words, syntax->usage);
    char said[sizeof(err->text)];

    memcpy(said, err->text, sizeof(said));
    return md_err_set(err, MD_ERR_USAGE,
                      "%.300s. Run 'minidock %s --help' for more information", said, name);
}

static void print_option(const struct cli_option *option)
{
    char flag[64];

    snprintf(flag, sizeof(flag), "--%s%s%s", option->name, option->argument ? " " : "",
             option->argument ? option->argument : "");
    if (option->letter)
        printf("  -%c, %-26s %s\n", option->letter, flag, option->help);
    else
        printf("      %-26s %s\n", flag, option->help);
}

static int show_help(const struct cli_syntax *syntax)
{
    printf("Usage:  minidock %s\n\n%s\n", syntax->usage, syntax->summary);
    if (syntax->options && syntax->options[0].name) {
        printf("\nOptions:\n");
        for (const struct cli_option *option = syntax->options; option->name; option++)
            print_option(option);
    }
    if (syntax->more)
        printf("\n%s\n", syntax->more);
    return CLI_HELP_SHOWN;
}

static const struct cli_option *find_long(const struct cli_syntax *syntax, const char *name,
                                          size_t len)
{
    for (const struct cli_option *option = syntax->options; option && option->name; option++) {
        if (strlen(option->name) == len && strncmp(option->name, name, len) == 0)
            return option;
    }
    return NULL;
}

static const struct cli_option *find_short(const struct cli_syntax *syntax, char letter)
{
    for (const struct cli_option *option = syntax->options; option && option->name; option++) {
        if (option->letter == letter)
            return option;
    }
    return NULL;
}

static int set_flag(const struct cli_option *option, const char *text, struct md_err *err)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {
        { "true", true },   { "1", true },      { "t", true },  { "TRUE", true },
        { "false", false }, { "0", false },     { "f", false }, { "FALSE", false },
        { "True", true },   { "False", false }, { "T", true },  { "F", false },
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcmp(text, words[i].text) == 0) {
            *(bool *)option->value = words[i].value;
            return 0;
        }
    }
    return md_err_set(err, MD_ERR_USAGE,
                      "invalid argument \"%s\" for \"--%s\" flag: not a boolean", text,
                      option->name);
}

static int set_value(const struct cli_option *option, char *text, struct md_err *err)
{
    switch (option->kind) {
    case CLI_FLAG:
        return set_flag(option, text, err);
    case CLI_TEXT:
        *(const char **)option->value = text;
        return 0;
    case CLI_LIST:
        md_list_add(option->value, text);
        return 0;
    }
    return -1;
}

static int parse_long(struct cursor *cursor, struct md_err *err)
{
    char *word = cursor->argv[cursor->at++] + 2;
    size_t len = strcspn(word, "=");
    const struct cli_option *option = find_long(cursor->syntax, word, len);

    if (!option && len == 4 && strncmp(word, "help", 4) == 0)
        return show_help(cursor->syntax);
    if (!option)
        return md_err_set(err, MD_ERR_USAGE, "unknown flag: --%.*s", (int)len, word);
    if (word[len] == '=')
        return set_value(option, word + len + 1, err);
    if (option->kind == CLI_FLAG) {
        *(bool *)option->value = true;
        return 0;
    }
    if (cursor->at >= cursor->argc)
        return md_err_set(err, MD_ERR_USAGE, "flag needs an argument: --%s", option->name);
    return set_value(option, cursor->argv[cursor->at++], err);
}

/* One word of short flags: -it, -eA=1, -e A=1, -i=false. */
static int parse_short(struct cursor *cursor, struct md_err *err)
{
    char *word = cursor->argv[cursor->at++] + 1;

    for (char *letter = word; *letter; letter++) {
        const struct cli_option *option = find_short(cursor->syntax, *letter);

        if (!option && *letter == 'h')
            return show_help(cursor->syntax);
        if (!option)
            return md_err_set(err, MD_ERR_USAGE, "unknown shorthand flag: '%c' in -%s", *letter,
                              word);
        if (letter[1] == '=')
            return set_value(option, letter + 2, err);
        if (option->kind == CLI_FLAG) {
            *(bool *)option->value = true;
            continue;
        }
        if (letter[1])
            return set_value(option, letter + 1, err);
        if (cursor->at >= cursor->argc)
            return md_err_set(err, MD_ERR_USAGE, "flag needs an argument: '%c' in -%s", *letter,
                              word);
        return set_value(option, cursor->argv[cursor->at++], err);
    }
    return 0;
}

static int check_count(const struct cli_syntax *syntax, int count, struct md_err *err)
{
    if (count >= syntax->least && (syntax->most < 0 || count <= syntax->most))
        return 0;
    if (syntax->least == syntax->most)
        md_err_set(err, MD_ERR_USAGE, "requires %d argument%s, got %d", syntax->least,
                   syntax->least == 1 ? "" : "s", count);
    else if (count < syntax->least)
        md_err_set(err, MD_ERR_USAGE, "requires at least %d argument%s, got %d", syntax->least,
                   syntax->least == 1 ? "" : "s", count);
    else
        md_err_set(err, MD_ERR_USAGE, "requires at most %d argument%s, got %d", syntax->most,
                   syntax->most == 1 ? "" : "s", count);
    return usage_error(syntax, err);
}

int cli_parse(const struct cli_syntax *syntax, int argc, char **argv, struct md_list *operands,
              struct md_err *err)
{
    struct cursor cursor = { .syntax = syntax, .argv = argv, .argc = argc, .at = 1 };
    bool flags = true;

    while (cursor.at < argc) {
        const char *word = argv[cursor.at];
        int status = 0;

        if (flags && strcmp(word, "--") == 0) {
            cursor.at++;
            flags = false;
        } else if (flags && strncmp(word, "--", 2) == 0) {
            status = parse_long(&cursor, err);
        } else if (flags && word[0] == '-' && word[1]) {
            status = parse_short(&cursor, err);
        } else {
            md_list_add(operands, word);
            cursor.at++;
            flags = flags && !syntax->leading;
        }
        if (status == CLI_HELP_SHOWN)
            return CLI_HELP_SHOWN;
        if (status < 0)
            return usage_error(syntax, err);
    }
    return check_count(syntax, (int)operands->count, err);
}
