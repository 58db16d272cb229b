# SPDX-License-Identifier: GPL-2.0
"""Run by gdb: lists every distinct stack that calls the C library's allocator.

    STACKS_OUT=FILE gdb -q -batch -nx -x malloc_stacks.gdb.py --args COMMAND...

One line a stack: how often it called, then path+0xOFFSET of each frame, innermost first, split by
tabs; the offset is that in the file, of the return address, or of the instruction that a signal
interrupted. The innermost frame is the caller of the outermost function of the malloc family. What
a compiler inlined, and tail calls, which gdb makes up from debugging information, are no frames.
WRAPPER is gdb's exec-wrapper; STACKS_MAX_FRAMES bounds the frames that are listed.
"""
import array
import bisect
import collections
import os

import gdb

FAMILY = ("malloc", "calloc", "realloc", "reallocarray", "memalign", "aligned_alloc",
          "posix_memalign", "valloc", "pvalloc")
# The loader's malloc serves only itself, before there is a C library.
NO_ALLOCATORS = ("ld-linux", "libkeep_blocks")
MAX_FRAMES = int(os.environ.get("STACKS_MAX_FRAMES", "100000"))


class Maps:
    """What is mapped where, with the code's addresses by themselves."""

    def __init__(self):
        self.version = 0
        self.stale = True

    def note(self, _event=None):
        self.stale = True

    def read(self):
        pid = gdb.selected_inferior().pid
        self.version += self.stale
        self.stale = False
        self.starts, self.all = [], []
        with open("/proc/%d/maps" % pid) as lines:
            for line in lines:
                words = line.split(None, 5)
                start, end = (int(word, 16) for word in words[0].split("-"))
                path = words[5].rstrip("\n") if len(words) > 5 else ""
                self.starts.append(start)
                self.all.append((start, end, "x" in words[1], int(words[2], 16), path))

    def find(self, address):
        at = bisect.bisect_right(self.starts, address) - 1
        if at >= 0 and address < self.all[at][1]:
            return self.all[at]
        return None

    def is_code(self, address):
        found = self.find(address)
        return found is not None and found[2]


maps = Maps()
stacks = collections.Counter()
seen = {}
allocator_of = {}
nr_hits = 0
nr_walks = 0


def is_allocator(frame, place):
    """Of the C library that is linked in, or the one that is loaded."""
    pc = frame.pc()
    if pc not in allocator_of:
        name = frame.name() or ""
        for prefix in ("__GI_", "__libc_", "__"):
            name = name[len(prefix):] if name.startswith(prefix) else name
        allocator_of[pc] = name in FAMILY
    return allocator_of[pc] and not os.path.basename(place[4]).startswith(NO_ALLOCATORS)


def stack_of(frame):
    frames = []
    while frame is not None and len(frames) < MAX_FRAMES:
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            place = maps.find(frame.pc())
            # Above the first instruction of a process gdb guesses.
            if place is None or not place[2]:
                break
            if is_allocator(frame, place):
                frames = []
            else:
                frames.append("%s+0x%x" % (place[4], frame.pc() - place[0] + place[3]))
        frame = frame.older()
    return "\t".join(frames)


def stack_words(sp, bp, place):
    """
    What distinguishes stacks cheaply: all words that could be return addresses, and where; and all
    that point into the stack, as in a signal frame the interrupted stack pointer does. Not for
    other stacks than a process's first one: a signal may have led from that to another.
    """
    data = gdb.selected_inferior().read_memory(sp, (place[1] - sp) & ~7)
    words = array.array("Q", bytes(data))
    low, high = maps.low, maps.high
    found = [bp] if sp <= bp < place[1] else []
    for i, word in enumerate(words):
        if sp <= word < place[1]:
            found.append(word)
        elif (low[0] <= word < low[1] or high[0] <= word < high[1]) and maps.is_code(word):
            found.append((i, word))
    return hash((maps.version, sp, tuple(found)))


class Hit(gdb.Breakpoint):
    def stop(self):
        global nr_hits, nr_walks
        nr_hits += 1
        frame = gdb.newest_frame()
        if maps.stale:
            refresh()
        if os.path.basename(maps.find(frame.pc())[4]).startswith(NO_ALLOCATORS):
            return False
        sp = int(frame.read_register("rsp"))
        place = maps.find(sp)
        key = None
        if place and place[4] == "[stack]":
            key = stack_words(sp, int(frame.read_register("rbp")), place)
        stack = seen.get(key)
        if stack is None:
            refresh()
            nr_walks += 1
            stack = stack_of(frame)
            if key is not None:
                seen[key] = stack
        stacks[stack] += 1
        return False


def refresh():
    """The code that lies with the program, and that which lies with the libraries."""
    maps.read()
    code = [(start, end) for start, end, executable, _, _ in maps.all if executable]
    low = [span for span in code if span[0] < 1 << 46] or [(0, 0)]
    high = [span for span in code if 1 << 46 <= span[0] < 1 << 47] or [(0, 0)]
    maps.low = (low[0][0], low[-1][1])
    maps.high = (high[0][0], high[-1][1])


for command in ("set pagination off", "set confirm off", "set height 0", "set width 0",
                "set backtrace past-main on", "set backtrace past-entry on",
                "set backtrace limit unlimited", "set debuginfod enabled off",
                "set breakpoint pending on", "set print thread-events off",
                "set auto-solib-add on", "set startup-with-shell on",
                "handle all nostop noprint pass", "handle SIGTRAP stop print nopass"):
    gdb.execute(command)
if os.environ.get("WRAPPER"):
    gdb.execute("set exec-wrapper " + os.environ["WRAPPER"])
gdb.events.new_objfile.connect(maps.note)
breakpoints = [Hit("-qualified -function " + name, internal=True) for name in FAMILY]
gdb.execute("run", to_string=True)
# A program may step through itself: traps that are no breakpoints of ours are for its handler.
while gdb.selected_inferior().pid:
    gdb.execute("signal SIGTRAP", to_string=True)
with open(os.environ["STACKS_OUT"], "w") as out:
    for stack, nr_calls in stacks.items():
        out.write("%d\t%s\n" % (nr_calls, stack))
print("%d stacks of %d calls, %d walked" % (len(stacks), nr_hits, nr_walks))
