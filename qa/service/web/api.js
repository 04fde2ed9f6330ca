// The service's HTTP API. Every failure is an ApiError with the service's code, message and hint.

import * as kept from "./kept.js";

export class ApiError extends Error {
  constructor(status, { code, message, hint = "" }) {
    super([message, hint].filter(Boolean).join(" "));
    Object.assign(this, { status, code });
  }
}

const UNREACHABLE = { code: "unreachable", message: "The service cannot be reached." };
const UNREADABLE = { code: "http_error", message: "The service gave an answer that cannot be read." };

async function refusal(response) {
  const body = await response.json().catch(() => null);
  return new ApiError(response.status, (body && body.error) || UNREADABLE);
}

async function fetched(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new ApiError(0, UNREACHABLE);
  }
}

const query = (parameters) => {
  const given = Object.entries(parameters || {}).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

/**
 * Calls to one service. `base`: its origin, "" for this one. `key()`: the API key to send, or null.
 * `unlock()`: asked after a 401; resolves to true when there is a new key to try.
 */
export function client({ base = "", key = () => null, unlock = async () => false }) {
  async function send(method, path, { body, form, signal, parameters } = {}) {
    const headers = key() ? { Authorization: `Bearer ${key()}` } : {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const content = form || (body === undefined ? undefined : JSON.stringify(body));
    const options = { method, headers, body: content, signal, credentials: "omit" };
    const response = await fetched(base + path + query(parameters), options);
    if (response.ok) return response;
    const error = await refusal(response);
    if (response.status === 401 && (await unlock())) return send(method, path, { body, form, signal, parameters });
    throw error;
  }
  const json = async (response) => (response.status === 204 ? null : response.json());
  return {
    send,
    get: async (path, parameters, signal) => json(await send("GET", path, { parameters, signal })),
    post: async (path, body, signal) => json(await send("POST", path, { body, signal })),
    upload: async (path, form, signal) => json(await send("POST", path, { form, signal })),
    delete: async (path, parameters) => json(await send("DELETE", path, { parameters })),
    bytes: async (path, parameters, signal) => (await send("GET", path, { parameters, signal })).arrayBuffer(),
    /** Server-sent events of a POST, as they come: { name, data }. An `error` event is thrown. */
    async *events(path, body, signal) {
      const response = await send("POST", path, { body, signal });
      for await (const event of parsed(response.body)) {
        if (event.name === "error") throw new ApiError(200, event.data.error);
        yield event;
      }
    },
  };
}

async function* parsed(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (waiting + value).split("\n\n");
    waiting = blocks.pop();
    for (const block of blocks) yield event(block);
  }
}

function event(block) {
  const lines = block.split("\n").map((line) => line.split(/: (.*)/s));
  const named = lines.find(([field]) => field === "event");
  const data = lines.filter(([field]) => field === "data").map(([, value]) => value).join("\n");
  return { name: named ? named[1] : "message", data: JSON.parse(data) };
}

let unlocking = async () => false;
/** The page says how it asks for a key. */
export const onLocked = (ask) => { unlocking = ask; };
/** The service that this page comes from. */
export const api = client({ key: kept.key, unlock: () => unlocking() });
