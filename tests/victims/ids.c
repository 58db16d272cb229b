// SPDX-License-Identifier: GPL-2.0
/* Prints real and effective ids and the number of supplementary groups; for -u. */
#include "truth.h"

int main(void)
{
	char line[256];
	uid_t real, effective, saved;
	gid_t group, effective_group, saved_group;

	if (getresuid(&real, &effective, &saved) ||
	    getresgid(&group, &effective_group, &saved_group))
		die("ids");
	snprintf(line, sizeof(line), "uid %u %u %u gid %u %u %u groups %d root %s\n", real,
		 effective, saved, group, effective_group, saved_group, getgroups(0, NULL),
		 setuid(0) && seteuid(0) ? "refused" : "regained");
	say(line);
	return 0;
}
