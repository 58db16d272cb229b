#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""read_valgrind_xml.py FILE: reads a document of Valgrind's memcheck, protocol 4.

Checks that its elements are those of the protocol and in its order, and prints what is in it, in
ASCII, one line for each thing. Any document that Valgrind 3.19 prints for leaks passes, too.
"""

import re
import sys
import xml.etree.ElementTree

FIRST = ["protocolversion", "protocoltool", "preamble", "pid", "ppid", "tool", "args", "status"]
KINDS = ["DefinitelyLost", "IndirectlyLost", "PossiblyLost", "StillReachable"]


def tags(element):
    return " ".join(child.tag for child in element) + " "


def check_order(element, pattern):
    if not re.fullmatch(pattern, tags(element)):
        sys.exit(f"<{element.tag}> has {tags(element)}")


def check_error(error):
    check_order(error, "unique tid kind xwhat stack (auxwhat )*")
    check_order(error.find("xwhat"), "text leakedbytes leakedblocks ")
    check_order(error.find("stack"), "(frame )+")
    for frame in error.iter("frame"):
        check_order(frame, "ip (obj )?(fn )?(dir )?(file )?(line )?")
        int(frame.findtext("ip"), 16)
        int(frame.findtext("line", "1"))
    if error.findtext("kind") not in ["Leak_" + kind for kind in KINDS]:
        sys.exit("kind " + error.findtext("kind"))
    int(error.findtext("tid"))


def check_document(root):
    check_order(root, " ".join(FIRST) + " (error )*status (error )*errorcounts (suppcounts )?")
    if root.tag != "valgrindoutput" or root.findtext("protocolversion") != "4":
        sys.exit("not protocol 4")
    check_order(root.find("preamble"), "(line )*")
    check_order(root.find("args"), "vargv argv ")
    for args in root.find("args"):
        check_order(args, "exe (arg )*")
    for status in root.iter("status"):
        check_order(status, "state time ")
    for pair in root.iterfind("suppcounts/pair"):
        check_order(pair, "count name ")
    numbers = [int(error.findtext("unique"), 16) for error in root.iter("error")]
    if numbers != sorted(set(numbers)):
        sys.exit(f"unique: {numbers}")
    for error in root.iter("error"):
        check_error(error)


def describe_error(error):
    what = error.find("xwhat")
    yield " ".join([error.findtext("kind"), what.findtext("leakedbytes"),
                    what.findtext("leakedblocks"), ascii(what.findtext("text"))])
    for frame in error.iter("frame"):
        yield "  " + " ".join(f"{part.tag}={ascii(part.text or '')}" for part in frame)
    for text in error.iterfind("auxwhat"):
        yield "  " + ascii(text.text)


def describe(root):
    yield f"pid {root.findtext('pid')} ppid {root.findtext('ppid')}"
    yield f"argv {[word.text for word in root.find('args/argv')]!a}"
    for child in root:
        if child.tag == "status":
            yield f"{child.findtext('state')} {child.findtext('time')}"
        elif child.tag == "error":
            yield from describe_error(child)
    for pair in root.iterfind("suppcounts/pair"):
        yield f"suppressed {int(pair.findtext('count'))} {ascii(pair.findtext('name'))}"


document = xml.etree.ElementTree.parse(sys.argv[1]).getroot()
check_document(document)
print("\n".join(describe(document)))
