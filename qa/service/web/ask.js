// Ask: a question, a short answer, and where it stands in the originals.

import { api } from "./api.js";
import { el } from "./dom.js";
import { t } from "./i18n.js";

export const texts = {
  en: { "ask.label": "Ask in Chinese or English", "ask.go": "Ask", "ask.source": "in the source" },
  zh: { "ask.label": "用中文或英文提问", "ask.go": "提问", "ask.source": "查看原文" },
};

export const title = (place) => place.parameters.get("q") || "";

export async function show(root, place) {
  const input = el("input", { type: "search", id: "question", maxlength: 2000, required: true, value: place.parameters.get("q") });
  const submit = (event) => { event.preventDefault(); place.go(`/?${new URLSearchParams({ q: input.value })}`); };
  root.append(el("form", { role: "search", submit }, el("label", { for: "question" }, t("ask.label")),
    el("p.row", null, input, el("button.main", { type: "submit" }, t("ask.go")))));
  if (!place.parameters.get("q")) return;
  const answer = await api.post("/v1/ask", { query: place.parameters.get("q") });
  root.append(el("p", null, answer.answer), el("ol", null, answer.hits.map(passage)));
}

const passage = ({ citation }) => el("li", null, el("blockquote", null, citation.quote), el("p.small.soft", null, citation.title, " ",
  el("a", { href: `/documents/${encodeURIComponent(citation.document_id)}?start=${citation.start}&end=${citation.end}` }, t("ask.source"))));
