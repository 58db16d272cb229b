# SPDX-License-Identifier: GPL-2.0
"""The figures that tools/bench measures: kept, shown as a table, held against the bounds."""
import statistics

from tools_compared import BPFTRACE, FLOOR, MEMLEAK, NO_STACKS, OURS, VALGRIND

PAIR, TWO_THREADS = "a pair of malloc and free, ns", "a pair, two threads at once, ns"
BY_ALLOCATOR = "a pair by other allocators, traced, ns"
GLIBC, JEMALLOC = "glibc: malloc and free", "jemalloc: malloc and free"
START = "start and end of the tool, around true, s"
MEMORY = "peak memory, 1,000,000 blocks held, MiB"
KERNEL = "of the kernel then, in BPF maps, MiB"


class Failure(Exception):
    """Why a tool has no figure; shown in its place."""


def say(line=""):
    print(line, flush=True)
    say.lines.append(line)


say.lines = []


class Figures:
    """The values of each row, in the order in which rows came; or why there are none."""

    def __init__(self):
        self.values = {}
        self.reasons = {}

    def add(self, group, name, value):
        self.values.setdefault((group, name), []).append(value)

    def measure(self, group, name, tool, function, *arguments):
        """Adds one value. A tool that failed once at this is not tried again."""
        row = self.values.setdefault((group, name), [])
        reason = tool if isinstance(tool, str) else self.reasons.get((group, name))
        if not reason:
            try:
                row.append(function(name, tool, *arguments))
            except Failure as failure:
                reason = str(failure)
        self.reasons[group, name] = reason

    def median(self, group, name):
        return statistics.median(self.values[group, name])

    def ratio(self, group, name, base):
        """The median of the rounds' ratios, or None."""
        pairs = zip(self.values.get((group, name), []), self.values.get((group, base), []))
        ratios = [value / against for value, against in pairs]
        return statistics.median(ratios) if ratios else None

    def across(self, group, other, name):
        """The median of one tool's ratios between two groups."""
        pairs = zip(self.values[group, name], self.values[other, name])
        return statistics.median(value / against for value, against in pairs)

    def show(self, group, base=None):
        say(f"{group:<50}{'median':>10}{'min':>10}{'max':>10}{f'   x {base}' if base else ''}")
        for (of, name), values in self.values.items():
            if of != group:
                continue
            if not values:
                say(f"  {name:<48}{self.reasons[of, name]}")
                continue
            ratio = self.ratio(group, name, base)
            middle = statistics.median(values)
            digits = 0 if middle >= 1000 else 1 if middle >= 10 else 2
            figures = "".join(f"{v:>10,.{digits}f}" for v in (middle, min(values), max(values)))
            say(f"  {name:<48}{figures}{f'{ratio:>10.2f}' if ratio else ''}")
        say()


def find_bounds(figures, programs, seen, storm):
    """Each is what is bounded, the bound, what was measured (None: it wasn't), whether it holds."""
    def at_most(what, limit, name, base):
        ratio = figures.ratio(PAIR, name, base)
        return what, f"<= {limit}", ratio and f"{ratio:.2f}", ratio and ratio <= limit

    def at_least(what, limit, name, base):
        ratio = figures.ratio(PAIR, name, base)
        return what, f">= {limit}", ratio and f"{ratio:.1f}", ratio and ratio >= limit

    def count_faster(peer, limit):
        ratios = [figures.ratio(program, OURS, peer) for program in programs]
        measured = [ratio for ratio in ratios if ratio]
        nr_won = sum(ratio <= 1 for ratio in measured)
        return (f"whole programs no slower than under {peer}", f"{limit} of {len(ratios)}",
                f"{nr_won} of {len(measured)}" if measured else None, nr_won >= limit)

    yield at_most("a pair with full stacks, x floor", 1.6, OURS, FLOOR)
    yield at_most("a pair without stacks, x floor", 1.3, NO_STACKS, FLOOR)
    ratio = figures.ratio(BY_ALLOCATOR, JEMALLOC, GLIBC)
    yield ("a pair by jemalloc, x glibc's", "<= 1.2", ratio and f"{ratio:.2f}", ratio and ratio <= 1.2)
    for peer in (BPFTRACE, MEMLEAK):
        yield at_least(f"a pair under {peer}, x ours", 5, peer, OURS)
    for peer in (BPFTRACE, MEMLEAK):
        yield count_faster(peer, len(programs))
    yield count_faster(VALGRIND, 4)
    scales = [figures.across(TWO_THREADS, PAIR, name) for name in (OURS, FLOOR)]
    yield ("a pair, two threads at once, x one thread", f"<= 1.1 x floor's {scales[1]:.2f}",
           f"{scales[0]:.2f}", scales[0] <= 1.1 * scales[1])
    yield ("nothing lost at full speed", "0",
           f"{seen.missed:,} of {seen.allocations:,} allocations in {seen.programs} programs",
           not seen.missed)
    wanted, exact = storm
    yield "ends in the storm reported exactly", f"{wanted:,}", f"{exact:,}", exact == wanted


def show_bounds(bounds):
    """As find_bounds gives them."""
    say(f"{'bounds':<62}{'bound':<22}measured")
    for what, bound, value, holds in bounds:
        verdict = "not measured" if value is None else "met" if holds else "MISSED"
        say(f"  {what:<60}{bound:<22}{verdict}{f': {value}' if value else ''}")
