/* SPDX-License-Identifier: Apache-2.0 */
/* minidock: runs containers, and shows what the store holds. */
#include <stddef.h>

#include "cli/command.h"

static const struct cli_command commands[] = {
    { "run", cli_run, "Create a container and run a command in it", CLI_EXIT_125 },
    { "pull", cli_image_program, "Download images from a registry", CLI_EXIT_1 },
    { "load", cli_image_program, "Load images from an archive", CLI_EXIT_1 },
    { "import", cli_image_program, "Make an image of a tar file or a directory", CLI_EXIT_1 },
    { "images", cli_images, "List images", CLI_EXIT_1 },
    { "rmi", cli_rmi, "Remove images", CLI_EXIT_1 },
    { "tag", cli_tag, "Give an image one more name", CLI_EXIT_1 },
    { "inspect", cli_inspect, "Show all about images and containers as JSON", CLI_EXIT_1 },
    { "image path", cli_image_path, "Print where an image's root file system is", CLI_EXIT_1 },
    { "ps", cli_ps, "List containers", CLI_EXIT_1 },
    { "rm", cli_rm, "Remove containers", CLI_EXIT_1 },
    { "logs", cli_logs, "Print what a container has written", CLI_EXIT_1 },
    { "create", cli_create, "Create a container without starting it", CLI_EXIT_125 },
    { "start", cli_start, "Start containers", CLI_EXIT_1 },
    { "stop", cli_stop, "End containers by a signal, and kill them if that takes long",
      CLI_EXIT_1 },
    { "restart", cli_restart, "Stop containers and start them again", CLI_EXIT_1 },
    { "kill", cli_kill, "Send a signal to containers", CLI_EXIT_1 },
    { "pause", cli_pause, "Freeze containers", CLI_EXIT_1 },
    { "unpause", cli_unpause, "Let frozen containers go on", CLI_EXIT_1 },
    { "wait", cli_wait, "Wait until containers have ended", CLI_EXIT_1 },
    { "attach", cli_attach, "Connect to a container that runs", CLI_EXIT_1 },
    { "exec", cli_exec, "Run one more command in a container that runs", CLI_EXIT_125 },
    { "stats", cli_stats, "Show what containers use", CLI_EXIT_1 },
    { "rename", cli_rename, "Give a container another name", CLI_EXIT_1 },
    { "update", cli_update, "Change the restart policy of containers", CLI_EXIT_1 },
    /* docker's longer names of the same */
    { "image ls", cli_images, NULL, CLI_EXIT_1 },
    { "image rm", cli_rmi, NULL, CLI_EXIT_1 },
    { "image tag", cli_tag, NULL, CLI_EXIT_1 },
    { "image inspect", cli_inspect, NULL, CLI_EXIT_1 },
    { "container run", cli_run, NULL, CLI_EXIT_125 },
    { "container create", cli_create, NULL, CLI_EXIT_125 },
    { "container start", cli_start, NULL, CLI_EXIT_1 },
    { "container stop", cli_stop, NULL, CLI_EXIT_1 },
    { "container restart", cli_restart, NULL, CLI_EXIT_1 },
    { "container kill", cli_kill, NULL, CLI_EXIT_1 },
    { "container pause", cli_pause, NULL, CLI_EXIT_1 },
    { "container unpause", cli_unpause, NULL, CLI_EXIT_1 },
    { "container wait", cli_wait, NULL, CLI_EXIT_1 },
    { "container attach", cli_attach, NULL, CLI_EXIT_1 },
    { "container exec", cli_exec, NULL, CLI_EXIT_125 },
    { "container stats", cli_stats, NULL, CLI_EXIT_1 },
    { "container rename", cli_rename, NULL, CLI_EXIT_1 },
    { "container update", cli_update, NULL, CLI_EXIT_1 },
    { "container ls", cli_ps, NULL, CLI_EXIT_1 },
    { "container rm", cli_rm, NULL, CLI_EXIT_1 },
    { "container logs", cli_logs, NULL, CLI_EXIT_1 },
    { "container inspect", cli_inspect, NULL, CLI_EXIT_1 },
    { 0 },
};

int main(int argc, char **argv)
{
    const struct cli_program program = { "minidock", commands };

    return cli_main(&program, argc, argv);
}
