// api: calls to the server that served this page, with a key where it wants one.

export class Refused extends Error {
	constructor(status, message) {
		super(message);
		this.status = status;
	}
}

let key = sessionStorage.getItem('key') || '';

export function useKey(text) {
	key = text;
	sessionStorage.setItem('key', text);
}

export function hasKey() {
	return key !== '';
}

export async function fetchAs(path, options = {}) {
	const headers = { ...options.headers };
	if (key)
		headers.Authorization = `Bearer ${key}`;
	const reply = await fetch(path, { ...options, headers });
	if (reply.ok)
		return reply;
	const body = await reply.json().catch(() => null);
	throw new Refused(reply.status,
		body?.error?.message || `HTTP status ${reply.status}`);
}

export async function get(path) {
	return (await fetchAs(path)).json();
}

export async function post(path) {
	return (await fetchAs(path, { method: 'POST' })).json();
}

// Lines of a file from a byte on, each with the offset of the next one. A page
// of rows reads a page of bytes, whatever the file's size.
export async function* lines(fileId, from) {
	let reply;
	try {
		reply = await fetchAs(`/v1/files/${fileId}/content`,
			{ headers: { Range: `bytes=${from}-` } });
	} catch (error) {
		if (error.status === 416)
			return;
		throw error;
	}
	const reader = reply.body.getReader();
	const decoder = new TextDecoder();
	let held = new Uint8Array(0);
	let at = from;
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (value) {
				const joined = new Uint8Array(held.length + value.length);
				joined.set(held);
				joined.set(value, held.length);
				held = joined;
			}
			let begin = 0;
			for (;;) {
				const end = held.indexOf(10, begin);
				if (end < 0)
					break;
				const text = decoder.decode(held.subarray(begin, end));
				at += end + 1 - begin;
				begin = end + 1;
				yield { text, next: at };
			}
			held = held.subarray(begin);
			if (done)
				break;
		}
		if (held.length)
			yield { text: decoder.decode(held), next: at + held.length };
	} finally {
		reader.cancel().catch(() => {});
	}
}
