#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares two leak checks in Valgrind's XML, element by element: same_leaks.py OURS VALGRINDS.

The errors must be the same, in any order: kind, bytes, blocks, and which elements tell of them.
What only Valgrind knows, such as its options, may be missing in ours, and nothing else may be there.
Prints what differs, and ends with 1 if anything does.
"""
import sys
import xml.etree.ElementTree as tree

# Valgrind's own functions, in front of the program's.
REQUIRED = {"frame": {"ip", "obj"}, "status": {"state", "time"}}


def errors_of(root):
    errors = []
    for error in root.iter("error"):
        what = error.find("xwhat")
        errors.append((error.findtext("kind"), int(what.findtext("leakedbytes")),
                       int(what.findtext("leakedblocks")), tuple(child.tag for child in error),
                       tuple(child.tag for child in what)))
    return sorted(errors)


def children_of(root):
    """The elements that are in each kind of element."""
    children = {}
    for parent in root.iter():
        for child in parent:
            children.setdefault(parent.tag, set()).add(child.tag)
    return children


def missing_of(root):
    return {tag for tag, wanted in REQUIRED.items() for element in root.iter(tag)
            if not wanted <= {child.tag for child in element}}


def main():
    ours, valgrinds = (tree.parse(path).getroot() for path in sys.argv[1:3])
    problems = []
    if errors_of(ours) != errors_of(valgrinds):
        problems.append(f"errors:\n  {errors_of(ours)}\n  {errors_of(valgrinds)}")
    known = children_of(valgrinds)
    for tag, children in children_of(ours).items():
        if not children <= known.get(tag, set()):
            problems.append(f"in <{tag}> Valgrind has no {children - known.get(tag, set())}")
    for tag in missing_of(ours):
        problems.append(f"a <{tag}> lacks one of {REQUIRED[tag]}")
    for tag in ("protocolversion", "protocoltool", "tool"):
        if ours.findtext(tag) != valgrinds.findtext(tag):
            problems.append(f"<{tag}>: {ours.findtext(tag)}, not {valgrinds.findtext(tag)}")
    order = [child.tag for child in valgrinds]
    ours_order = [child.tag for child in ours]
    if [tag for tag in dict.fromkeys(order) if tag in ours_order] != list(dict.fromkeys(ours_order)):
        problems.append(f"order: {ours_order}, not {order}")
    print("\n".join(problems))
    return 1 if problems else 0


sys.exit(main())
