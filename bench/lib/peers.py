# SPDX-License-Identifier: Apache-2.0
"""Who pulls: minidock, docker, podman, and a pipeline of curl, igzip (or zstd) and tar."""

import os
import shutil
import signal
import subprocess

import images
from measure import cost, settle, tail, wait_for
from report import say

ADDRESS = "localhost:5000"
DOCKER_SOCKET = "/run/docker-bench.sock"
DOCKER = ("docker", "-H", f"unix://{DOCKER_SOCKET}")
NAMES = ("docker", "podman", "pipeline")
PROGRAMS = {"docker": ("dockerd", "docker"), "podman": ("podman",),
            "pipeline": ("curl", "tar", "xargs")}


class Peer:
    """One way to pull: command(image, directory); start(directory) runs servers all the time."""

    def __init__(self, name, command, start=None):
        self.name = name
        self.command = command
        self.start = start or (lambda directory: [])

    def pull(self, series, directory, sampled):
        """The costs of pulling these images, one after the other, into one fresh directory."""
        os.makedirs(directory)
        servers = self.start(directory)
        try:
            return [self.pull_one(image, directory, servers, sampled) for image in series]
        finally:
            stop(servers)

    def pull_one(self, image, directory, servers, sampled):
        command = self.command(image, directory)
        settle()
        with open(os.path.join(directory, "log-" + image.name), "wb") as log:
            try:
                return cost(command, log, servers, sampled)
            except subprocess.CalledProcessError as error:
                raise RuntimeError(tail(log.name) or str(error)) from error


def stop(servers):
    for server in servers:
        server.send_signal(signal.SIGTERM)
        server.wait()


def run_directory(directory):
    """A short path on tmpfs that is this directory's alone."""
    return "/run/" + "-".join(directory.split("/")[-2:])


def start_dockerd(directory, tries=3):
    """dockerd and its containerd, with nothing in common with the host's; the first start is slow."""
    with open(os.path.join(directory, "dockerd.log"), "wb") as log:
        server = subprocess.Popen(
            ["dockerd", "--data-root", os.path.join(directory, f"data{tries}"), "--exec-root",
             f"{run_directory(directory)}-{tries}", "--pidfile", os.path.join(directory, "pid"),
             "--host", f"unix://{DOCKER_SOCKET}", "--bridge=none", "--iptables=false",
             "--ip6tables=false"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def ended_or_answers():
        return server.poll() is not None or subprocess.run(
            [*DOCKER, "version"], check=False, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL).returncode == 0

    wait_for(ended_or_answers, "dockerd")
    if server.poll() is None:
        return [server]
    if tries > 1:
        return start_dockerd(directory, tries - 1)
    raise RuntimeError("dockerd does not work here: " + tail(log.name))


def docker(image, _directory):
    return [*DOCKER, "pull", "-q", f"{ADDRESS}/{image.reference}"]


def podman(image, directory):
    return ["podman", "--root", os.path.join(directory, "root"), "--runroot",
            run_directory(directory), "--storage-driver", "overlay", "pull", "-q",
            "--tls-verify=false", f"{ADDRESS}/{image.reference}"]


def pipeline(image, directory):
    """Each layer that is not there, two at a time, in a directory of its own."""
    inflate = {"gzip": "igzip -d -c" if shutil.which("igzip") else "gzip -d -c",
               "zstd": "zstd -q -d -c"}[image.kind]
    digests = os.path.join(directory, "digests-" + image.name)
    images.write(digests, "".join(f["digest"] + "\n" for f in image.fetched).encode())
    script = (f'mkdir "$1/$2" && curl -sSf "http://{ADDRESS}/v2/$3/blobs/$2" | {inflate} | '
              'tar -x --numeric-owner -p -C "$1/$2" -f -')
    return ["xargs", "-P2", "-I{}", "-a", digests, "bash", "-o", "pipefail", "-c", script,
            "sh", directory, "{}", image.reference.split(":")[0]]


def chosen(program, names):
    """minidock and the peers of these names that are installed."""
    def minidock(image, directory):
        return [program, "--root", os.path.join(directory, "store"), "pull", "-q",
                f"{ADDRESS}/{image.reference}"]

    known = {"docker": Peer("docker", docker, start_dockerd), "podman": Peer("podman", podman),
             "pipeline": Peer("pipeline", pipeline)}
    found = [Peer("minidock", minidock)]
    for name in names:
        missing = [p for p in PROGRAMS[name] if shutil.which(p) is None]
        if missing:
            say(f"{name}: not installed: {' '.join(missing)}")
        else:
            found.append(known[name])
    return found
