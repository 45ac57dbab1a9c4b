// rows: the rows of a batch's result files, a page at a time, and a search.

import { lines } from '/page/api.js';
import { el } from '/page/parts.js';

const perPage = 25;

function parse(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

function answerOf(body) {
	if (body?.choices)
		return body.choices[0]?.message?.content
			?? body.choices[0]?.message?.refusal
			?? body.choices[0]?.text ?? '';
	if (Array.isArray(body?.output))
		return body.output.flatMap((item) => item.content || [])
			.map((part) => part.text ?? part.refusal ?? '').join('');
	if (Array.isArray(body?.data))
		return `${body.data.length} embeddings`;
	return '';
}

// In a word or two, how it ended.
function label(row) {
	const status = row?.response?.status_code;
	const body = row?.response?.body;
	const end = body?.choices?.[0]?.finish_reason
		?? body?.incomplete_details?.reason;
	if (row?.error?.code)
		return row.error.code;
	return [status === undefined ? null : `status ${status}`,
		end === 'stop' ? null : end].filter(Boolean).join(', ');
}

function card(text) {
	const row = parse(text);
	const status = row?.response?.status_code;
	const error = row?.error?.message ?? row?.response?.body?.error?.message;
	const good = row && !error && status >= 200 && status < 300;
	return el('li', { class: 'card' },
		el('div', { class: 'row' },
			el('span', { class: 'id grow' },
				row ? String(row.custom_id) : 'a line that is no JSON'),
			el('span', { class: good ? 'good' : 'bad' },
				label(row))),
		el('div', { class: error ? 'bad' : '' },
			error ?? (row ? answerOf(row.response?.body) : '')),
		el('details', {}, el('summary', {}, 'As it came'),
			el('pre', { tabindex: '0' },
				row ? JSON.stringify(row, null, 2) : text)));
}

// As it came, or as it is shown: there, quotes are not escaped.
function holds(text, wanted) {
	if (text.toLowerCase().includes(wanted))
		return true;
	if (!/["\\\n\u0080-\uffff]/.test(wanted))
		return false;
	const row = parse(text);
	return [row?.custom_id, row?.response?.body?.error?.message,
		answerOf(row?.response?.body)].some((shown) =>
		String(shown).toLowerCase().includes(wanted));
}

// A place in the files: which one, and the byte where its page begins.
async function readPage(files, place, wanted, signal) {
	const found = [];
	let { file, at } = place;
	for (; file < files.length; file++, at = 0) {
		for await (const line of lines(files[file], at)) {
			if (signal.aborted)
				return null;
			at = line.next;
			if (line.text.trim() === '' || !holds(line.text, wanted))
				continue;
			found.push(card(line.text));
			if (found.length === perPage)
				return { found, next: { file, at } };
		}
	}
	return { found, next: null };
}

// Rows of the files (error file first), in a section of their own.
export function rows(files, say, fail) {
	let places = [{ file: 0, at: 0 }];
	let wanted = '';
	let work = new AbortController();

	const list = el('ul', { class: 'cards' });
	const where = el('span', { class: 'quiet' });
	const input = el('input', { type: 'search', 'aria-label': 'Search rows',
		placeholder: 'Search rows: an id, a word, a code' });
	const back = el('button', { type: 'button', onclick: () => {
		places.pop();
		places.pop();
		show();
	} }, 'Earlier rows');
	const on = el('button', { type: 'button', onclick: () => show() },
		'Further rows');
	const form = el('form', { class: 'inline', role: 'search',
		onsubmit: (event) => {
			event.preventDefault();
			wanted = input.value.trim().toLowerCase();
			places = [{ file: 0, at: 0 }];
			show();
		} }, input, el('button', {}, 'Search'));

	async function show() {
		work.abort();
		work = new AbortController();
		const { signal } = work;
		back.disabled = on.disabled = true;
		list.setAttribute('aria-busy', 'true');
		try {
			const page = await readPage(files, places[places.length - 1],
				wanted, signal);
			if (!page)
				return;
			list.replaceChildren(...page.found);
			const first = (places.length - 1) * perPage;
			where.textContent = page.found.length
				? `Rows ${first + 1} to ${first + page.found.length}`
				: 'No such rows';
			say(where.textContent);
			back.disabled = places.length < 2;
			on.disabled = !page.next;
			places.push(page.next || { file: files.length, at: 0 });
			fail(null);
		} catch (error) {
			if (signal.aborted)
				return;
			fail(error);
			on.disabled = false; // it tries again
			back.disabled = places.length < 3;
		}
		list.removeAttribute('aria-busy');
	}

	show();
	return el('section', { 'aria-label': 'Rows' }, el('h2', {}, 'Rows'),
		form, list, el('div', { class: 'bar' }, back, on, where));
}
