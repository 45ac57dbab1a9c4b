// page: what GET / shows: the batches, one batch, the files. Every second it asks
// the API again, while it is looked at.

import { fetchAs, get, hasKey, post, useKey } from '/page/api.js';
import {
	ailment, badge, bytes, counts, countsClass, el, facts, isFinal, progress,
	renewFacts, time,
} from '/page/parts.js';
import { rows } from '/page/rows.js';

const byId = (id) => document.getElementById(id);
const view = byId('view');
const everyMs = 1000;
const listStep = 20;
const pageMax = 100; // of the API's list of batches
let shown = 0; // grows with every change of view; older work then stops
let refused = null; // what became of the last deed: stays while all else is well

function say(text) {
	byId('said').textContent = text;
}

function tell(error) {
	const trouble = byId('trouble');
	const wantsKey = error?.status === 401;
	if (wantsKey) {
		byId('key-form').hidden = false;
		byId('key-why').textContent = hasKey() ? error.message
			: 'This server wants a key.';
	}
	const text = error
		? (error.status ? error.message : 'The server does not answer.') : '';
	trouble.hidden = !error || wantsKey;
	if (trouble.textContent !== text)
		trouble.textContent = text;
}

// A deed's error, or null for one that succeeded.
function fail(error) {
	refused = error;
	tell(error);
}

// ---- batches ----

function batchCard(batch) {
	const about = batch.metadata?.description || batch.endpoint;
	return el('li', { class: 'card', 'data-id': batch.id },
		el('div', { class: 'row' },
			el('a', { class: 'id grow', href: `#${batch.id}` }, batch.id),
			badge(batch.status),
			el('span', { class: 'quiet' }, time(batch.created_at) || '')),
		el('div', { class: 'row' },
			el('span', { class: 'grow' }, about),
			el('span', { class: countsClass(batch) }, counts(batch))),
		isFinal(batch) ? null : progress(batch));
}

// Moves none of those that stay: a node that is moved loses the focus.
function putInPlace(list, nodes) {
	const kept = new Set(nodes);
	for (const node of [...list.children])
		if (!kept.has(node))
			node.remove();
	let at = list.firstElementChild;
	for (const node of nodes) {
		if (node === at)
			at = at.nextElementSibling;
		else
			list.insertBefore(node, at);
	}
}

// Puts new cards in place of those that changed, so that the focus stays.
function renew(list, items, make) {
	const old = new Map([...list.children].map((n) => [n.dataset.id, n]));
	const nodes = items.map((item) => {
		const text = JSON.stringify(item);
		const before = old.get(item.id);
		if (before?.dataset.text === text)
			return before;
		const node = make(item);
		node.dataset.text = text;
		if (before?.contains(document.activeElement))
			queueMicrotask(() => node.querySelector('a')?.focus());
		return node;
	});
	putInPlace(list, nodes);
}

// The newest items of a list of the API, as many as are wanted.
async function newest(path, wanted) {
	const items = [];
	let page;
	do {
		const limit = Math.min(wanted - items.length, pageMax);
		const after = items.length ? `&after=${page.last_id}` : '';
		page = await get(`${path}?limit=${limit}${after}`);
		items.push(...page.data);
	} while (page.has_more && page.data.length && items.length < wanted);
	return { items, hasMore: page.has_more };
}

// A list that grows at its end when asked to; all of it is renewed.
function listView(path, make, emptyText) {
	const list = el('ul', { class: 'cards' });
	const empty = el('p', { class: 'quiet', hidden: true }, emptyText);
	let wanted = listStep;
	async function refresh() {
		const mine = wanted;
		const { items, hasMore } = await newest(path, mine);
		if (mine !== wanted)
			return true; // more has been asked for meanwhile
		renew(list, items, make);
		empty.hidden = items.length > 0;
		more.hidden = !hasMore;
		return true;
	}
	const more = el('button', { type: 'button', hidden: true,
		onclick: async () => {
			const before = list.children.length;
			wanted = before + listStep;
			try {
				await refresh();
				fail(null);
				say(`${list.children.length} shown`);
				list.children[before]?.querySelector('a').focus();
			} catch (error) {
				fail(error);
			}
		} }, 'Show more');
	view.replaceChildren(list, empty, el('div', { class: 'bar' }, more));
	return refresh;
}

// ---- one batch ----

function errorsOf(batch) {
	if (!batch.errors?.data?.length)
		return null;
	const items = batch.errors.data.map((error) => el('li',
		{ class: 'card' },
		el('div', { class: 'row' },
			el('span', { class: 'grow bad' }, error.message),
			el('code', {}, error.code || '')),
		el('div', { class: 'quiet' },
			[error.line ? `line ${error.line} of the input` : null,
				error.param].filter(Boolean).join(', '))));
	return el('section', { 'aria-label': 'Errors' },
		el('h2', {}, 'Errors'), el('ul', { class: 'cards' }, ...items));
}

function download(id, text, name = null) {
	return el('a', { href: `/v1/files/${id}/content`, download: '',
		'aria-label': name ? `${text} ${name}` : null,
		onclick: async (event) => {
			if (!hasKey())
				return;
			// A link cannot carry a key.
			event.preventDefault();
			try {
				const reply = await fetchAs(`/v1/files/${id}/content`);
				const url = URL.createObjectURL(await reply.blob());
				const name = /filename="([^"]*)"/.exec(
					reply.headers.get('content-disposition') || '');
				el('a', { href: url, download: name ? name[1] : id })
					.click();
				setTimeout(() => URL.revokeObjectURL(url), 60000);
				fail(null);
			} catch (error) {
				fail(error);
			}
		} }, text);
}

function cancel(id) {
	const sure = byId('sure');
	sure.dataset.batch = id;
	sure.returnValue = 'keep';
	sure.showModal();
}

byId('sure').addEventListener('close', async ({ target: sure }) => {
	if (sure.returnValue !== 'cancel')
		return;
	sure.returnValue = 'keep';
	try {
		await post(`/v1/batches/${sure.dataset.batch}/cancel`);
		fail(null);
		say('Cancelling');
	} catch (error) {
		fail(error);
	}
});

function batchFacts(batch) {
	const u = batch.usage;
	return facts([
		['Description', batch.metadata?.description],
		['Endpoint', batch.endpoint],
		['Model', batch.model],
		['Created', time(batch.created_at)],
		['In progress', time(batch.in_progress_at)],
		['Finalizing', time(batch.finalizing_at)],
		['Completed', time(batch.completed_at)],
		['Failed', time(batch.failed_at)],
		['Cancelling', time(batch.cancelling_at)],
		['Cancelled', time(batch.cancelled_at)],
		['Expired', time(batch.expired_at)],
		['Expires', isFinal(batch) ? null : time(batch.expires_at)],
		['Tokens', u?.total_tokens ? `${u.input_tokens} in, `
			+ `${u.output_tokens} out` : null],
		['Metadata', batch.metadata ? el('code', {},
			JSON.stringify(batch.metadata)) : null],
		['Input', download(batch.input_file_id, batch.input_file_id)],
		['Output', batch.output_file_id
			? download(batch.output_file_id, 'Download the output') : null],
		['Errors', batch.error_file_id
			? download(batch.error_file_id, 'Download the errors') : null],
	]);
}

function batchView(id) {
	const state = el('div', { class: 'row' });
	const bar = el('div', {});
	const about = facts([]);
	const below = el('div', {});
	const button = el('button', { type: 'button', class: 'danger',
		hidden: true, onclick: () => cancel(id) }, 'Cancel this batch');
	let last = '';
	let status = '';
	view.replaceChildren(el('div', { class: 'card' }, state, bar),
		el('h2', {}, 'About'), about, el('div', { class: 'bar' }, button),
		below);
	return async () => {
		const batch = await get(`/v1/batches/${encodeURIComponent(id)}`);
		const text = JSON.stringify(batch);
		if (text === last)
			return !isFinal(batch);
		last = text;
		state.replaceChildren(badge(batch.status),
			el('span', { class: 'grow' }, counts(batch)),
			batch.model?.startsWith('simulated') ? el('span',
				{ class: 'warm' }, 'simulated answers, no real model') : '');
		bar.replaceChildren(...(isFinal(batch) && !batch.request_counts?.total
			? [] : [progress(batch)]));
		renewFacts(about, batchFacts(batch));
		const useless = isFinal(batch) || batch.status === 'cancelling';
		if (useless && document.activeElement === button)
			byId('title').focus();
		button.hidden = useless;
		if (button.hidden && byId('sure').dataset.batch === id)
			byId('sure').close('keep'); // there is nothing to ask any more
		if (batch.status !== status)
			say(`${batch.status.replace('_', ' ')}, ${counts(batch)}`);
		status = batch.status;
		if (!isFinal(batch))
			return true;
		const files = [batch.error_file_id, batch.output_file_id]
			.filter(Boolean);
		below.replaceChildren(...[errorsOf(batch),
			files.length ? rows(files, say, fail) : null].filter(Boolean));
		return false;
	};
}

// ---- files ----

const notGivenBack = ['assistants', 'user_data'];

function fileCard(file) {
	return el('li', { class: 'card', 'data-id': file.id },
		el('div', { class: 'row' },
			el('span', { class: 'grow' }, file.filename),
			el('span', {}, file.purpose), el('span', {}, bytes(file.bytes)),
			el('span', { class: 'quiet' }, time(file.created_at))),
		el('div', { class: 'row' },
			el('span', { class: 'id grow quiet' }, file.id),
			notGivenBack.includes(file.purpose) ? null
				: download(file.id, 'Download', file.filename)));
}

// ---- the whole ----

async function tellClock() {
	const clock = await get('/_control/clock');
	byId('clock').replaceChildren(clock.mode === 'real' ? ''
		: `virtual time (${clock.mode}): `, clock.mode === 'real' ? ''
		: time(clock.now));
}

// Beside the views, of which some stand still.
async function watchAiling() {
	const ailing = byId('ailing');
	let last = '[]';
	for (;; await pause(everyMs)) {
		if (document.hidden || !byId('key-form').hidden)
			continue;
		try {
			const { data } = await get('/_control/trouble');
			const text = JSON.stringify(data);
			if (text === last)
				continue;
			last = text;
			ailing.hidden = data.length === 0; // first: it is read out then
			ailing.replaceChildren(...data.map(ailment));
		} catch {
			// The view tells of a server that does not answer.
		}
	}
}

function route() {
	const name = location.hash.slice(1);
	if (name.startsWith('batch_'))
		return [`Batch ${name}`, batchView(name)];
	if (name === 'files')
		return ['Files', listView('/v1/files', fileCard, 'No files yet.')];
	return ['Batches', listView('/v1/batches', batchCard,
		'No batches yet.')];
}

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

async function show(focus) {
	const mine = ++shown;
	refused = null;
	const [title, refresh] = route();
	document.title = `${title} · nightmail`;
	byId('title').textContent = title;
	for (const link of document.querySelectorAll('nav a')) {
		if (link.textContent === title)
			link.setAttribute('aria-current', 'page');
		else
			link.removeAttribute('aria-current');
	}
	if (focus)
		byId('title').focus();
	let again = true;
	while (again && mine === shown) {
		if (!document.hidden) {
			try {
				again = await refresh();
				await tellClock();
				if (mine !== shown)
					return;
				tell(refused);
				view.removeAttribute('aria-busy');
			} catch (error) {
				if (mine !== shown)
					return;
				tell(error);
				if (error.status === 401 || error.status === 404)
					return;
			}
		}
		await pause(everyMs);
	}
}

byId('key-form').addEventListener('submit', (event) => {
	event.preventDefault();
	useKey(byId('key').value.trim());
	byId('key').value = '';
	byId('key-form').hidden = true;
	show(true);
});
// Its address is the view's: the way past the head must not change it.
document.querySelector('.skip').addEventListener('click', (event) => {
	event.preventDefault();
	byId('main').focus();
});
window.addEventListener('hashchange', () => show(true));
show(false);
watchAiling();
