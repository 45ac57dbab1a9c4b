// browser: a headless Chromium, driven over a pipe by its own protocol, so that
// the tests need no package. Calling sequence: open, page, …, close.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

function findChromium() {
	for (const name of ['chromium', 'chromium-browser', 'google-chrome'])
		for (const folder of process.env.PATH.split(delimiter))
			if (existsSync(join(folder, name)))
				return join(folder, name);
	throw new Error('no Chromium in PATH');
}

export class Browser {
	#next = 1;
	#waiting = new Map();
	#held = '';

	constructor() {
		this.folder = mkdtempSync(join(tmpdir(), 'nm-web-'));
		this.process = spawn(findChromium(), ['--headless=new',
			'--no-sandbox', '--disable-gpu', '--remote-debugging-pipe',
			'--disable-background-networking', '--no-first-run',
			'--disable-dev-shm-usage',
			`--user-data-dir=${this.folder}`, 'about:blank'],
		{ stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
		this.process.stdio[4].setEncoding('utf8');
		this.process.stdio[4].on('data', (chunk) => this.#take(chunk));
		this.heard = [];
	}

	#take(chunk) {
		const texts = (this.#held + chunk).split('\0');
		this.#held = texts.pop();
		for (const text of texts) {
			const message = JSON.parse(text);
			if (message.method)
				this.heard.push(message);
			const wait = this.#waiting.get(message.id);
			if (!wait)
				continue;
			this.#waiting.delete(message.id);
			if (message.error)
				wait.reject(new Error(message.error.message));
			else
				wait.resolve(message.result);
		}
	}

	send(method, params = {}, sessionId = undefined) {
		const id = this.#next++;
		this.process.stdio[3].write(
			`${JSON.stringify({ id, method, params, sessionId })}\0`);
		return new Promise((resolve, reject) => {
			this.#waiting.set(id, { resolve, reject });
		});
	}

	async page(url) {
		const { targetId } = await this.send('Target.createTarget',
			{ url: 'about:blank' });
		const { sessionId } = await this.send('Target.attachToTarget',
			{ targetId, flatten: true });
		const page = new Page(this, sessionId);
		await page.send('Page.enable');
		await page.send('Runtime.enable');
		await page.send('Network.enable');
		await page.send('Page.navigate', { url });
		return page;
	}

	async close() {
		const ended = new Promise((done) => {
			this.process.once('exit', done);
		});
		this.send('Browser.close').catch(() => {});
		await ended;
		rmSync(this.folder, { recursive: true, force: true,
			maxRetries: 5 });
	}
}

class Page {
	constructor(browser, session) {
		this.browser = browser;
		this.session = session;
	}

	send(method, params) {
		return this.browser.send(method, params, this.session);
	}

	// The value of an expression within the page.
	async value(expression) {
		const { result, exceptionDetails } = await this.send(
			'Runtime.evaluate',
			{ expression, returnByValue: true, awaitPromise: true });
		if (exceptionDetails)
			throw new Error(exceptionDetails.exception?.description
				?? exceptionDetails.text);
		return result.value;
	}

	// Waits until an expression is true; fails with what the page shows.
	async until(expression) {
		const end = Date.now() + 60000;
		while (!await this.value(`Boolean(${expression})`).catch(() => false)) {
			if (Date.now() > end)
				throw new Error(`never: ${expression}\n`
					+ await this.value('document.body.innerText'));
			await new Promise((done) => { setTimeout(done, 30); });
		}
	}

	async key(key, code = key, text = undefined) {
		const about = { key, code, text,
			windowsVirtualKeyCode: { Enter: 13, Tab: 9, Escape: 27 }[key] };
		await this.send('Input.dispatchKeyEvent',
			{ type: 'keyDown', ...about });
		await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...about });
	}

	async enter() {
		await this.key('Enter', 'Enter', '\r');
	}

	async type(text) {
		await this.send('Input.insertText', { text });
	}

	// All that the page asked for or complained of, by method of the protocol.
	heard(method) {
		return this.browser.heard.filter((m) => m.method === method
			&& m.sessionId === this.session).map((m) => m.params);
	}
}
