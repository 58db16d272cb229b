# SPDX-License-Identifier: GPL-2.0
"""The tools that tools/bench compares, and how each runs a program.

A tool is a function that takes a command and gives the command that runs it under the tool, or a
string that says why it can't be had here."""
import os
import re
import shlex
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
TRACER = os.path.join(BUILD, "memleak-bpf")
BENCH = os.path.join(BUILD, "bench")

# The small programs that are measured, and that measure: a name, the source, options.
# new and delete by the names that C++ gives them.
PROGRAMS = (("pairs", "pairs.c"),
            ("pairs_new", "pairs.c", "-DALLOCATE=_Znwm", "-DFREE=_ZdlPv", "-lstdc++"), ("timed", "timed.c"), ("timed_static", "timed.c", "-static"),
            ("floor", "floor.c", "../user/probes/uprobe_link.c", "-I../user", "-lbpf"))
NOT_INSTALLED = "not installed"
# Instructions that the kernel emulates on x86-64; it single-steps all others, by a second trap.
EMULATED = re.compile(r"(push|j[a-z]+|call|nop)\b")
# Every form of allocation that the programs use, and the stack of each block, like memleak.
BPFTRACE_PROGRAM = """
uprobe:LIBC:malloc /pid == cpid/ { @size[tid] = arg0; }
uprobe:LIBC:calloc /pid == cpid/ { @size[tid] = arg0 * arg1; }
uprobe:LIBC:realloc /pid == cpid/ {
  @size[tid] = arg1; delete(@held[arg0]); delete(@stack[arg0]); }
uretprobe:LIBC:malloc, uretprobe:LIBC:calloc, uretprobe:LIBC:realloc /@size[tid]/ {
  @held[retval] = @size[tid]; @stack[retval] = ustack; delete(@size[tid]); }
uprobe:LIBC:free /pid == cpid/ { delete(@held[arg0]); delete(@stack[arg0]); }
"""


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def find_libc():
    with open("/proc/self/maps") as maps:
        return next(line.split()[-1] for line in maps if re.search(r"/libc\.so|/libc-2", line))


LIBC = find_libc()


def file_offset(address):
    """Of an address of the C library: where its bytes are in the file."""
    for line in output_of("readelf", "-lW", LIBC).splitlines():
        words = line.split()
        if words and words[0] == "LOAD":
            offset, start, size = (int(words[i], 16) for i in (1, 2, 4))
            if start <= address < start + size:
                return address - start + offset
    sys.exit(f"bench: no segment of {LIBC} holds {address:#x}")


def find_emulated(function):
    """The file offset of the first instruction that the kernel emulates, else the function's.
    The stack pointer must not have moved by then: a return probe reads the return address there."""
    symbols = output_of("nm", "-D", "--defined-only", LIBC)
    start = int(re.search(rf"^(\w+) [TW] {function}@", symbols, re.M).group(1), 16)
    code = output_of("objdump", "-d", "--no-show-raw-insn", f"--start-address={start}",
                     f"--stop-address={start + 32}", LIBC)
    for address, instruction in re.findall(r"^ +(\w+):\t(.*)", code, re.M):
        if EMULATED.match(instruction):
            return file_offset(int(address, 16)), instruction.split()[0]
        if "sp" in instruction:
            break
    return file_offset(start), "single-stepped"


def build_programs(programs):
    os.makedirs(BENCH, exist_ok=True)
    compiler = [os.environ.get("CC", "gcc"), "-O2", "-fno-builtin", "-D_GNU_SOURCE", "-pthread"]
    for name, source, *options in programs:
        subprocess.run([*compiler, "-o", os.path.join(BENCH, name), source, *options], check=True,
                       cwd=os.path.join(ROOT, "tools"))


class Floor:
    """Three traps with empty programs; BENCH_FLOOR=MALLOC,FREE gives other offsets in the file."""

    def __init__(self):
        given = os.environ.get("BENCH_FLOOR")
        if given:
            self.offsets = given.split(",")
            self.where = f"malloc at {self.offsets[0]}, free at {self.offsets[1]} (as given)"
            return
        places = [find_emulated(name) for name in ("malloc", "free")]
        self.offsets = [hex(offset) for offset, _ in places]
        self.where = ", ".join(f"{name} at {offset:#x} ({how})" for name, (offset, how)
                               in zip(("malloc", "free"), places))

    def __call__(self, command):
        return [os.path.join(BENCH, "floor"), LIBC, *self.offsets, *command]


def ours(*options):
    """Records go to a file in the current folder."""
    return lambda command: [TRACER, "--json", "-w", "report", *options, "--", *command]


def as_script(command):
    """For tools that take no arguments of the program, or split them at each blank."""
    with open("run", "w") as script:
        script.write(f"#!/bin/sh\nexec {shlex.join(command)}\n")
    os.chmod("run", 0o755)
    return os.path.abspath("run")


def bpftrace():
    if not shutil.which("bpftrace"):
        return NOT_INSTALLED
    program = BPFTRACE_PROGRAM.replace("LIBC", LIBC)
    return lambda command: ["env", "BPFTRACE_MAP_KEYS_MAX=2000000", "bpftrace", "-q", "-c",
                            "/bin/sh " + as_script(command), "-e", program]


def memleak():
    path = os.environ.get("MEMLEAK")
    if not path:
        return "not installed (MEMLEAK=path names one)"
    return lambda command: [path, "-c", as_script(command), "86400"]


def heaptrack():
    if not shutil.which("heaptrack"):
        return NOT_INSTALLED
    return lambda command: ["heaptrack", "-o", os.path.abspath("heaptrack"), *command]


def valgrind():
    if not shutil.which("valgrind"):
        return NOT_INSTALLED
    return lambda command: ["valgrind", "--leak-check=full", "--trace-children=yes",
                            "--log-file=valgrind", *command]


def leak_sanitizer():
    """Preloaded, so that it takes programs as they are."""
    library = output_of(os.environ.get("CC", "gcc"), "-print-file-name=liblsan.so").strip()
    if not os.path.isabs(library):
        return NOT_INSTALLED
    return lambda command: ["env", f"LD_PRELOAD={library}", "LSAN_OPTIONS=exitcode=0:log_path=lsan",
                            *command]


UNTRACED, FLOOR = "untraced", "floor"
NO_STACKS, OURS, TRACE = "memleak-bpf without stacks", "memleak-bpf", "memleak-bpf -t"
BPFTRACE, MEMLEAK = "bpftrace with ustack", "libbpf-tools memleak"
HEAPTRACK, VALGRIND, LSAN = "heaptrack", "Valgrind memcheck", "LeakSanitizer"


def all_tools():
    return {UNTRACED: list, FLOOR: Floor(), NO_STACKS: ours("--stack-walk", "none"),
            OURS: ours(),
            TRACE: lambda command: [TRACER, "-t", "-w", "trace", "--", *command],
            BPFTRACE: bpftrace(), MEMLEAK: memleak(), HEAPTRACK: heaptrack(),
            VALGRIND: valgrind(), LSAN: leak_sanitizer()}
