# SPDX-License-Identifier: GPL-2.0
"""What tools/bench and tools/bench-leaks share: runs of commands, rounds of measurements, and what
is said of a run and put into a page."""
import contextlib
import datetime
import glob
import os
import platform
import re
import signal
import subprocess
import sys
import time

import tools_compared as tools
from figures import Failure, say

QUICK = bool(os.environ.get("QUICK"))
LIMIT_S = 180  # for one run of a tool
NR_TRIES = 60


def family_of(pid):
    """The process and its descendants."""
    family = [pid]
    for member in family:
        with contextlib.suppress(OSError):
            for path in glob.glob(f"/proc/{member}/task/*/children"):
                family += map(int, open(path).read().split())
    return family


def run_to_end(command, sample=None, limit_s=LIMIT_S):
    """Runs a command to its end; gives what it printed."""
    deadline = time.monotonic() + limit_s
    with open("output", "w+") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            while process.poll() is None:
                if sample:
                    sample(process.pid)
                if time.monotonic() > deadline:
                    raise Failure(f"not done after {limit_s} s")
                time.sleep(0.005)
        except BaseException:
            for member in family_of(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member, signal.SIGTERM)
            process.wait()
            raise
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        raise Failure(f"failed, status {process.returncode}: {' '.join(text.split())[-60:]}")
    return text


def is_disturbed():
    """Does somebody else's tracer have probes in the C library?"""
    pairs = os.path.join(tools.BENCH, "pairs")
    return min(float(tools.output_of(pairs, "2000")) for _ in range(3)) > 300


def undisturbed(measure):
    """Measures again where another tracer came meanwhile: its traps would be counted too."""
    def measure_again(*arguments):
        for _ in range(NR_TRIES):
            if not is_disturbed():
                value = measure(*arguments)
                if not is_disturbed():
                    return value
            time.sleep(1)
        raise Failure("another tracer's probes are in the way")
    return measure_again


def run_rounds(least, most, seconds, measure_round):
    """As many rounds as there is time for, within these bounds; gives how many there were."""
    began, nr_rounds = time.monotonic(), 0
    while nr_rounds < min(least, most) or nr_rounds < most and (
            (time.monotonic() - began) * (nr_rounds + 1) / nr_rounds < seconds):
        measure_round()
        nr_rounds += 1
        print(f"bench: round {nr_rounds} done, {time.monotonic() - began:.0f} s", file=sys.stderr)
    return nr_rounds


def describe_run(nr_rounds, load):
    with open("/proc/cpuinfo") as cpuinfo:
        model = re.search(r"model name\s*: (.*)", cpuinfo.read()).group(1)
    commit = subprocess.run(["git", "-C", tools.ROOT, "describe", "--always", "--dirty"], text=True,
                            capture_output=True).stdout.strip()
    say(f"{datetime.date.today()}, Linux {platform.release()}, {os.cpu_count()} CPUs, {model}")
    say(f"memleak-bpf at {commit or 'no commit'}; {nr_rounds} round{'s' * (nr_rounds != 1)}; load before"
        f" and after: {load:.1f}, {os.getloadavg()[0]:.1f}")


def document_asked_for():
    """The absolute path after --doc, or None. Anything else ends the program."""
    arguments = sys.argv[1:]
    if not arguments:
        return None
    if len(arguments) != 2 or arguments[0] != "--doc":
        name = os.path.basename(sys.argv[0])
        print(f"{name}: it takes --doc FILE or nothing, not {' '.join(arguments)}", file=sys.stderr)
        sys.exit(2)
    return os.path.abspath(arguments[1])


def write_document(path, target, lines):
    """Between the marks that name the target of make, as it was printed."""
    begin, end = (f"<!-- make {target}: {what} -->" for what in ("begin", "end"))
    with open(path) as document:
        text = document.read()
    before, after = text.index(begin) + len(begin), text.index(end)
    block = "\n".join(lines).strip("\n")
    with open(path, "w") as document:
        document.write(f"{text[:before]}\n```\n{block}\n```\n{text[after:]}")
