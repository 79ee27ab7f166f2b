/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: walking the tree, with a value in hand. */
#include "cli/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/template_tree.h"

#define MAX_VARIABLES 64 /* in sight at a time */

struct variable {
    const char *name; /* with its $ */
    const struct json_t *value;
};

/* A rendering under way. */
struct rendering {
    const struct cli_template_data *data;
    struct md_buf *out;
    struct json_t *owned; /* array of the values that were made */
    struct variable variables[MAX_VARIABLES];
    size_t count;
};

static bool has_member(const struct json_t *value, const char *key)
{
    for (const char *k = NULL; (k = md_json_next_key(value, k));) {
        if (strcmp(k, key) == 0)
            return true;
    }
    return false;
}

/* What path, ".A.B" or "." or "", leads to from value. */
static int follow(const struct json_t *value, const char *path, const struct json_t **found,
                  struct md_err *err)
{
    while (*path && strcmp(path, ".") != 0) {
        size_t len = strcspn(path + 1, ".");
        MD_AUTO_FREE char *key = md_xstrndup(path + 1, len);

        path += 1 + len;
        if (len == 0 || strcmp(path, ".") == 0)
            return md_err_set(err, MD_ERR_USAGE, "template: a name is missing after a dot");
        if (!has_member(value, key))
            return md_err_set(err, MD_ERR_USAGE, "template: no field \"%s\" in the value", key);
        value = md_json_get(value, key);
    }
    *found = value;
    return 0;
}

static int find_variable(struct rendering *rendering, const char *name,
                         struct variable **variable, struct md_err *err)
{
    for (size_t i = rendering->count; i-- > 0;) {
        if (strcmp(rendering->variables[i].name, name) == 0) {
            *variable = &rendering->variables[i];
            return 0;
        }
    }
    return md_err_set(err, MD_ERR_USAGE, "template: undefined variable \"%s\"", name);
}

static int declare(struct rendering *rendering, const char *name, const struct json_t *value,
                   struct md_err *err)
{
    if (rendering->count == MAX_VARIABLES)
        return md_err_set(err, MD_ERR_USAGE, "template: too many variables");
    rendering->variables[rendering->count++] = (struct variable){ name, value };
    return 0;
}

static int evaluate(struct rendering *rendering, const struct cli_pipeline *pipeline,
                    const struct json_t *dot, const struct json_t **value, struct md_err *err);

static int evaluate_operand(struct rendering *rendering, const struct cli_operand *operand,
                            const struct json_t *dot, const struct json_t **value,
                            struct md_err *err)
{
    struct variable *variable = NULL;
    struct cli_call call = { .name = operand->text, .owned = rendering->owned };

    switch (operand->kind) {
    case CLI_OPERAND_DOT:
        return follow(dot, operand->path, value, err);
    case CLI_OPERAND_CONSTANT:
        *value = operand->value;
        return 0;
    case CLI_OPERAND_VARIABLE:
        if (strcmp(operand->text, "$") == 0)
            return follow(rendering->data->value, operand->path, value, err);
        if (find_variable(rendering, operand->text, &variable, err) < 0)
            return -1;
        return follow(variable->value, operand->path, value, err);
    case CLI_OPERAND_GROUP:
        if (evaluate(rendering, operand->group, dot, value, err) < 0)
            return -1;
        return follow(*value, operand->path, value, err);
    case CLI_OPERAND_FUNCTION:
        break;
    }
    return cli_template_call(&call, value, err); /* one that is given as an argument */
}

/* and, or: what comes after the one that decides is not even looked at, as in Go. */
static int evaluate_logic(struct rendering *rendering, const struct cli_operand *function,
                          const struct json_t *dot, const struct json_t **value,
                          struct md_err *err)
{
    bool decisive = strcmp(function->text, "or") == 0;

    for (const struct cli_operand *next = function->next; next; next = next->next) {
        if (evaluate_operand(rendering, next, dot, value, err) < 0)
            return -1;
        if (cli_template_true(*value) == decisive)
            break;
    }
    return 0;
}

/* docker's .Label "key": of a row the label's value, of a row of headings a heading. */
static int evaluate_label(struct rendering *rendering, const struct json_t *key,
                          const struct json_t **value, struct md_err *err)
{
    const char *text = md_json_text(key);
    const struct json_t *labels = rendering->data->labels;

    if (!text)
        return md_err_set(err, MD_ERR_USAGE, "template: .Label wants a text");
    if (labels) {
        *value = md_json_get(labels, text);
        return 0;
    }
    const char *dot = strrchr(text, '.');
    MD_AUTO_FREE char *heading = md_xstrdup(dot ? dot + 1 : text);

    for (char *p = heading; *p; p++)
        *p = *p == '-' || *p == '_' ? ' ' : *p;
    struct json_t *made = md_json_string(heading);

    md_json_append(rendering->owned, made);
    *value = made;
    return 0;
}

static bool is_label(const struct rendering *rendering, const struct cli_operand *operand)
{
    return ((operand->kind == CLI_OPERAND_DOT && strcmp(operand->path, ".Label") == 0) ||
            (operand->kind == CLI_OPERAND_VARIABLE && strcmp(operand->text, "$") == 0 &&
             strcmp(operand->path, ".Label") == 0)) &&
           has_member(rendering->data->value, "Labels");
}

static int evaluate_function(struct rendering *rendering, const struct cli_operand *first,
                             const struct json_t *dot, const struct json_t **value,
                             struct md_err *err)
{
    struct cli_call call = { .name = first->text, .owned = rendering->owned };

    if (strcmp(first->text, "and") == 0 || strcmp(first->text, "or") == 0)
        return evaluate_logic(rendering, first, dot, value, err);
    for (const struct cli_operand *next = first->next; next; next = next->next) {
        if (call.count == CLI_TEMPLATE_ARGS)
            return md_err_set(err, MD_ERR_USAGE, "template: too many arguments of \"%s\"",
                              call.name);
        if (evaluate_operand(rendering, next, dot, &call.args[call.count++], err) < 0)
            return -1;
    }
    return cli_template_call(&call, value, err);
}

/* One command of a pipeline: a function with arguments, a label, or a value alone. */
static int evaluate_command(struct rendering *rendering, const struct cli_operand *first,
                            const struct json_t *dot, const struct json_t **value,
                            struct md_err *err)
{
    const struct json_t *key = NULL;

    if (first->kind == CLI_OPERAND_FUNCTION)
        return evaluate_function(rendering, first, dot, value, err);
    if (first->next && !first->next->next && is_label(rendering, first))
        return evaluate_operand(rendering, first->next, dot, &key, err) < 0
                   ? -1
                   : evaluate_label(rendering, key, value, err);
    if (first->next)
        return md_err_set(err, MD_ERR_USAGE, "template: \"%s\" takes no arguments",
                          first->path[0] ? first->path : "a value");
    return evaluate_operand(rendering, first, dot, value, err);
}

/* The same with the result of the command before as one more argument. */
static int evaluate_piped(struct rendering *rendering, const struct cli_operand *operands,
                          const struct json_t *dot, const struct json_t **value,
                          struct md_err *err)
{
    struct cli_operand all[CLI_TEMPLATE_ARGS + 1];
    size_t count = 0;

    for (; operands; operands = operands->next) {
        all[count] = *operands;
        all[count].next = &all[count + 1];
        count++;
    }
    all[count] =
        (struct cli_operand){ .kind = CLI_OPERAND_CONSTANT, .path = "", .value = *value };
    return evaluate_command(rendering, all, dot, value, err);
}

static int evaluate(struct rendering *rendering, const struct cli_pipeline *pipeline,
                    const struct json_t *dot, const struct json_t **value, struct md_err *err)
{
    struct variable *variable = NULL;
    const struct cli_command_node *command = pipeline->commands;

    *value = NULL;
    if (evaluate_command(rendering, command->operands, dot, value, err) < 0)
        return -1;
    for (command = command->next; command; command = command->next) {
        if (evaluate_piped(rendering, command->operands, dot, value, err) < 0)
            return -1;
    }
    if (pipeline->variables[1] || pipeline->binding == CLI_BIND_NONE)
        return 0; /* a range binds its own */
    if (pipeline->binding == CLI_BIND_DECLARE)
        return declare(rendering, pipeline->variables[0], *value, err);
    if (find_variable(rendering, pipeline->variables[0], &variable, err) < 0)
        return -1;
    variable->value = *value;
    return 0;
}

static int render(struct rendering *rendering, const struct cli_node *node,
                  const struct json_t *dot, struct md_err *err);

/* {{range}}'s variables: one is the element, of two the first is the index or key. */
static int bind(struct rendering *rendering, const struct cli_pipeline *pipeline,
                const struct json_t *index, const struct json_t *item, struct md_err *err)
{
    const char *const *names = pipeline->variables;

    if (pipeline->binding == CLI_BIND_NONE)
        return 0;
    if (names[1] && declare(rendering, names[0], index, err) < 0)
        return -1;
    return declare(rendering, names[1] ? names[1] : names[0], item, err);
}

static int render_range(struct rendering *rendering, const struct cli_node *node,
                        const struct json_t *dot, const struct json_t *values,
                        struct md_err *err)
{
    bool is_map = md_json_is_object(values);
    size_t count = md_json_count(values);
    size_t variables = rendering->count;

    if (!is_map && !md_json_is_array(values) && !md_json_is_null(values))
        return md_err_set(err, MD_ERR_USAGE, "template: range over what is no collection");
    MD_AUTO_FREE const char **keys = is_map ? cli_template_keys(values, &count) : NULL;

    for (size_t i = 0; i < count; i++) {
        const struct json_t *item =
            is_map ? md_json_get(values, keys[i]) : md_json_at(values, i);
        struct json_t *index = is_map ? md_json_string(keys[i]) : md_json_number((int64_t)i);

        md_json_append(rendering->owned, index);
        if (bind(rendering, node->pipeline, index, item, err) < 0 ||
            render(rendering, node->body, item, err) < 0)
            return -1;
        rendering->count = variables;
    }
    return count > 0 ? 0 : render(rendering, node->otherwise, dot, err);
}

static int render_block(struct rendering *rendering, const struct cli_node *node,
                        const struct json_t *dot, struct md_err *err)
{
    const struct json_t *value = NULL;
    size_t variables = rendering->count;
    int status;

    if (node->kind == CLI_NODE_RANGE && node->pipeline->binding == CLI_BIND_ASSIGN)
        return md_err_set(err, MD_ERR_USAGE, "template: \"=\" in range is not supported");
    if (evaluate(rendering, node->pipeline, dot, &value, err) < 0)
        return -1;
    if (node->kind == CLI_NODE_RANGE) {
        rendering->count = variables;
        status = render_range(rendering, node, dot, value, err);
    } else if (cli_template_true(value)) {
        status = render(rendering, node->body, node->kind == CLI_NODE_WITH ? value : dot, err);
    } else {
        status = render(rendering, node->otherwise, dot, err);
    }
    rendering->count = variables;
    return status;
}

static int render(struct rendering *rendering, const struct cli_node *node,
                  const struct json_t *dot, struct md_err *err)
{
    for (; node; node = node->next) {
        const struct json_t *value = NULL;

        switch (node->kind) {
        case CLI_NODE_TEXT:
            md_buf_printf(rendering->out, "%s", node->text);
            break;
        case CLI_NODE_PRINT:
            if (evaluate(rendering, node->pipeline, dot, &value, err) < 0)
                return -1;
            if (node->pipeline->binding == CLI_BIND_NONE)
                cli_template_print(value, rendering->out);
            break;
        case CLI_NODE_IF:
        case CLI_NODE_WITH:
        case CLI_NODE_RANGE:
            if (render_block(rendering, node, dot, err) < 0)
                return -1;
            break;
        }
    }
    return 0;
}

int cli_template_render(const struct cli_template *template,
                        const struct cli_template_data *data, struct md_buf *out,
                        struct md_err *err)
{
    MD_AUTO_JSON owned = md_json_array();
    struct rendering rendering = { .data = data, .out = out, .owned = owned };

    return render(&rendering, template->nodes, data->value, err);
}

int cli_template(const char *text, const struct json_t *value, struct md_buf *out,
                 struct md_err *err)
{
    const struct cli_template_data data = { .value = value };
    MD_AUTO_TEMPLATE template = cli_template_parse(text, err);

    return template ? cli_template_render(template, &data, out, err) : -1;
}
