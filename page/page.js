// SPDX-License-Identifier: GPL-2.0
// Draws the stacks of a profile: as frames on a canvas, and as a table. The profile is the text of the
// element "profile"; user/output/output_html.c says what is in it. Every name in it is hostile: names
// become text, never markup.
"use strict";

(() => {
	const ROW = 18; // height of a frame in CSS pixels
	const MIN_WIDTH = 1; // narrower frames are summed up
	const profile = JSON.parse(document.getElementById("profile").textContent);
	const byId = (id) => document.getElementById(id);
	const canvas = byId("graph");
	const state = { measure: "bytes", direction: "icicle", search: "", zoom: [], table: false };
	const measures = [
		{ id: "bytes", name: "bytes held", of: (stack) => stack.bytes },
		{ id: "blocks", name: "blocks held", of: (stack) => stack.blocks },
		{ id: "growth", name: "growth", of: (stack) => Math.max(stack.growth, 0), needs: "growth" },
		{ id: "old", name: "older than the interval", of: (stack) => stack.old, needs: "old" },
		...["definite", "indirect", "possible", "reachable"].map((kind) => ({
			id: kind,
			name: { definite: "definitely lost", indirect: "indirectly lost", possible: "possibly lost",
				reachable: "still reachable" }[kind],
			of: (stack) => (stack.kind === kind ? stack.bytes : 0),
			needs: "kinds",
		})),
	];
	let root = null; // the tree of what is shown
	let drawn = []; // what is on the canvas: { node, x, y, width }
	let chosen = null; // of drawn
	let sorting = { column: "bytes", descending: true };

	// ---- words ----

	const count = (number) => Math.round(number).toLocaleString("en-US");

	function size(bytes) {
		const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
		let unit = 0;
		let number = Math.abs(bytes);

		while (number >= 1024 && unit < units.length - 1) {
			number /= 1024;
			unit++;
		}
		return `${bytes < 0 ? "-" : ""}${unit ? number.toFixed(1) : count(number)} ${units[unit]}`;
	}

	function say(value) {
		return state.measure === "blocks" ? `${count(value)} blocks` : size(value);
	}

	function placeOf(frame) {
		const place = frame.file ? `${frame.file}${frame.line ? `:${frame.line}` : ""}` : "";

		return `${place}${frame.module ? ` [${frame.module}]` : ""}${frame.inlined ? " (inlined)" : ""}`;
	}

	// ---- the tree ----

	function newNode(frame, parent) {
		return { frame, parent, value: 0, own: 0, growth: 0, stacks: 0, children: new Map(), list: null };
	}

	// Frames of one function are one node below one caller.
	const keyOf = (frame) => `${frame.name}\0${frame.module}`;

	function buildTree() {
		const measure = measures.find((candidate) => candidate.id === state.measure);
		const tree = newNode({ name: "all", module: "" }, null);

		for (const stack of profile.stacks) {
			const value = measure.of(stack);
			let node = tree;

			if (!(value > 0)) continue;
			node.value += value;
			node.growth += stack.growth || 0;
			node.stacks++;
			for (let i = 0; i < stack.frames.length; i++) {
				const at = state.direction === "inverted" ? i : stack.frames.length - 1 - i;
				const frame = profile.frames[stack.frames[at]];
				const key = keyOf(frame);
				let child = node.children.get(key);

				if (!child) {
					child = newNode(frame, node);
					node.children.set(key, child);
				}
				child.value += value;
				child.growth += stack.growth || 0;
				child.stacks++;
				node = child;
			}
			node.own += value;
		}
		return tree;
	}

	// The largest first, and the same order at each drawing.
	function childrenOf(node) {
		if (!node.list)
			node.list = [...node.children.values()].sort(
				(a, b) => b.value - a.value || (a.frame.name < b.frame.name ? -1 : 1));
		return node.list;
	}

	// The node that the zoom names, or the deepest caller of it that is there.
	function zoomed() {
		let node = root;

		for (const key of state.zoom) {
			const child = node.children.get(key);

			if (!child) break;
			node = child;
		}
		return node;
	}

	function pathTo(node) {
		const path = [];

		for (; node.parent; node = node.parent) path.unshift(keyOf(node.frame));
		return path;
	}

	// ---- colours ----

	function hueOf(text) {
		let hash = 2166136261;

		for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
		return (hash >>> 0) % 360;
	}

	function colourOf(node, matches) {
		const dark = isDark();

		if (matches) return "#e84fd0";
		if (state.measure === "growth" || node.growth < 0) {
			if (node.growth > 0) return dark ? "#a33a32" : "#f0a59c";
			if (node.growth < 0) return dark ? "#2f5f96" : "#a3c4ec";
			return dark ? "#55585c" : "#d6d8da";
		}
		if (!node.parent) return dark ? "#55585c" : "#d6d8da";
		return `hsl(${hueOf(node.frame.module || node.frame.name)} 45% ${
			(dark ? 32 : 76) + (node.frame.inlined ? 8 : 0)}%)`;
	}

	function isDark() {
		const theme = document.documentElement.dataset.theme;

		return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
	}

	// ---- the drawing ----

	function searchExpression() {
		const input = byId("search");

		input.classList.remove("bad");
		if (!state.search) return null;
		try {
			return new RegExp(state.search);
		} catch (error) {
			input.classList.add("bad");
			return null;
		}
	}

	// Callers of the zoomed node have the whole width; what is below has its share of it.
	function layOut(width) {
		const rows = [];
		const focus = zoomed();
		const callers = [];

		for (let node = focus.parent; node; node = node.parent) callers.unshift(node);
		callers.forEach((node, depth) => rows.push({ node, depth, x: 0, width }));
		const queue = [{ node: focus, depth: callers.length, x: 0, width }];

		while (queue.length) {
			const item = queue.pop();
			let x = item.x;

			rows.push(item);
			for (const child of childrenOf(item.node)) {
				const share = (child.value / item.node.value) * item.width;

				if (share >= MIN_WIDTH)
					queue.push({ node: child, depth: item.depth + 1, x, width: share });
				x += share;
			}
		}
		return rows;
	}

	function fitText(context, text, width) {
		if (context.measureText(text).width <= width) return text;
		let low = 0;
		let high = text.length;

		while (low < high) {
			const middle = (low + high + 1) >> 1;

			if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
			else high = middle - 1;
		}
		return low > 1 ? `${text.slice(0, low)}…` : "";
	}

	function draw() {
		const width = canvas.clientWidth;
		const expression = searchExpression();
		const rows = layOut(width);
		const depth = rows.reduce((deepest, row) => Math.max(deepest, row.depth), 0) + 1;
		const ratio = window.devicePixelRatio || 1;
		const context = canvas.getContext("2d");
		let matched = 0;

		canvas.style.height = `${depth * ROW}px`;
		canvas.width = Math.max(1, Math.round(width * ratio));
		canvas.height = Math.max(1, Math.round(depth * ROW * ratio));
		context.scale(ratio, ratio);
		context.font = "12px ui-monospace, monospace";
		context.textBaseline = "middle";
		drawn = rows.map((row) => ({
			node: row.node,
			x: row.x,
			width: row.width,
			y: (state.direction === "flame" ? depth - 1 - row.depth : row.depth) * ROW,
		}));
		for (const item of drawn) {
			const matches = expression && item.node.parent && expression.test(item.node.frame.name);

			context.fillStyle = colourOf(item.node, matches);
			context.fillRect(item.x, item.y, Math.max(item.width - 0.5, 0.5), ROW - 1);
			if (chosen && chosen.node === item.node) {
				context.strokeStyle = isDark() ? "#fff" : "#000";
				context.strokeRect(item.x + 0.5, item.y + 0.5, Math.max(item.width - 1.5, 0.5), ROW - 2);
			}
			if (item.width > 30) {
				context.fillStyle = isDark() ? "#eee" : "#111";
				context.fillText(fitText(context, item.node.frame.name, item.width - 6), item.x + 3,
					item.y + ROW / 2);
			}
		}
		if (expression) matched = sumOfMatches(zoomed(), expression);
		byId("matched").textContent = expression && root.value ?
			`${((100 * matched) / root.value).toFixed(1)} % matched` : "";
		document.body.dataset.drawnFrames = String(drawn.length);
		document.body.dataset.totalBytes = String(zoomed().value);
	}

	// A match below a match counts once.
	function sumOfMatches(top, expression) {
		let sum = 0;
		const left = [top];

		while (left.length) {
			const node = left.pop();

			if (node.parent && expression.test(node.frame.name)) sum += node.value;
			else left.push(...node.children.values());
		}
		return sum;
	}

	function tellChosen() {
		const node = chosen ? chosen.node : zoomed();
		const share = root.value ? ((100 * node.value) / root.value).toFixed(1) : "0";
		const growth = profile.has.growth && node.growth ?
			`   ${node.growth > 0 ? "+" : ""}${size(node.growth)} grown` : "";

		byId("chosen").textContent = `${node.frame.name}  ${placeOf(node.frame)}   ${say(node.value)} ${share} %   itself ${
			say(node.own)}${growth}`;
	}

	// ---- the table ----

	const columns = [
		{ id: "bytes", name: "HELD", of: (stack) => stack.bytes, say: (stack) => size(stack.bytes) },
		{ id: "blocks", name: "BLOCKS", of: (stack) => stack.blocks, say: (stack) => count(stack.blocks) },
		{ id: "growth", name: "GROWTH", needs: "growth", of: (stack) => stack.growth,
			say: (stack) => `${stack.growth > 0 ? "+" : ""}${size(stack.growth)}` },
		{ id: "old", name: "OLD", needs: "old", of: (stack) => stack.old / Math.max(stack.bytes, 1),
			say: (stack) => `${Math.floor((100 * stack.old) / Math.max(stack.bytes, 1))} %` },
		{ id: "kind", name: "KIND", needs: "kinds", of: (stack) => stack.kind, say: (stack) => stack.kind },
		{ id: "from", name: "FROM", of: (stack) => stackText(stack), say: (stack) => stackText(stack) },
	];
	const shownColumns = () => columns.filter((column) => !column.needs || profile.has[column.needs]);

	function stackText(stack) {
		return stack.frames.length ?
			stack.frames.map((index) => profile.frames[index].name).join(" < ") : "(no stack was recorded)";
	}

	function cell(kind, text) {
		const element = document.createElement(kind);

		element.textContent = text;
		return element;
	}

	function drawTable() {
		const column = columns.find((candidate) => candidate.id === sorting.column);
		const sign = sorting.descending ? -1 : 1;
		const order = (a, b) => (column.of(a) < column.of(b) ? -sign : column.of(a) > column.of(b) ? sign : 0);
		const rows = [...profile.stacks].sort(order).slice(0, 1000);
		const heads = shownColumns().map((shown) => {
			const head = document.createElement("th");
			const button = cell("button", shown.name);

			button.type = "button";
			button.addEventListener("click", () => {
				sorting = { column: shown.id,
					descending: sorting.column === shown.id ? !sorting.descending : true };
				drawTable();
			});
			head.scope = "col";
			head.ariaSort = sorting.column === shown.id ?
				(sorting.descending ? "descending" : "ascending") : "none";
			head.append(button);
			return head;
		});

		byId("heads").replaceChildren(...heads);
		byId("rows").replaceChildren(...rows.map((stack) => {
			const row = document.createElement("tr");

			row.tabIndex = 0;
			row.append(...shownColumns().map((shown) => cell("td", shown.say(stack))));
			row.addEventListener("click", () => zoomToStack(stack));
			row.addEventListener("keydown", (event) => {
				if (event.key === "Enter") zoomToStack(stack);
			});
			return row;
		}));
	}

	function zoomToStack(stack) {
		const keys = stack.frames.map((index) => keyOf(profile.frames[index]));

		state.zoom = state.direction === "inverted" ? keys : keys.reverse();
		show();
	}

	// ---- what the reader does ----

	// The hash keeps what is shown, so that a link can be sent. A zoom is the shares of the way.
	function writeHash() {
		const parts = new URLSearchParams();
		const way = [];
		let node = root;

		for (const key of state.zoom) {
			const child = node.children.get(key);

			if (!child) break;
			way.push(childrenOf(node).indexOf(child));
			node = child;
		}
		if (state.measure !== "bytes") parts.set("show", state.measure);
		if (state.direction !== "icicle") parts.set("as", state.direction);
		if (state.search) parts.set("search", state.search);
		if (way.length) parts.set("zoom", way.join("."));
		if (state.table) parts.set("table", "1");
		history.replaceState(null, "", parts.size ? `#${parts}` : location.pathname + location.search);
	}

	function readHash() {
		const parts = new URLSearchParams(location.hash.slice(1));
		const offered = offeredMeasures().map((measure) => measure.id);

		state.measure = offered.includes(parts.get("show")) ? parts.get("show") : "bytes";
		state.direction = ["icicle", "flame", "inverted"].includes(parts.get("as")) ? parts.get("as") : "icicle";
		state.search = parts.get("search") || "";
		state.table = parts.get("table") === "1";
		root = buildTree();
		let node = root;

		for (const index of (parts.get("zoom") || "").split(".").filter(Boolean)) {
			const child = childrenOf(node)[Number(index)];

			if (!child) break;
			node = child;
		}
		state.zoom = pathTo(node);
	}

	const offeredMeasures = () => measures.filter((measure) => !measure.needs || profile.has[measure.needs]);

	function show() {
		root = buildTree();
		chosen = null;
		byId("measure").value = state.measure;
		byId("direction").value = state.direction;
		byId("search").value = state.search;
		byId("table-view").hidden = !state.table;
		byId("table-button").ariaPressed = String(state.table);
		if (state.table) drawTable();
		draw();
		tellChosen();
		writeHash();
	}

	function itemAt(event) {
		const box = canvas.getBoundingClientRect();
		const x = event.clientX - box.left;
		const y = event.clientY - box.top;

		return drawn.find((item) => x >= item.x && x < item.x + item.width && y >= item.y && y < item.y + ROW);
	}

	function choose(item) {
		chosen = item;
		draw();
		tellChosen();
	}

	function zoomTo(node) {
		state.zoom = pathTo(node);
		show();
	}

	// To the frame that a key means: a caller, what it calls, or a neighbour.
	function neighbour(key) {
		const node = chosen ? chosen.node : zoomed();
		const down = state.direction === "flame" ? "ArrowUp" : "ArrowDown";
		const siblings = node.parent ? childrenOf(node.parent) : [node];
		let wanted = null;

		if (key === "ArrowLeft" || key === "ArrowRight")
			wanted = siblings[siblings.indexOf(node) + (key === "ArrowLeft" ? -1 : 1)];
		else
			wanted = key === down ? childrenOf(node)[0] : node.parent;
		return drawn.find((item) => item.node === wanted);
	}

	function copyStack() {
		const node = chosen ? chosen.node : zoomed();
		const names = [];

		for (let at = node; at.parent; at = at.parent) names.push(`${at.frame.name}  ${placeOf(at.frame)}`);
		navigator.clipboard?.writeText(names.join("\n"));
	}

	function onKey(event) {
		const typing = event.target === byId("search");

		if (event.ctrlKey || event.metaKey || event.altKey) return;
		if (event.key === "Escape") {
			if (typing) canvas.focus();
			else if (state.zoom.length) zoomTo(zoomed().parent || root);
			return;
		}
		if (typing || event.target.tagName === "SELECT") return;
		if (event.key === "/") {
			event.preventDefault();
			byId("search").focus();
		} else if (event.key === "i") {
			state.direction = state.direction === "inverted" ? "icicle" : "inverted";
			state.zoom = [];
			show();
		} else if (event.key === "t") {
			state.table = !state.table;
			show();
		} else if (event.key === "c") {
			copyStack();
		} else if (event.key.startsWith("Arrow") && event.target === canvas) {
			const item = neighbour(event.key);

			event.preventDefault();
			if (item) choose(item);
		} else if (event.key === "Enter" && event.target === canvas && chosen) {
			zoomTo(chosen.node);
		}
	}

	function begin() {
		byId("title").textContent = profile.title;
		document.title = profile.title;
		byId("facts").textContent = profile.facts;
		byId("limits").replaceChildren(...profile.limits.map((text) => cell("li", text)));
		byId("measure").replaceChildren(...offeredMeasures().map((measure) => {
			const option = cell("option", measure.name);

			option.value = measure.id;
			return option;
		}));
		byId("measure").addEventListener("change", (event) => {
			state.measure = event.target.value;
			show();
		});
		byId("direction").addEventListener("change", (event) => {
			state.direction = event.target.value;
			state.zoom = [];
			show();
		});
		byId("search").addEventListener("input", (event) => {
			state.search = event.target.value;
			draw();
			writeHash();
		});
		byId("controls").addEventListener("submit", (event) => event.preventDefault());
		byId("table-button").addEventListener("click", () => {
			state.table = !state.table;
			show();
		});
		byId("theme-button").addEventListener("click", () => {
			document.documentElement.dataset.theme = isDark() ? "light" : "dark";
			draw();
		});
		canvas.addEventListener("mousemove", (event) => {
			const item = itemAt(event);

			if (item && (!chosen || chosen.node !== item.node)) choose(item);
		});
		canvas.addEventListener("click", (event) => {
			const item = itemAt(event);

			if (item) zoomTo(item.node);
		});
		document.addEventListener("keydown", onKey);
		window.addEventListener("resize", draw);
		window.addEventListener("hashchange", () => {
			readHash();
			show();
		});
		readHash();
		show();
	}

	begin();
})();
