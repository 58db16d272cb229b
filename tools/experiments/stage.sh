#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The beginning of every experiment (sourced, not run): where the tool is, words for a reader,
# claims that are checked, and an end that leaves nothing behind.
# An experiment's exit status: 0 when all that it claims holds, 1 when something does not, 2 when it
# was asked wrongly, 77 when this machine can't run it.
# shellcheck disable=SC2034 # the experiments use these
set -Eeuo pipefail
export LC_ALL=C

experiment=${0##*/}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${BUILD:-build}
[ "${build#/}" != "$build" ] || build=$root/$build
tool=$build/memleak-bpf
victims=$build/tests/victims
MIB=$((1 << 20))
work= # a folder of its own, from begin() on

# ---- words ----

if [ -t 1 ]; then
	bold=$'\033[1m' plain=$'\033[0m'
else
	bold='' plain=''
fi

title() {
	printf '\n%s# %s%s\n' "$bold" "$*" "$plain"
}

say() {
	printf '%s\n' "$*" | fold -s -w 98 | sed 's/ *$//'
}

# A command as a reader would type it.
prompt() {
	printf '$ %s\n' "$*"
}

with_commas() {
	printf "%s" "$1" | sed ':again; s/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/; t again'
}

# ---- claims ----

fail() {
	printf '%s: FAILED: %s\n' "$experiment" "$*" >&2
	exit 1
}

cannot() {
	printf '%s: not possible here: %s\n' "$experiment" "$*" >&2
	exit 77
}

# claim WORDS COMMAND...: the command says whether it holds.
claim() {
	local words=$1
	shift
	"$@" || fail "$words (not so: ${*//$work\//})"
	printf '  holds: %s\n' "$words"
}

# The numbers after the first occurrence of LABEL in FILE, without their commas.
numbers_after() {
	local label=$1 file=$2
	sed -n "s/.*$label//p" "$file" | head -n 1 | tr -d , | grep -oE '[0-9]+' | paste -sd ' ' || true
}

# ---- begin and end ----

# explain LINE "$@": the line of --help.
explain() {
	local line=$1
	shift
	case ${1-} in
	-h | --help)
		echo "usage: $line"
		exit 0
		;;
	-*)
		echo "usage: $line" >&2
		exit 2
		;;
	esac
}

# number NAME VALUE LEAST MOST: ends the experiment unless it is one within these bounds.
number() {
	case $2 in
	'' | *[!0-9]* | 0* | ????????*) ;;
	*)
		[ "$2" -lt "$3" ] || [ "$2" -gt "$4" ] || return 0
		;;
	esac
	echo "$experiment: $1 is a number from $3 to $4, not '$2'" >&2
	exit 2
}

# need PROGRAM PACKAGE...: installs those of Debian's packages that are missing.
need() {
	local program=$1
	shift
	if command -v dpkg-query >/dev/null; then
		"$root/tools/deps" "$@" || true
	fi
	command -v "$program" >/dev/null || cannot "there is no $program"
}

# An experiment may have its own.
clean_up() {
	:
}

end() {
	local job
	trap '' INT TERM HUP
	trap - ERR
	set +e
	# Our own jobs, by bash's list of those that still run: no other process can have their id.
	for job in $(jobs -pr); do
		kill -TERM "$job" 2>/dev/null
	done
	wait_for 20 no_jobs
	for job in $(jobs -pr); do
		kill -KILL "$job" 2>/dev/null
	done
	wait 2>/dev/null
	clean_up
	rm -rf --one-file-system "$work"
}

# begin "$@": as root, in a folder on a file system with a page cache.
begin() {
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || cannot "it needs root"
		exec sudo BUILD="$build" "$0" "$@"
	fi
	[ -x "$tool" ] || cannot "$tool is not built: make all victims"
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/memleak-$experiment.XXXXXX")
	trap end EXIT
	trap 'fail "line $LINENO: $BASH_COMMAND"' ERR
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
}

# ---- time ----

# A command in the foreground, for at most so many seconds.
within() {
	timeout --foreground -k 5 "$@"
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails when it did not in that time.
wait_for() {
	local deadline=$((SECONDS + $1 + 1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

no_jobs() {
	[ -z "$(jobs -pr)" ]
}

has_line() {
	grep -qs -- "$1" "$2"
}

lacks() {
	! grep -q -- "$1" "$2"
}

# Whether a job of ours has ended.
ended() {
	! jobs -pr | grep -qx "$1"
}

# A tracer that writes to $work/report and has this line there when it is ready.
ready_or_ended() {
	has_line "$2" "$work/report" || ended "$1"
}
