// server: a batch_server of one's own for a test.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export class Server {
	static async start(...options) {
		const server = new Server();
		server.folder = mkdtempSync(join(tmpdir(), 'nm-server-'));
		server.options = options;
		await server.#begin(0);
		return server;
	}

	async #begin(port) {
		const build = process.env.NM_BUILD
			?? new URL('../../build', import.meta.url).pathname;
		this.process = spawn(join(build, 'src/prog/batch_server'),
			['--quiet', '--port', `${port}`,
				'--state-dir', join(this.folder, 'state'),
				...this.options.map((o) =>
					o.replace('@', `${this.folder}/`))],
			{ stdio: ['ignore', 'pipe', 'inherit'] });
		const lines = createInterface({ input: this.process.stdout });
		const { value } = await lines[Symbol.asyncIterator]().next();
		this.url = /listening on (\S+)\/v1/.exec(value)[1];
	}

	async #end() {
		const ended = new Promise((done) => {
			this.process.once('exit', done);
		});
		this.process.kill('SIGTERM');
		return ended;
	}

	// Same port, same files; meanwhile happens while nobody serves.
	async restart(meanwhile) {
		const status = await this.#end();
		await meanwhile();
		await this.#begin(new URL(this.url).port);
		return status;
	}

	async stop() {
		const status = await this.#end();
		rmSync(this.folder, { recursive: true, force: true });
		return status;
	}

	write(name, text) {
		writeFileSync(join(this.folder, name), text, { mode: 0o600 });
	}

	async #json(path, options) {
		const headers = this.key
			? { Authorization: `Bearer ${this.key}` } : {};
		const reply = await fetch(this.url + path, { ...options, headers });
		const body = await reply.json();
		if (!reply.ok)
			throw new Error(JSON.stringify(body));
		return body;
	}

	get(path) {
		return this.#json(path);
	}

	async upload(text, name = 'in.jsonl', purpose = 'batch') {
		const form = new FormData();
		form.set('purpose', purpose);
		form.set('file', new Blob([text]), name);
		return (await this.#json('/v1/files',
			{ method: 'POST', body: form })).id;
	}

	async batch(text, metadata = null) {
		const input = await this.upload(text);
		return (await this.#json('/v1/batches', {
			method: 'POST',
			body: JSON.stringify({ input_file_id: input,
				endpoint: '/v1/chat/completions',
				completion_window: '24h', metadata }),
		})).id;
	}
}

export function requests(n) {
	const line = (i) => JSON.stringify({
		custom_id: `r-${i}`, method: 'POST', url: '/v1/chat/completions',
		body: { model: 'm', messages: [
			{ role: 'user', content: `Say ${i}` }] },
	});
	return Array.from({ length: n }, (_, i) => `${line(i + 1)}\n`).join('');
}
