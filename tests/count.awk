# SPDX-License-Identifier: GPL-2.0
# What came of cmocka programs, from their output between the lines
#   suite: pass LABEL                                (none: the label is "default")
#   suite: begin PROGRAM
#   suite: end PROGRAM STATUS after SECONDS s
# Prints lines of words between tabs:
#   LABEL  passed|failed|skipped  PROGRAM  TEST  REASON
#   LABEL  program                PROGRAM  PASSED FAILED SKIPPED  SECONDS
# A program that died, hung, ran no test or contradicts itself counts as a failed test, by the name
# of the test that it was in. Whoever counts tests must count here: there is no second opinion.

function tell(what, test, why) {
	count[what]++
	print label, what, program, test, why
}

function fail(test, why) {
	tell("failed", test, why)
	open = ""
}

# What a test prints before may lack its newline, so the mark is looked for at the end of the line.
function ends(mark) {
	mark = mark " " open
	return length($0) >= length(mark) && substr($0, length($0) - length(mark) + 1) == mark
}

function nr_of(what) {
	return count[what] + 0
}

function finish(status, seconds) {
	if (status == 124 || status == 137)
		fail(open == "" ? "the program itself" : open, "did not end in time, or was killed")
	else if (status > 124 || (status != 0 && !nr_of("failed")))
		fail(open == "" ? "the program itself" : open, "ended with status " status)
	else if (open != "")
		fail(open, "began and did not end")
	else if (nr_of("passed") + nr_of("failed") + nr_of("skipped") == 0)
		fail("the program itself", "it ran no test")
	else if (status == 0 && nr_of("failed"))
		fail("the program itself", "failed tests, but status 0")
	tell_program(seconds)
}

function tell_program(seconds) {
	print label, "program", program, nr_of("passed") " " nr_of("failed") " " nr_of("skipped"), seconds
	program = ""
}

BEGIN { OFS = "\t"; label = "default" }

/^suite: pass / { label = substr($0, 13); next }
/^suite: begin / {
	program = $3
	sub(".*/", "", program)
	open = why = ""
	delete count
	next
}
program == "" { next }
# The last line of a program may lack its newline too.
match($0, /suite: end [^ ]+ [0-9]+ after [0-9]+ s$/) {
	split(substr($0, RSTART), words, " ")
	finish(words[4] + 0, words[6])
	next
}

/^\[ RUN      \] / {
	if (open != "")
		fail(open, "began and did not end")
	open = substr($0, 14)
	why = ""
	next
}
open == "" { next }
/^skipped: / { why = substr($0, 10); next }
ends("[       OK ]") { tell("passed", open, ""); open = ""; next }
ends("[  FAILED  ]") { fail(open, ""); next }
ends("[  SKIPPED ]") { tell("skipped", open, why); open = ""; next }

END {
	if (program != "") {
		fail(open == "" ? "the program itself" : open, "the machine ended meanwhile")
		tell_program("")
	}
}
