// Articles: what is in the collection.

import { api } from "./api.js";
import { el } from "./dom.js";
import { t } from "./i18n.js";

export const texts = { en: { "articles.title": "Articles" }, zh: { "articles.title": "文章" } };

export const title = () => t("articles.title");

export async function show(root) {
  const { documents } = await api.get("/v1/documents");
  root.append(el("h1", null, t("articles.title")),
    el("ul", null, documents.map((one) => el("li", null, el("a", { href: `/documents/${encodeURIComponent(one.id)}` }, one.title)))));
}
