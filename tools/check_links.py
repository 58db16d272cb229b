# SPDX-License-Identifier: GPL-2.0
"""Checks the links of Markdown files.

    python3 tools/check_links.py [FILE...]        (all *.md files of the repository)

A relative link must lead to a file, and its anchor to a heading there. A path in backticks whose
first folder is one of the repository's must exist, relative to the current folder; * matches, and
a word in capitals stands for a name that a reader chooses. Outputs between ``` are not looked at.
Ends with status 1 when it found something, a line for each."""
import glob
import os
import re
import subprocess
import sys

FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ +(.*?) *#*$", re.M)
PATH = re.compile(r"[\w.*-]+(/[\w.*-]+)+/?")
CHOSEN = re.compile(r"[A-Z]{2,}")


def blank(match):
    """The same lines without their text, so that numbers of lines stay."""
    return "\n" * match.group().count("\n")


def prose_of(path):
    with open(path, encoding="utf-8") as file:
        return FENCED.sub(blank, file.read())


def anchors_of(path):
    """Of each heading: as GitHub makes them."""
    anchors = set()
    for heading in HEADING.findall(prose_of(path)):
        text = LINK.sub(lambda link: link.group()[1:].split("]")[0], heading)
        anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        number, unique = 0, anchor
        while unique in anchors:
            number += 1
            unique = f"{anchor}-{number}"
        anchors.add(unique)
    return anchors


def fault_of_link(path, target):
    if re.match(r"[a-z]+:", target):
        return None
    name, _, anchor = target.partition("#")
    file = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
    if not os.path.exists(file):
        return "there is no such file"
    if anchor and anchor not in anchors_of(file):
        return "there is no such heading"
    return None


def is_missing(word, folders):
    if not PATH.fullmatch(word) or word.split("/")[0] not in folders:
        return False
    return not CHOSEN.search(word) and not glob.glob(word)


def faults_of(path, folders):
    """Of one file: pairs of a place in its text and what is wrong there."""
    prose = prose_of(path)
    for match in LINK.finditer(CODE.sub(lambda code: "`" * len(code.group()), prose)):
        fault = fault_of_link(path, match.group(1))
        if fault:
            yield prose, match.start(), f"link to {match.group(1)}: {fault}"
    for match in CODE.finditer(prose):
        for word in match.group(1).split():
            if is_missing(word, folders):
                yield prose, match.start(), f"`{word}`: there is no such file"


def list_files(*patterns):
    return subprocess.run(["git", "ls-files", "--", *patterns], capture_output=True, text=True,
                          check=True).stdout.split()


def main(paths):
    repository = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = {name for name in os.listdir(repository) if name not in ("build", ".git", ".cache")
               and os.path.isdir(os.path.join(repository, name))}
    nr_faults = 0
    for path in paths or list_files("*.md"):
        for prose, place, fault in faults_of(path, folders):
            print(f"{path}:{prose.count(chr(10), 0, place) + 1}: {fault}")
            nr_faults += 1
    return 1 if nr_faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
