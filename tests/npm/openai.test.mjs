// The service's own client goes through all that this server serves: what it
// takes for the service, others will too.

import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync,
	truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import OpenAI, { toFile } from 'openai';

import { requests, Server } from '../web/server.mjs';

globalThis.File ??= File; // Node 18 has none there, and the client wants it

let folder;
before(() => {
	folder = mkdtempSync(join(tmpdir(), 'nm-npm-'));
});
after(() => {
	rmSync(folder, { recursive: true });
});

function write(name, text) {
	writeFileSync(join(folder, name), text, { mode: 0o600 });
	return join(folder, name);
}

async function withServer(options, story) {
	const server = await Server.start(...options);
	const client = new OpenAI({ apiKey: 'sk-any',
		baseURL: `${server.url}/v1` });
	try {
		await story(client, server);
	} finally {
		assert.equal(await server.stop(), 0);
	}
}

const upload = async (client, text, name = 'in.jsonl') =>
	client.files.create({ purpose: 'batch',
		file: await toFile(Buffer.from(text), name) });

const createBatch = (client, input, more = {}) => client.batches.create({
	input_file_id: input, endpoint: '/v1/chat/completions',
	completion_window: '24h', ...more,
});

async function finished(client, id) {
	for (;;) {
		const batch = await client.batches.retrieve(id);
		if (['completed', 'failed', 'expired', 'cancelled']
			.includes(batch.status))
			return batch;
		await new Promise((done) => { setTimeout(done, 50); });
	}
}

test('files: create, retrieve, content, list, delete', async () => {
	await withServer([], async (client) => {
		const text = requests(3);
		const file = await client.files.create({
			file: await toFile(Buffer.from(text), 'in.jsonl'),
			purpose: 'batch',
			expires_after: { anchor: 'created_at', seconds: 3600 },
		});
		assert.equal(file.object, 'file');
		assert.equal(file.bytes, text.length);
		assert.equal(file.expires_at - file.created_at, 3600);
		assert.match(file._request_id, /^req_/);
		assert.deepEqual(await client.files.retrieve(file.id), file);
		assert.equal((await client.files.waitForProcessing(file.id)).status,
			'processed');
		const content = await client.files.content(file.id);
		assert.equal(await content.text(), text);
		const ids = [];
		for (let i = 0; i < 5; i++)
			ids.unshift((await upload(client, text)).id);
		ids.push(file.id);
		const seen = [];
		for await (const one of client.files.list({ limit: 2 }))
			seen.push(one.id);
		assert.deepEqual(seen, ids);
		const gone = await client.files.delete(file.id);
		assert.deepEqual([gone.id, gone.deleted], [file.id, true]);
		await assert.rejects(client.files.retrieve(file.id),
			OpenAI.NotFoundError);
	});
});

test('uploads: parts in parallel, md5, cancel', async () => {
	await withServer([], async (client) => {
		const text = requests(100);
		const pieces = [text.slice(0, 4000), text.slice(4000, 8000),
			text.slice(8000)];
		const up = await client.uploads.create({ bytes: text.length,
			filename: 'in.jsonl', mime_type: 'text/jsonl',
			purpose: 'batch' });
		assert.equal(up.status, 'pending');
		const parts = await Promise.all(pieces.map(async (piece) =>
			client.uploads.parts.create(up.id,
				{ data: await toFile(Buffer.from(piece), 'part') })));
		const done = await client.uploads.complete(up.id, {
			part_ids: parts.map((part) => part.id),
			md5: createHash('md5').update(text).digest('hex'),
		});
		assert.equal(done.status, 'completed');
		const content = await client.files.content(done.file.id);
		assert.equal(await content.text(), text);
		const other = await client.uploads.create({ bytes: 5,
			filename: 'x', mime_type: 't', purpose: 'assistants' });
		assert.equal((await client.uploads.cancel(other.id)).status,
			'cancelled');
	});
});

test('a batch from input to output', async () => {
	await withServer([], async (client) => {
		const input = await upload(client, requests(20));
		const batch = await createBatch(client, input.id,
			{ metadata: { job: 'n1' },
				output_expires_after: { anchor: 'created_at',
					seconds: 7200 } });
		assert.equal(batch.status, 'validating');
		assert.equal(batch.metadata.job, 'n1');
		const done = await finished(client, batch.id);
		assert.equal(done.status, 'completed');
		assert.deepEqual(done.request_counts,
			{ total: 20, completed: 20, failed: 0 });
		const file = await client.files.retrieve(done.output_file_id);
		assert.equal(file.expires_at - file.created_at, 7200);
		const text = await (await client.files.content(
			done.output_file_id)).text();
		const rows = text.trim().split('\n').map((line) => JSON.parse(line));
		assert.equal(new Set(rows.map((row) => row.custom_id)).size, 20);
		const tokens = rows.reduce((sum, row) => sum
			+ row.response.body.usage.total_tokens, 0);
		assert.equal(done.usage.total_tokens, tokens);
	});
});

test('batches: pages, cancel, a conflict that is retried', async () => {
	const log = join(folder, 'conflict.jsonl');
	await withServer(['--delay-in-progress', '60', '--log', log],
		async (client) => {
			const input = await upload(client, requests(1));
			const ids = [];
			for (let i = 0; i < 5; i++)
				ids.unshift((await createBatch(client, input.id)).id);
			const seen = [];
			for await (const one of client.batches.list({ limit: 2 }))
				seen.push(one.id);
			assert.deepEqual(seen, ids);
			const cancelled = await client.batches.cancel(ids[0]);
			assert.equal(cancelled.status, 'cancelling');
			assert.equal((await finished(client, ids[0])).status,
				'cancelled');
			const failed = await createBatch(client, 'file-none');
			await finished(client, failed.id);
			await assert.rejects(client.batches.cancel(failed.id), (error) => {
				assert.ok(error instanceof OpenAI.ConflictError);
				assert.match(error.message, /with status 'failed'/);
				return true;
			});
			// The client takes a 409 for something that may pass.
			const lines = readFileSync(log, 'utf8').trim().split('\n')
				.map((line) => JSON.parse(line));
			assert.equal(lines.filter((line) => line.status === 409).length,
				3);
		});
});

test('lists page by themselves beyond the default page', async () => {
	await withServer(['--delay-in-progress', '60'], async (client) => {
		const files = [], batches = [], seen = { files: [], batches: [] };
		for (let i = 0; i < 25; i++) {
			files.unshift((await upload(client, requests(1))).id);
			batches.unshift((await createBatch(client, files[0])).id);
		}
		const page = await client.batches.list();
		assert.equal(page.data.length, 20);
		assert.ok(page.hasNextPage());
		assert.deepEqual((await page.getNextPage()).data.map((b) => b.id),
			batches.slice(20));
		for await (const one of client.batches.list())
			seen.batches.push(one.id);
		assert.deepEqual(seen.batches, batches);
		for await (const one of client.files.list({ limit: 10,
			order: 'asc', purpose: 'batch' }))
			seen.files.unshift(one.id);
		assert.deepEqual(seen.files, files);
	});
});

test('a file from the disk streams up; what is too large is told', async () => {
	await withServer([], async (client) => {
		const text = requests(2000);
		const path = write('from disk.jsonl', text);
		const file = await client.files.create({ purpose: 'batch',
			file: createReadStream(path) });
		assert.equal(file.filename, 'from disk.jsonl');
		assert.equal(await (await client.files.content(file.id)).text(), text);
		truncateSync(path, 209715201);
		await assert.rejects(client.files.create({ purpose: 'batch',
			file: createReadStream(path) }), (error) => {
			assert.ok(error instanceof OpenAI.BadRequestError);
			assert.match(error.message, /File is too large\./);
			return true;
		});
		truncateSync(path, 600000000);
		await assert.rejects(client.files.create({ purpose: 'vision',
			file: createReadStream(path) }), (error) => {
			assert.equal(error.status, 413);
			assert.match(error.message, /File is too large\./);
			return true;
		});
		truncateSync(path, 0);
	});
});

test('rows that failed are in the error file; a batch cut short keeps both', async () => {
	const script = write('half.faults', 'pace 20/s\n');
	await withServer(['--faults', script], async (client) => {
		const lines = requests(2000).trim().split('\n').map((line, i) => {
			const row = JSON.parse(line);
			if (i % 2) row.body.temperature = 3;
			return JSON.stringify(row);
		});
		const input = await upload(client, `${lines.join('\n')}\n`);
		const batch = await createBatch(client, input.id);
		for (;;) {
			const { request_counts: counts } = await client.batches
				.retrieve(batch.id);
			if (counts.completed > 2 && counts.failed > 2) break;
			await new Promise((done) => { setTimeout(done, 50); });
		}
		await client.batches.cancel(batch.id);
		const done = await finished(client, batch.id);
		assert.equal(done.status, 'cancelled');
		const read = async (id) => (await (await client.files.content(id))
			.text()).trim().split('\n').map((line) => JSON.parse(line));
		const good = await read(done.output_file_id);
		const bad = await read(done.error_file_id);
		assert.equal(new Set([...good, ...bad]
			.map((row) => row.custom_id)).size, 2000);
		assert.equal(good.length, done.request_counts.completed);
		assert.equal(bad.filter((row) => row.response?.status_code === 400)
			.length, done.request_counts.failed);
		assert.equal(bad.filter((row) => row.error?.code
			=== 'batch_cancelled').length, 2000 - good.length
			- done.request_counts.failed);
	});
});

test('a file streams; what is completed is not cancelled', async () => {
	await withServer([], async (client) => {
		const text = requests(5000);
		const input = await upload(client, text);
		const content = await client.files.content(input.id);
		const digest = createHash('sha256');
		let chunks = 0;
		for await (const chunk of content.body) {
			digest.update(chunk);
			chunks++;
		}
		assert.ok(chunks > 1);
		assert.equal(digest.digest('hex'),
			createHash('sha256').update(text).digest('hex'));
		const part = await client.files.content(input.id,
			{ headers: { Range: 'bytes=10-19' } });
		assert.equal(part.status, 206);
		assert.equal(await part.text(), text.slice(10, 20));
		const batch = await createBatch(client, input.id);
		await finished(client, batch.id);
		await assert.rejects(client.batches.cancel(batch.id,
			{ maxRetries: 0 }), (error) => {
			assert.ok(error instanceof OpenAI.ConflictError);
			assert.match(error.message, /with status 'completed'/);
			return true;
		});
	});
});

test('chat, responses, embeddings, completions, models', async () => {
	await withServer([], async (client) => {
		const chat = await client.chat.completions.create({ model: 'm',
			messages: [{ role: 'user', content: 'Say pong' }] });
		assert.equal(chat.object, 'chat.completion');
		assert.equal(typeof chat.choices[0].message.content, 'string');
		assert.match(chat.model, /^simulated-/);
		const response = await client.responses.create({ model: 'm',
			input: 'Say pong' });
		assert.equal(response.status, 'completed');
		assert.notEqual(response.output_text, '');
		const vectors = await client.embeddings.create({ model: 'm',
			input: ['a', 'b'], encoding_format: 'float' });
		assert.equal(vectors.data.length, 2);
		assert.ok(vectors.data[0].embedding.length > 0);
		const plain = await client.completions.create({ model: 'm',
			prompt: 'Say pong' });
		assert.equal(typeof plain.choices[0].text, 'string');
		const models = await client.models.list();
		assert.equal(models.data[0].object, 'model');
		assert.equal((await client.models.retrieve('ann/gpt-4o')).id,
			'ann/gpt-4o');
	});
});

test('refusals arrive as the client\'s own classes', async () => {
	const keys = write('keys', 'ann sk-ann\n');
	await withServer(['--api-key-file', keys], async (client, server) => {
		await assert.rejects(client.batches.list(), (error) => {
			assert.ok(error instanceof OpenAI.AuthenticationError);
			assert.equal(error.code, 'invalid_api_key');
			assert.match(error.requestID, /^req_/);
			return true;
		});
		const ann = new OpenAI({ apiKey: 'sk-ann',
			baseURL: `${server.url}/v1` });
		await assert.rejects(createBatch(ann, 'file-x',
			{ endpoint: '/v1/x' }), (error) => {
			assert.ok(error instanceof OpenAI.BadRequestError);
			assert.deepEqual([error.param, error.code, error.type],
				['endpoint', 'invalid_value', 'invalid_request_error']);
			return true;
		});
		await assert.rejects(ann.batches.retrieve('batch_x'),
			OpenAI.NotFoundError);
		await assert.rejects(upload(ann, 'no json\n'), OpenAI.BadRequestError);
		await assert.rejects(upload(ann, '{}\n', 'in.txt'), /jsonl/);
		const failed = await createBatch(ann, 'file-none');
		const done = await finished(ann, failed.id);
		assert.equal(done.errors.data[0].code, 'invalid_request');
	});
});

test('each status is the client\'s class for it, and tried as often', async () => {
	const log = join(folder, 'classes.jsonl');
	const classes = [
		[400, OpenAI.BadRequestError, 1],
		[401, OpenAI.AuthenticationError, 1],
		[403, OpenAI.PermissionDeniedError, 1],
		[404, OpenAI.NotFoundError, 1],
		[408, OpenAI.APIError, 3],
		[409, OpenAI.ConflictError, 3],
		[413, OpenAI.APIError, 1],
		[422, OpenAI.UnprocessableEntityError, 1],
		[429, OpenAI.RateLimitError, 3],
		[500, OpenAI.InternalServerError, 3],
		[502, OpenAI.InternalServerError, 3],
		[503, OpenAI.InternalServerError, 3],
		[504, OpenAI.InternalServerError, 3],
	];
	const script = write('classes.faults', classes.map(([status]) =>
		`on GET /v1/files/file-${status}: status ${status} `
			+ 'header "retry-after-ms: 1"\n').join('')
		+ 'on GET /v1/files/file-lost: lose reply\n');
	await withServer(['--faults', script, '--log', log], async (client) => {
		for (const [status, itsClass] of classes)
			await assert.rejects(client.files.retrieve(`file-${status}`),
				(error) => {
					assert.ok(error instanceof itsClass, `${status}`);
					assert.equal(error.status, status);
					assert.match(error.requestID, /^req_/);
					assert.equal(typeof error.error.message, 'string');
					return true;
				});
		await assert.rejects(client.files.retrieve('file-lost',
			{ maxRetries: 1 }), (error) => {
			assert.ok(error instanceof OpenAI.APIConnectionError);
			return true;
		});
		const paths = readFileSync(log, 'utf8').trim().split('\n')
			.map((line) => JSON.parse(line).path);
		for (const [status, , tries] of classes)
			assert.equal(paths.filter((path) =>
				path === `/v1/files/file-${status}`).length, tries,
			`${status}`);
		assert.equal(paths.filter((path) => path.endsWith('lost')).length, 2);
	});
});

test('what is not served says so in the client\'s terms', async () => {
	await withServer([], async (client) => {
		await assert.rejects(client.chat.completions.create({ model: 'm',
			stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
		(error) => {
			assert.ok(error instanceof OpenAI.BadRequestError);
			assert.equal(error.param, 'stream');
			return true;
		});
		await assert.rejects(client.responses.retrieve('resp_1'),
			OpenAI.NotFoundError);
		await assert.rejects(client.moderations.create({ input: 'x' }),
			OpenAI.NotFoundError);
		await assert.rejects(client.chat.completions.create({ model: 'm',
			temperature: 3, messages: [{ role: 'user', content: 'Hi' }] }),
		(error) => {
			assert.deepEqual([error.status, error.param, error.code],
				[400, 'temperature', 'decimal_above_max_value']);
			return true;
		});
		const up = await client.uploads.create({ bytes: 5, filename: 'x',
			mime_type: 't', purpose: 'vision' });
		const part = await client.uploads.parts.create(up.id,
			{ data: await toFile(Buffer.from('four'), 'part') });
		await assert.rejects(client.uploads.complete(up.id,
			{ part_ids: [part.id] }), OpenAI.BadRequestError);
		await assert.rejects(client.batches.cancel('batch_x'),
			OpenAI.NotFoundError);
		const { data, response } = await client.models.list().withResponse();
		assert.equal(data.object, 'list');
		assert.equal(response.headers.get('openai-organization'),
			'org-nightmail');
	});
});

test('what passes is tried again, as the headers say', async () => {
	const log = join(folder, 'retries.jsonl');
	const script = write('retries.faults', [
		'on POST /v1/chat/completions nth 1: status 500',
		'on POST /v1/chat/completions nth 2: status 429 '
			+ 'header "retry-after-ms: 20"',
		'on GET /v1/models nth 1: lose reply',
		'on POST /v1/embeddings: status 429 header "retry-after-ms: 1"',
		'on GET /v1/batches: status 503 header "x-should-retry: false"',
		'on GET /v1/files: delay 3s',
		'',
	].join('\n'));
	await withServer(['--faults', script, '--log', log], async (client) => {
		const chat = await client.chat.completions.create({ model: 'm',
			messages: [{ role: 'user', content: 'Say pong' }] });
		assert.equal(chat.object, 'chat.completion');
		assert.equal((await client.models.list()).object, 'list');
		await assert.rejects(client.embeddings.create({ model: 'm',
			input: 'a' }, { maxRetries: 3 }), (error) => {
			assert.ok(error instanceof OpenAI.RateLimitError);
			assert.equal(error.status, 429);
			assert.match(error.requestID, /^req_/);
			return true;
		});
		await assert.rejects(client.batches.list(),
			OpenAI.InternalServerError);
		await assert.rejects(client.files.list({}, { timeout: 100,
			maxRetries: 0 }), OpenAI.APIConnectionTimeoutError);
		const lines = readFileSync(log, 'utf8').trim().split('\n')
			.map((line) => JSON.parse(line));
		const statuses = (path) => lines.filter((line) => line.path === path)
			.map((line) => line.status);
		assert.deepEqual(statuses('/v1/chat/completions'), [500, 429, 200]);
		assert.deepEqual(statuses('/v1/embeddings'), [429, 429, 429, 429]);
		assert.deepEqual(statuses('/v1/models'), [0, 200]);
		assert.deepEqual(statuses('/v1/batches'), [503]);
	});
});
