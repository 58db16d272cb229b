// SPDX-License-Identifier: GPL-2.0
/*
 * See unwind.h. The code of a frame is looked up first in the cache of code addresses, then by its
 * mapping, which comes from the cache of pages or from the kernel, and in the table of its file.
 * The registers of the caller follow from the rule and from the stack, which is read in pieces of 2
 * KiB.
 *
 * The verifier checks a function that is neither static nor hidden once, by itself, and not for
 * each caller. Its arguments may then be anything, so pointers can be NULL.
 *
 * The caches are shared by all CPUs and have no lock. An entry holds its key, mixed with all its
 * values: an entry that two CPUs wrote at once matches no key.
 */
#include "unwind.h"
#include "unwind_search.h"

#define PAGE_BITS 12
#define PAGE_BYTES (1 << PAGE_BITS)
#define USER_ADDRESSES (1ULL << 47)
#define CODE_CACHE 16384
#define PAGE_CACHE 4096

#define VM_EXEC 0x00000004

#define LOOP_GO_ON 0
#define LOOP_STOP 1

const volatile bool config_unwind = false;
__u32 mappings_changed[WIRE_MAPPING_GENERATIONS] = {};
struct unwind_file_key vdso_file = {};
__u64 tables_changed = 0;

/* What is at an address of code: the frame as it is reported, and the rule. */
struct code_entry {
	__u64 check;
	wire_frame frame;
	struct unwind_rule rule;
	__u32 pad;
};

/* What file a page of an address space shows. */
struct page_entry {
	__u64 check;
	__u64 base; /* file id << 48 | address of the file's first byte */
	__u64 table; /* first word << 32 | number of pages */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CODE_CACHE);
	__type(key, __u32);
	__type(value, struct code_entry);
} code_cache SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PAGE_CACHE);
	__type(key, __u32);
	__type(value, struct page_entry);
} page_cache SEC(".maps");

static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0xbf58476d1ce4e5b9ULL;
	return hash ^ (hash >> 29);
}

/* ---- what is mapped where ---- */

/* A mapping as bpf_find_vma shows it. */
struct found_mapping {
	__u64 start, end, file_offset;
	struct unwind_file_key key;
	__u32 has_file;
	__u32 has_code;
};

static long note_mapping(struct task_struct *task, struct vm_area_struct *vma, void *context)
{
	struct found_mapping *found = context;
	struct file *file = BPF_CORE_READ(vma, vm_file);
	struct inode *inode;

	found->has_code = (BPF_CORE_READ(vma, vm_flags) & VM_EXEC) != 0;
	found->start = BPF_CORE_READ(vma, vm_start);
	found->end = BPF_CORE_READ(vma, vm_end);
	found->file_offset = (__u64)BPF_CORE_READ(vma, vm_pgoff) << PAGE_BITS;
	if (!file) {
		found->key = vdso_file;
		found->has_file = found->key.inode &&
				  found->start == (__u64)BPF_CORE_READ(task, mm, context.vdso);
		return 0;
	}
	inode = BPF_CORE_READ(file, f_inode);
	found->has_file = 1;
	found->key.inode = BPF_CORE_READ(inode, i_ino);
	found->key.device = BPF_CORE_READ(inode, i_sb, s_dev);
	found->key.generation = BPF_CORE_READ(inode, i_generation);
	return 0;
}

/* Asks once for each file. If the ring is full, the next walk asks again. */
static __always_inline void ask_for_table(const struct walk *walk,
					  const struct found_mapping *mapping)
{
	struct unwind_file asked = {};
	struct unwind_file_key key = mapping->key;
	struct unwind_request *request;

	if (bpf_map_update_elem(&unwind_files, &key, &asked, BPF_NOEXIST))
		return;
	request = bpf_ringbuf_reserve(&ring, sizeof(*request), 0);
	if (!request) {
		bpf_map_delete_elem(&unwind_files, &key);
		return;
	}
	request->type = EVENT_UNWIND_REQUEST;
	request->tgid = walk->tgid;
	request->key = key;
	request->start = mapping->start;
	request->end = mapping->end;
	bpf_ringbuf_submit(request, 0);
}

/* Returns STACK_COMPLETE when *page says what the page of that address shows, else why not. */
__noinline int unwind_find_page(struct walk *walk, struct page_entry *page, __u64 address)
{
	struct found_mapping mapping = {};
	struct page_entry *cached;
	struct unwind_file *file;
	__u64 key, check;
	__u32 slot;
	long err;

	if (!walk || !page)
		return STACK_NO_CODE;
	key = mix(walk->tag, address >> PAGE_BITS);
	slot = key % PAGE_CACHE;
	cached = bpf_map_lookup_elem(&page_cache, &slot);
	if (!cached)
		return STACK_NO_CODE;
	*page = *cached;
	check = key ^ page->base ^ page->table;
	if (page->check == check)
		return STACK_COMPLETE;
	err = bpf_find_vma((struct task_struct *)bpf_get_current_task_btf(), address, note_mapping,
			   &mapping, 0);
	if (err)
		return err == -16 /* EBUSY */ ? STACK_BUSY : STACK_NO_CODE;
	/* A word that is not a return address can point anywhere. */
	if (!mapping.has_code)
		return STACK_NO_CODE;
	page->base = page->table = 0;
	if (mapping.has_file) {
		file = bpf_map_lookup_elem(&unwind_files, &mapping.key);
		if (!file)
			ask_for_table(walk, &mapping);
		if (!file || !file->id) {
			walk->missing_file = mapping.key;
			walk->missing_base = mapping.start - mapping.file_offset;
			return STACK_NO_TABLE;
		}
		page->base = (__u64)file->id << WIRE_FRAME_FILE_SHIFT |
			     ((mapping.start - mapping.file_offset) & (USER_ADDRESSES * 2 - 1));
		page->table = (__u64)file->first_word << 32 | file->nr_pages;
	}
	page->check = key ^ page->base ^ page->table;
	*cached = *page;
	return STACK_COMPLETE;
}

/* ---- a file's table ---- */

static __always_inline __u32 word_at(const void *context, __u32 index)
{
	__u32 chunk = index >> UNWIND_CHUNK_BITS;
	__u32 element = (index & ((1 << UNWIND_CHUNK_BITS) - 1)) >> UNWIND_ELEMENT_BITS;
	void *elements = bpf_map_lookup_elem(&unwind_chunks, &chunk);
	struct unwind_words *words = elements ? bpf_map_lookup_elem(elements, &element) : NULL;

	return words ? words->word[index & ((1 << UNWIND_ELEMENT_BITS) - 1)] : 0;
}

/* Sets the walk's rule to the one at that offset of the file whose table begins at that word. */
__noinline int unwind_find_rule(struct walk *walk, __u32 first_word, __u64 offset)
{
	struct unwind_rule *rule;
	__u32 index;

	if (!walk)
		return STACK_BAD_RULE;
	index = unwind_search(word_at, NULL, first_word, offset);
	rule = bpf_map_lookup_elem(&unwind_rules, &index);
	if (!rule)
		return STACK_BAD_RULE;
	walk->rule = *rule;
	return STACK_COMPLETE;
}

/* ---- the code at an address ---- */

static __always_inline __u64 rule_words(const struct unwind_rule *rule)
{
	__u64 first = (__u64)rule->cfa | (__u64)rule->rbp << 8 |
		      (__u64)(__u16)rule->rbp_offset << 16 | (__u64)(__u16)rule->deref_offset << 32;

	return mix(first, (__u32)rule->cfa_offset);
}

/* Sets the frame and the rule of the walk's ip. Returns STACK_COMPLETE or why that can't be done. */
__noinline int unwind_find_code(struct walk *walk, wire_frame *frame)
{
	struct code_entry *cached;
	struct page_entry page = {};
	__u64 key, address;
	__u32 slot;
	int end;

	if (!walk || !frame)
		return STACK_NO_CODE;
	address = walk->exact ? walk->ip : walk->ip - 1;
	/* No address has the top bit: it keeps the keys of exact and other ips apart. */
	key = mix(walk->tag, walk->ip | (__u64)walk->exact << 63);
	slot = key % CODE_CACHE;
	cached = bpf_map_lookup_elem(&code_cache, &slot);
	if (!cached)
		return STACK_NO_CODE;
	walk->rule = cached->rule;
	*frame = cached->frame;
	if (cached->check == (key ^ *frame ^ rule_words(&walk->rule)))
		return STACK_COMPLETE;
	*frame = walk->ip & WIRE_FRAME_OFFSET_MASK;
	if (walk->exact)
		*frame |= WIRE_FRAME_EXACT;
	end = unwind_find_page(walk, &page, address);
	if (end != STACK_COMPLETE)
		return end;
	__builtin_memset(&walk->rule, 0, sizeof(walk->rule));
	if (page.base >> WIRE_FRAME_FILE_SHIFT) {
		__u64 first = page.base & (USER_ADDRESSES * 2 - 1);
		__u64 offset = address - first;

		*frame = (page.base >> WIRE_FRAME_FILE_SHIFT << WIRE_FRAME_FILE_SHIFT) |
			 ((walk->ip - first) & WIRE_FRAME_OFFSET_MASK) |
			 (walk->exact ? WIRE_FRAME_EXACT : 0);
		if (offset >> UNWIND_PAGE_BITS < (__u32)page.table)
			end = unwind_find_rule(walk, page.table >> 32, offset);
	}
	if (end != STACK_COMPLETE)
		return end;
	cached->frame = *frame;
	cached->rule = walk->rule;
	cached->check = key ^ *frame ^ rule_words(&walk->rule);
	return STACK_COMPLETE;
}

/* ---- the stack ---- */

/* Reads the word at that address. Returns false when that can't be done. */
__noinline int unwind_read_word(struct walk *walk, __u64 address, __u64 *word)
{
	__u64 offset, bytes = PAGE_BYTES - (address & (PAGE_BYTES - 1));

	if (!walk || !word || address & 7 || address >= USER_ADDRESSES)
		return 0;
	offset = address - walk->window_start;
	if (offset >= walk->window_bytes) {
		if (bytes > WALK_WINDOW_BYTES)
			bytes = WALK_WINDOW_BYTES;
		walk->window_bytes = 0;
		if (bpf_probe_read_user(walk->window, bytes, (void *)address))
			return 0;
		walk->window_start = address;
		walk->window_bytes = bytes;
		offset = 0;
	}
	*word = walk->window[(offset >> 3) & (WALK_WINDOW_BYTES / 8 - 1)];
	return 1;
}

/* ---- from a frame to its caller ---- */

__noinline int unwind_step(struct walk *walk)
{
	return walk ? walk__step(walk) : STACK_BAD_RULE;
}

struct loop {
	struct walk *walk;
	struct stack *stack;
};

static long visit_frame(__u32 index, void *context)
{
	struct loop *loop = context;
	struct walk *walk = loop->walk;
	struct stack *stack = loop->stack;
	wire_frame frame = 0;
	int end;

	if (index >= config_max_frames) {
		stack->end = STACK_FULL;
		return LOOP_STOP;
	}
	end = unwind_find_code(walk, &frame);
	if (end == STACK_NO_CODE && stack->nr_frames) {
		/* The word that was taken for a return address is none. */
		stack->end = walk->frame_pointers ? STACK_FRAME_POINTERS : STACK_NO_CODE;
		return LOOP_STOP;
	}
	stack->nr_frames = index + 1;
	/* The compiler knows the bound and would drop the mask; the verifier has to see it here. */
	asm volatile("" : "+r"(index));
	stack->frames[index & (WIRE_MAX_FRAMES - 1)] = frame;
	if (end == STACK_COMPLETE && walk->rule.cfa == UNWIND_CFA_END) {
		stack->end = STACK_COMPLETE;
		return LOOP_STOP;
	}
	if (end == STACK_COMPLETE)
		end = unwind_step(walk);
	/* The outermost frame of a thread whose table does not mark it. */
	if (end == STACK_COMPLETE && !walk->ip) {
		stack->end = STACK_COMPLETE;
		return LOOP_STOP;
	}
	stack->end = end;
	return end == STACK_COMPLETE ? LOOP_GO_ON : LOOP_STOP;
}

/*
 * A number that changes whenever the mappings of the address space may have changed. From 6.4 on
 * the kernel counts that itself. Before, a mapping of code that comes or goes changes exec_vm,
 * unless it takes the place of another of the same size; user space reports that case, a moment
 * late.
 */
static __always_inline __u64 mapping_version(__u32 tgid)
{
	struct mm_struct *mm = bpf_get_current_task_btf()->mm;
	struct mm_struct___sequenced *sequenced = (struct mm_struct___sequenced *)mm;
	struct mm_struct___counted *counted = (struct mm_struct___counted *)mm;

	if (bpf_core_field_exists(sequenced->mm_lock_seq.sequence))
		return sequenced->mm_lock_seq.sequence;
	if (bpf_core_field_exists(counted->mm_lock_seq))
		return (__u32)counted->mm_lock_seq;
	return mm->exec_vm ^ (__u64)mappings_changed[tgid % WIRE_MAPPING_GENERATIONS] << 32;
}

__hidden int unwind(struct pt_regs *ctx, struct thread *thread, const struct space *space,
		    __u64 return_address)
{
	struct loop loop = { &thread->walk, &thread->scratch.stack };
	struct walk *walk = loop.walk;

	walk->ip = PT_REGS_IP(ctx);
	walk->sp = PT_REGS_SP(ctx);
	if (return_address) { /* as the ret will leave them */
		walk->ip = return_address;
		walk->sp += sizeof(return_address);
	}
	walk->bp = PT_REGS_FP(ctx);
	walk->tag = mix(mix(tables_changed, space->serial), mapping_version(space->tgid));
	walk->window_bytes = 0;
	walk->exact = 0;
	walk->frame_pointers = 0;
	walk->tgid = space->tgid;
	loop.stack->nr_frames = 0;
	loop.stack->end = STACK_NO_CODE;
	/* One more than the frames that are kept, to see whether there are more. */
	bpf_loop(config_max_frames + 1, visit_frame, &loop, 0);
	return 0;
}
