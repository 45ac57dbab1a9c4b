// parts: small pieces of the page. Text goes in as text, never as HTML.

export function el(name, attributes = {}, ...children) {
	const node = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (key.startsWith('on'))
			node.addEventListener(key.slice(2), value);
		else if (value !== undefined && value !== null && value !== false)
			node.setAttribute(key, value === true ? '' : value);
	}
	node.append(...children.filter((child) => child !== null));
	return node;
}

export function time(seconds) {
	if (!seconds)
		return null;
	const date = new Date(seconds * 1000);
	return el('time', { datetime: date.toISOString() },
		date.toLocaleString());
}

export function bytes(n) {
	const units = ['bytes', 'kB', 'MB', 'GB'];
	let unit = 0;
	while (n >= 1000 && unit < 3) {
		n /= 1000;
		unit++;
	}
	return `${unit ? n.toFixed(1) : n} ${units[unit]}`;
}

const moods = {
	completed: 'good', failed: 'bad', expired: 'bad', cancelled: 'warm',
	cancelling: 'warm',
};

export function badge(status) {
	return el('strong', { class: moods[status] || '' },
		status.replace('_', ' '));
}

export function isFinal(batch) {
	return ['completed', 'failed', 'expired', 'cancelled']
		.includes(batch.status);
}

export function counts(batch) {
	const c = batch.request_counts || { total: 0, completed: 0, failed: 0 };
	const failed = c.failed ? `, ${c.failed} failed` : '';
	if (!c.total)
		return isFinal(batch) ? 'no row was run' : 'rows not yet counted';
	return `${c.completed} of ${c.total} done${failed}`;
}

export function countsClass(batch) {
	return batch.request_counts?.failed ? 'bad' : 'quiet';
}

export function progress(batch) {
	const c = batch.request_counts || { total: 0, completed: 0, failed: 0 };
	return el('progress', {
		max: Math.max(c.total, 1), value: c.completed + c.failed,
		'aria-label': `Progress: ${counts(batch)}`,
	});
}

const held = 'Rows wait for it.';
const ailments = {
	upstream_unreachable: ['cannot be reached', held],
	upstream_tls: ['shows a certificate that is not to be trusted', held],
	upstream_key: ['refuses the key of this server, or wants one', held],
	upstream_money: ['wants money first', held],
	upstream_no_api: ['is not at its address: what answers there is no API', held],
};

// What ails the server or the model behind it, and what becomes of rows.
export function ailment({ kind, status, since }) {
	let [what, then] = ailments[kind] || [];
	if (kind === 'upstream_failing') {
		what = status ? `gives nothing but HTTP ${status}`
			: 'does not reply in time';
		then = 'Rows are given up after the usual tries.';
	}
	what = what ? `The model behind this server ${what}.`
		: kind === 'disk_full' ? 'The disk of this server is full.'
			: 'Something on the server\'s machine holds batches up.';
	return el('div', {}, el('strong', { class: 'bad' }, what),
		` ${then || 'Batches wait for it.'}`,
		el('div', { class: 'quiet' }, 'Since ', time(since),
			'. The server says more on its standard error.'));
}

export function facts(pairs) {
	const list = el('dl', { class: 'facts' });
	for (const [name, value] of pairs)
		if (value !== null && value !== undefined && value !== '')
			list.append(el('dt', {}, name), el('dd', {}, value));
	return list;
}

// Puts the new facts in place of those that changed, so that focus and selection
// stay where they are.
export function renewFacts(list, fresh) {
	const olds = [...list.children];
	const news = [...fresh.children];
	const names = (nodes) => nodes.filter((n) => n.localName === 'dt')
		.map((n) => n.textContent).join('\n');
	if (names(olds) !== names(news)) {
		const href = list.contains(document.activeElement)
			&& document.activeElement.getAttribute('href');
		list.replaceChildren(...news);
		if (href)
			[...list.querySelectorAll('a')].find((a) =>
				a.getAttribute('href') === href)?.focus();
		return;
	}
	news.forEach((node, i) => {
		if (node.outerHTML !== olds[i].outerHTML)
			olds[i].replaceWith(node);
	});
}
