// The page at GET /, in a browser: live progress, cancel, rows, errors, keys.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Browser } from './browser.mjs';
import { requests, Server } from './server.mjs';

let browser;
let folder;
before(() => {
	browser = new Browser();
	folder = mkdtempSync(join(tmpdir(), 'nm-page-'));
});
after(async () => {
	await browser.close();
	rmSync(folder, { recursive: true });
});

const text = 'document.body.innerText';
const has = (words) => `${text}.includes(${JSON.stringify(words)})`;

async function withServer(options, story) {
	const server = await Server.start(...options);
	try {
		await story(server);
	} finally {
		assert.equal(await server.stop(), 0);
	}
}

async function settled(server, id, status) {
	while ((await server.get(`/v1/batches/${id}`)).status !== status)
		await new Promise((done) => { setTimeout(done, 20); });
}

test('a batch goes its way before one\'s eyes', async () => {
	await withServer(['--delay-in-progress', '2'], async (server) => {
		const page = await browser.page(`${server.url}/`);
		await page.until(has('No batches yet.'));
		const id = await server.batch(requests(5),
			{ description: 'Variant0 - 1-hop-test' });
		await page.until(has(id));
		await page.until(has('Variant0 - 1-hop-test'));
		await page.until(has('in progress'));
		await page.until("document.querySelector('progress')");
		await page.until(has('5 of 5 done'));
		await page.until(`${has('completed')}
			&& !document.querySelector('#view progress')`);
		await page.value(`location.hash = '${id}'`);
		await page.until(has('simulated answers, no real model'));
		assert.equal(await page.value('document.activeElement.id'), 'title');
	});
});

test('a batch is cancelled by the keyboard, and asks first', async () => {
	await withServer(['--delay-in-progress', '100'], async (server) => {
		const id = await server.batch(requests(3));
		const page = await browser.page(`${server.url}/#${id}`);
		await page.until(has('in progress'));
		const button = "document.querySelector('#view button.danger')";
		await page.value(`${button}.focus()`);
		await page.enter();
		await page.until("document.querySelector('dialog').open");
		// The harmless choice has the focus: Enter lets it run.
		await page.enter();
		await page.until("!document.querySelector('dialog').open");
		assert.equal((await server.get(`/v1/batches/${id}`)).status,
			'in_progress');
		await page.value(`${button}.focus()`);
		await page.enter();
		await page.until("document.querySelector('dialog').open");
		await page.value("document.querySelector('dialog .danger').focus()");
		await page.enter();
		await page.until(has('cancelled'));
		await page.until(`${button}.hidden`);
		assert.match((await server.get(`/v1/batches/${id}`)).status,
			/^cancel/);
	});
});

test('what has ended meanwhile is not asked about any more', async () => {
	await withServer(['--clock', 'step'], async (server) => {
		const id = await server.batch(requests(3));
		const advance = async (span) => {
			await fetch(`${server.url}/_control/clock`, { method: 'POST',
				body: JSON.stringify({ advance: span }) });
		};
		const page = await browser.page(`${server.url}/#${id}`);
		await page.until(has('rows not yet counted'));
		await page.value("document.querySelector('#view .danger').click()");
		await page.until("document.querySelector('dialog').open");
		await advance('24h');
		await page.until(has('expired'));
		await page.until("!document.querySelector('dialog').open");
		assert.equal((await server.get(`/v1/batches/${id}`)).status,
			'expired');
		await page.until(has('virtual time (step)'));
	});
});

test('rows come in pages and can be searched', async () => {
	await withServer([], async (server) => {
		const id = await server.batch(requests(60));
		const page = await browser.page(`${server.url}/#${id}`);
		const ids = `[...document.querySelectorAll('section .id')]
			.map((n) => n.textContent).join(' ')`;
		const press = (name) => page.value(`[...document.querySelectorAll(
			'button')].find((b) => b.textContent === '${name}').click()`);
		await page.until(has('Rows 1 to 25'));
		const first = await page.value(ids);
		assert.equal(first.split(' ').length, 25);
		await press('Further rows');
		await page.until(has('Rows 26 to 50'));
		await press('Further rows');
		await page.until(has('Rows 51 to 60'));
		await press('Earlier rows');
		await page.until(has('Rows 26 to 50'));
		await press('Earlier rows');
		await page.until(has('Rows 1 to 25'));
		assert.equal(await page.value(ids), first);
		await page.value(
			"document.querySelector('input[type=search]').focus()");
		await page.type('"R-57"');
		await page.enter();
		await page.until(has('Rows 1 to 1'));
		assert.equal(await page.value(ids), 'r-57');
		// As it is shown: in the file, these quotes are escaped.
		const shownAnswer = await page.value(
			"document.querySelector('section .row + div').textContent");
		assert.ok(shownAnswer.includes('"'), shownAnswer);
		const search = async (words) => {
			await page.value(`document.querySelector('input[type=search]')
				.value = ${JSON.stringify(words)}`);
			await press('Search');
		};
		await search('r-58');
		await page.until(`${ids} === 'r-58'`);
		await search(shownAnswer);
		await page.until(`(${ids}).split(' ').includes('r-57')`);
		await search('r-58'); // else what is there is what is waited for
		await page.until(`${ids} === 'r-58'`);
		await search('"r-57"');
		await page.until(`${ids} === 'r-57'`);
		await page.value("document.querySelector('summary').click()");
		await page.until(has('"custom_id": "r-57"'));
	});
});

test('a failed batch tells its errors with their lines', async () => {
	await withServer([], async (server) => {
		const id = await server.batch(`${requests(2)}{"custom_id":"x"}\n`);
		const page = await browser.page(`${server.url}/#${id}`);
		await page.until(has('failed'));
		await page.until(has('Missing required parameter'));
		await page.until(has('line 3 of the input'));
	});
});

test('failed rows stand first, with their reason', async () => {
	const script = join(folder, 'rows.faults');
	const evil = '<img src=x onerror=window.evil=1>';
	writeFileSync(script,
		`row 2: http_error 400 invalid_value "${evil}"\n`
		+ 'row 1: status 0\nrow 3: truncated\n');
	await withServer(['--faults', script], async (server) => {
		const id = await server.batch(requests(3));
		const page = await browser.page(`${server.url}/#${id}`);
		await page.until(has('2 of 3 done, 1 failed'));
		await page.until("document.querySelector('section .id')");
		assert.equal(await page.value(
			"document.querySelector('section .id').textContent"), 'r-2');
		await page.until(has('status 400'));
		await page.until(has('status 0'));
		await page.until(has('status 200, length'));
		await page.until(has(evil)); // a text, and no more
		await page.value("document.querySelector('summary').click()");
		assert.equal(await page.value(`document.querySelector('img')
			?? window.evil ?? 'none'`), 'none');
	});
});

test('names are text, and nothing comes from elsewhere', async () => {
	await withServer([], async (server) => {
		const evil = '<img src=x onerror=window.evil=1>';
		await server.upload(requests(1), `${evil}.jsonl`);
		await server.batch(requests(1), { description: evil });
		const page = await browser.page(`${server.url}/`);
		await page.until(has(evil));
		await page.value("location.hash = 'files'");
		await page.until(has(evil));
		assert.equal(await page.value('window.evil === undefined'), true);
		assert.equal(await page.value("document.querySelector('img')"), null);
		for (const { request } of page.heard('Network.requestWillBeSent'))
			assert.ok(request.url.startsWith(server.url)
				|| request.url.startsWith('data:'), request.url);
	});
});

test('where the server wants a key, so does the page', async () => {
	const keys = join(folder, 'keys');
	writeFileSync(keys, 'ann sk-ann\n', { mode: 0o600 });
	await withServer(['--api-key-file', keys], async (server) => {
		const page = await browser.page(`${server.url}/`);
		await page.until(has('This server wants a key.'));
		await page.value("document.getElementById('key').focus()");
		await page.type('sk-eve');
		await page.enter();
		await page.until(has('Incorrect API key provided.'));
		await page.value("document.getElementById('key').focus()");
		await page.type('sk-ann');
		await page.enter();
		await page.until(has('No batches yet.'));
		assert.equal(await page.value("localStorage.length"), 0);
	});
});

test('the key is kept for the session alone, and fetches what a link cannot',
	async () => {
		const keys = join(folder, 'keys');
		writeFileSync(keys, 'ann sk-ann\n', { mode: 0o600 });
		await withServer(['--api-key-file', keys], async (server) => {
			server.key = 'sk-ann';
			const id = await server.batch(requests(2));
			const page = await browser.page(`${server.url}/#${id}`);
			await page.until(has('This server wants a key.'));
			await page.value("document.getElementById('key').focus()");
			await page.type('sk-ann');
			await page.enter();
			await page.until(has('Rows 1 to 2'));
			await page.value(`{
				const make = URL.createObjectURL;
				URL.createObjectURL = (blob) => {
					window.saved = blob.text();
					return make.call(URL, blob);
				};
			}`);
			await page.value(`[...document.querySelectorAll('a')].find((a) =>
				a.textContent === 'Download the output').click()`);
			await page.until('window.saved');
			assert.equal((await page.value('window.saved')).split('\n').length,
				3);
			assert.equal(await page.value(`[localStorage.length,
				document.cookie, location.href.includes('sk-')].join()`),
			'0,,false');
			for (const { request } of page.heard('Network.requestWillBeSent'))
				assert.ok(!request.url.includes('sk-ann'), request.url);
			// Another tab is another session.
			const other = await browser.page(`${server.url}/`);
			await other.until(has('This server wants a key.'));
		});
	});

test('a list that has grown stays whole, and live to its end', async () => {
	const script = join(folder, 'first.faults');
	writeFileSync(script, 'in_progress forever of batch 1\n');
	await withServer(['--faults', script], async (server) => {
		const oldest = await server.batch(requests(1));
		await settled(server, oldest, 'in_progress');
		for (let i = 0; i < 24; i++)
			await server.batch(requests(1));
		const page = await browser.page(`${server.url}/`);
		const cards = "document.querySelectorAll('#view li').length";
		const more = "document.querySelector('#view button')";
		await page.until(`${cards} === 20 && !${more}.hidden`);
		assert.ok(!await page.value(has(oldest)));
		await page.value(`${more}.focus()`);
		await page.enter();
		await page.until(`${cards} === 25 && ${more}.hidden`);
		await page.until(has(oldest));
		// The focus went on to the first of what is new.
		assert.equal(await page.value(`[...document.querySelectorAll(
			'#view a')].indexOf(document.activeElement)`), 20);
		// What was made meanwhile pushes none out, and the last one moves on.
		await server.batch(requests(1));
		await server.batch(requests(1));
		await page.until(`${cards} === 27 || !${more}.hidden`);
		await page.value(`${more}.hidden || ${more}.click()`);
		await page.until(`${cards} === 27`);
		await fetch(`${server.url}/v1/batches/${oldest}/cancel`,
			{ method: 'POST' });
		await page.until(`document.querySelector('[data-id="${oldest}"]')
			.textContent.includes('cancel')`);
	});
});

test('in a list the focus outlives the news of others, and its own', async () => {
	const script = join(folder, 'stands.faults');
	writeFileSync(script, 'in_progress forever of batch 2\n');
	await withServer(['--faults', script, '--delay-in-progress', '1'],
		async (server) => {
			const card = (id) => `document.querySelector('[data-id="${id}"]')`;
			const older = await server.batch(requests(1));
			await settled(server, older, 'completed');
			const stands = await server.batch(requests(1));
			await settled(server, stands, 'in_progress');
			const page = await browser.page(`${server.url}/`);
			await page.until(`${card(stands)}?.textContent.includes(
				'in progress')`);
			await page.value(`${card(stands)}.querySelector('a').focus()`);
			const newer = await server.batch(requests(1));
			await page.until(`${card(newer)}?.textContent.includes(
				'completed')`);
			const focused = `${card(stands)}.querySelector('a')
				=== document.activeElement`;
			assert.ok(await page.value(focused));
			await fetch(`${server.url}/v1/batches/${stands}/cancel`,
				{ method: 'POST' });
			await page.until(`${card(stands)}.textContent.includes(
				'cancelled')`);
			assert.ok(await page.value(focused));
			assert.deepEqual(await page.value(`[...document.querySelectorAll(
				'#view li')].map((node) => node.dataset.id)`),
			[newer, stands, older]);
		});
});

test('focus and selection outlive the news of a batch', async () => {
	const script = join(folder, 'slow.faults');
	writeFileSync(script, 'pace 20/s\n');
	await withServer(['--faults', script], async (server) => {
		const id = await server.batch(requests(400));
		const page = await browser.page(`${server.url}/#${id}`);
		const link = "document.querySelector('dl.facts a')";
		await page.until(has('Tokens')); // no new fact comes any more
		await page.value(`${link}.focus(); window.link = ${link};
			window.then = ${text}`);
		await page.until(`${text} !== window.then && ${has('of 400 done')}`);
		assert.ok(await page.value(`document.activeElement === window.link
			&& window.link.isConnected`));
	});
});

test('what the server does not give back is not offered', async () => {
	await withServer([], async (server) => {
		await server.upload(requests(1), 'given.jsonl');
		await server.upload(requests(1), 'kept.txt', 'user_data');
		const page = await browser.page(`${server.url}/#files`);
		await page.until(`${has('given.jsonl')} && ${has('kept.txt')}`);
		assert.deepEqual(await page.value(
			"[...document.querySelectorAll('#view a')].map((a) => a.ariaLabel)"),
		['Download given.jsonl']);
	});
});

test('a server that goes and comes again is followed', async () => {
	await withServer(['--delay-in-progress', '4'], async (server) => {
		const id = await server.batch(requests(3));
		const page = await browser.page(`${server.url}/#${id}`);
		await page.until(has('3 of 3 done'));
		await server.restart(async () => {
			await page.until(has('The server does not answer.'));
		});
		await page.until(`!${has('The server does not answer.')}`);
		await page.until(has('completed'));
		await page.until(has('Rows 1 to 3'));
	});
});

test('what was refused stays to be read; an odd address does no harm',
	async () => {
		const script = join(folder, 'refused.faults');
		writeFileSync(script, 'on POST /v1/batches/*/cancel: status 503 body '
			+ '"{\\"error\\":{\\"message\\":\\"Not now.\\"}}"\n'
			+ 'in_progress forever\n');
		await withServer(['--faults', script], async (server) => {
			const id = await server.batch(requests(3));
			const page = await browser.page(`${server.url}/#${id}`);
			await page.until(has('in progress'));
			await page.value(
				"document.querySelector('#view button.danger').click()");
			await page.value(
				"document.querySelector('dialog .danger').click()");
			await page.until(has('Not now.'));
			await new Promise((done) => { setTimeout(done, 2500); });
			assert.ok(await page.value(has('Not now.')));
			await page.value("document.querySelector('.skip').click()");
			assert.equal(await page.value('document.activeElement.id'), 'main');
			assert.equal(await page.value('location.hash'), `#${id}`);
			await page.value("location.hash = '%'");
			await page.until(`document.getElementById('title').textContent
				=== 'Batches' && ${has(id)}`);
			await page.until(`!${has('Not now.')}`);
			assert.deepEqual(page.heard('Runtime.exceptionThrown'), []);
		});
	});

test('what ails the upstream is shown, on every view, until it is over',
	async () => {
		const script = join(folder, 'behind.faults');
		const chat = 'on POST /v1/chat/completions nth';
		writeFileSync(script,
			`${chat} 1..9: status 503 header "retry-after-ms: 5"\n`
			+ `${chat} 10..18: status 429 header "retry-after-ms: 5"\n`
			+ `${chat} 19: status 404 body "<html>Welcome</html>"\n`
			+ `${chat} 21: status 401\n`);
		const behind = await Server.start('--faults', script);
		try {
			await withServer(['--upstream', `${behind.url}/v1`],
				async (server) => {
					const page = await browser.page(`${server.url}/`);
					const notice = "document.getElementById('ailing')";
					await page.until(has('No batches yet.'));
					assert.ok(await page.value(`${notice}.hidden`));
					await server.batch(requests(1));
					await page.until(has('gives nothing but HTTP 503'));
					await page.value("location.hash = 'files'");
					await page.until(has('batch_output'));
					assert.ok(await page.value(`!${notice}.hidden`));
					await server.batch(requests(1));
					await page.until(has('gives nothing but HTTP 429'));
					await server.batch(requests(1));
					await page.until(has('what answers there is no API'));
					await page.until(`${notice}.hidden`);
					await server.batch(requests(1));
					await page.until(has('or wants one'));
					await page.until(`${notice}.hidden`);
				});
		} finally {
			await behind.stop();
		}
	});

test('a phone shows it whole, and every control has a name', async () => {
	await withServer([], async (server) => {
		const id = await server.batch(requests(2), { k: 'x'.repeat(500) });
		const page = await browser.page(`${server.url}/#${id}`);
		await page.send('Emulation.setDeviceMetricsOverride',
			{ width: 320, height: 640, deviceScaleFactor: 2, mobile: true });
		await page.until(has('Rows 1 to 2'));
		assert.ok(await page.value(
			'document.documentElement.scrollWidth <= 320'));
		await server.upload(requests(1), `${'long'.repeat(50)}.jsonl`);
		for (const hash of ['files', '']) {
			await page.value(`location.hash = '${hash}'`);
			await page.until(has(hash ? '.jsonl' : id));
			assert.ok(await page.value(
				'document.documentElement.scrollWidth <= 320'), hash);
		}
		await page.value(`location.hash = '${id}'`);
		await page.until(has('Rows 1 to 2'));
		// The tree follows the page after a while.
		let controls = [];
		for (let i = 0; i < 100 && controls.length <= 5; i++) {
			const { nodes } = await page.send(
				'Accessibility.getFullAXTree');
			controls = nodes.filter((n) => !n.ignored && ['button', 'link',
				'textbox', 'searchbox', 'progressbar']
				.includes(n.role?.value));
		}
		assert.ok(controls.length > 5);
		for (const control of controls)
			assert.ok(control.name?.value, JSON.stringify(control));
		for (const scheme of ['light', 'dark']) {
			await page.send('Emulation.setEmulatedMedia', { features: [
				{ name: 'prefers-color-scheme', value: scheme }] });
			const back = await page.value(
				'getComputedStyle(document.body).backgroundColor');
			const light = Number(/\d+/.exec(back)[0]) > 128;
			assert.equal(light, scheme === 'light');
		}
	});
});
