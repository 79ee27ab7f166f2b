# SPDX-License-Identifier: Apache-2.0
"""What the bench says: lines, and figures with their targets beside them."""


def say(text):
    print(text, flush=True)


def verdict(what, value, unit, relation, target):
    if target is None:
        end = "no target"
    else:
        met = value >= target if relation == ">=" else value <= target
        end = f"target {relation} {target:<5g} {'met' if met else 'missed'}"
    say(f"  {what:50} {value:8.2f} {unit:4} {end}")


def at_least(what, value, target, unit=""):
    """A figure; the target None says that nothing is promised."""
    verdict(what, value, unit, ">=", target)


def at_most(what, value, target, unit=""):
    verdict(what, value, unit, "<=", target)
