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
	writeFileSync(script, 'row 2: http_error 400\n');
	await withServer(['--faults', script], async (server) => {
		const id = await server.batch(requests(3));
		const page = await browser.page(`${server.url}/#${id}`);
		await page.until(has('2 of 3 done, 1 failed'));
		await page.until("document.querySelector('section .id')");
		assert.equal(await page.value(
			"document.querySelector('section .id').textContent"), 'r-2');
		await page.until(has('status 400'));
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
