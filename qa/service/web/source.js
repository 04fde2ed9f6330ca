// Source view: one document, whole.

import { api } from "./api.js";
import { el } from "./dom.js";

export const texts = { en: {}, zh: {} };

export async function show(root, place) {
  const address = `/v1/documents/${encodeURIComponent(place.id)}`;
  const collection = { collection: place.parameters.get("collection") };
  const [about, bytes] = await Promise.all([api.get(address, collection), api.bytes(`${address}/source`, collection)]);
  root.append(el("h1", null, about.title), el("blockquote", null, new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)));
}
