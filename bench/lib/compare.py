# SPDX-License-Identifier: Apache-2.0
"""The same images pulled by minidock and its peers, turn by turn."""

import os
import statistics

from report import at_least, at_most, say

PEAK_TARGET = {"gzip": 16, "zstd": 128}  # MiB
FETCHED_TARGET = 1.01  # headers and documents
MIB = 1 << 20


class Table:
    """The costs of one image, by peer: what was timed, and the one more round that was sampled."""

    def __init__(self, image):
        self.image = image
        self.timed = {}
        self.sampled = {}
        self.notes = {}

    def add(self, peer, cost):
        if cost.peak is not None:
            self.sampled[peer] = cost
        else:
            self.timed.setdefault(peer, []).append(cost)

    def median(self, peer, key):
        return statistics.median(getattr(cost, key) for cost in self.timed[peer])

    def ratio(self, peer):
        """How many times minidock's wall time this peer takes: the median of the rounds' ratios."""
        return statistics.median(theirs.wall / ours.wall for theirs, ours in
                                 zip(self.timed[peer], self.timed["minidock"]))

    def peak(self, peer):
        return self.sampled[peer].peak / MIB if peer in self.sampled else 0

    def print(self):
        say(f"\n{self.image.name + ': ' + self.image.reference:32} rounds   wall s    min s    CPU s"
            "  peak MiB  fetched MB  wall / minidock's")
        for peer, costs in self.timed.items():
            say(f"{peer:32} {len(costs):6} {self.median(peer, 'wall'):8.2f} "
                f"{min(cost.wall for cost in costs):8.2f} {self.median(peer, 'cpu'):8.2f} "
                f"{self.peak(peer):9.1f} {self.median(peer, 'got') / 1e6:11.1f} "
                f"{self.ratio(peer):10.2f}")
        for peer, note in self.notes.items():
            say(f"{peer}: {note}")
        self.judge()

    def judge(self):
        image = self.image
        if "docker" in self.timed:
            at_least("docker's time / minidock's", self.ratio("docker"), image.docker_target)
        if "pipeline" in self.timed:
            at_most("minidock's time / the pipeline's", 1 / self.ratio("pipeline"),
                    image.pipeline_target)
        at_most(f"minidock's peak memory, {image.kind}", self.peak("minidock"),
                PEAK_TARGET[image.kind], "MiB")
        if len(image.fetched) < len(image.layers):
            needed = sum(facts["size"] for facts in image.fetched)
            at_most("fetched by minidock / size of the changed layer",
                    self.median("minidock", "got") / needed, FETCHED_TARGET)


def pull_all(series, peers, rounds, scratch):
    """A Table for each image of the series."""
    tables = {image.name: Table(image) for image in series}
    plan = {peer: series for peer in peers}
    for turn in range(rounds + 1):
        for peer in peers:
            if peer in plan:
                directory = os.path.join(scratch, series[-1].name, f"{turn}-{peer.name}")
                take_turn(peer, plan, tables, directory, turn == rounds)
    return list(tables.values())


def take_turn(peer, plan, tables, directory, sampled):
    """One pull; a peer that cannot leaves the plan, or gets the image with fewer layers."""
    series = plan[peer]
    try:
        costs = peer.pull(series, directory, sampled)
    except RuntimeError as error:
        if peer.name == "minidock":
            raise
        fewer = series[-1].fewer
        note = f"pulled {fewer.reference}, as it refused: " if fewer else "cannot pull it: "
        for image in series:
            tables[image.name].notes[peer.name] = note + str(error)
        if fewer is None:
            del plan[peer]
        else:
            plan[peer] = [fewer]
            take_turn(peer, plan, tables, directory + "-fewer", sampled)
        return
    for image, cost in zip(series, costs):
        tables[image.name].add(peer.name, cost)


def compare(all_series, names, peers, rounds, scratch):
    for series in all_series:
        for image in series:
            say(image.describe())
    for series in all_series:
        for table in pull_all(series, peers, rounds, scratch):
            if table.image.name in names:
                table.print()
