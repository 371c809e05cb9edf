"""Prints what came of the mutants, for each folder: python3 mutants/score.py OUTCOMES."""

import json
import pathlib
import sys
from collections import Counter, defaultdict

SEEN = {"CaughtMutant": "noticed", "Timeout": "noticed", "MissedMutant": "survived", "Unviable": "not built"}
ROW = "{:32} {:>8} {:>8} {:>9} {:>6}"


def folder(mutant):
    """src/dialect/cloud/event/status.rs is of src/dialect/cloud, what stands in src/dialect itself of that."""
    parts = pathlib.PurePath(mutant["file"]).parts
    return "/".join(parts[: 3 if len(parts) > 3 else 2])


def row(name, seen):
    tried = seen["noticed"] + seen["survived"]
    share = f"{100 * seen['noticed'] / tried:.1f}%" if tried else "-"
    return ROW.format(name, seen["noticed"], seen["survived"], seen["not built"], share)


def main():
    folders = defaultdict(Counter)
    for outcome in json.load(open(sys.argv[1]))["outcomes"]:
        if outcome["scenario"] != "Baseline":
            folders[folder(outcome["scenario"]["Mutant"])][SEEN[outcome["summary"]]] += 1
    print(ROW.format("", "noticed", "survived", "not built", "score"))
    for name, seen in sorted(folders.items()):
        print(row(name, seen))
    print(row("all", sum(folders.values(), Counter())))


main()
