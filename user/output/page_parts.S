/* SPDX-License-Identifier: GPL-2.0 */
/* The flame graph page before and after its profile, as tools/page makes them. */
	.section .rodata
	.global page_head, page_head_end, page_tail, page_tail_end
page_head:
	.incbin "page_head.html"
page_head_end:
page_tail:
	.incbin "page_tail.html"
page_tail_end:
	.section .note.GNU-stack, "", %progbits
