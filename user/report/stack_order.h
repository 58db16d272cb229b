/* SPDX-License-Identifier: GPL-2.0 */
/* What comes first in a report. report.h says what each is. */
#ifndef STACK_ORDER_H
#define STACK_ORDER_H

enum stack_order {
	ORDER_HELD, /* bytes */
	ORDER_GROWTH, /* bytes since the report before */
	ORDER_OLD, /* bytes from before the report before */
	ORDER_BLOCKS,
	ORDER_RATE, /* bytes since the earliest report that is remembered */
	NR_STACK_ORDERS
};

#endif
