// A passage with what makes it checkable: the quote, what answers in it, and where it stands.

import { el, languageOf, website } from "./dom.js";
import { day, percent, t } from "./i18n.js";
import { cut, writeSpans } from "./spans.js";

export const texts = {
  en: {
    "passage.source": "In the original", "passage.website": "Original page", "passage.also": "Also in", "passage.digest": "digest",
    "passage.page": (n) => `page ${n}`, "passage.back": "Back to the answer", "passage.untitled": "Untitled",
    "passage.score": (share) => `${share} sure`, "passage.score.why": "Of the passages given this figure, that share answer the question.",
  },
  zh: {
    "passage.source": "查看原文位置", "passage.website": "原网页", "passage.also": "另见", "passage.digest": "摘要",
    "passage.page": (n) => `第 ${n} 页`, "passage.back": "回到答案", "passage.untitled": "无标题",
    "passage.score": (share) => `把握 ${share}`, "passage.score.why": "得到这个数值的段落中，确实回答了问题的比例。",
  },
};

/** Where the source view shows a citation; `marks` are the spans that support what was said. */
export function sourceAddress(citation, collection, marks = []) {
  const about = { start: citation.start, end: citation.end, sha256: citation.sha256, marks: writeSpans(marks), collection };
  const given = Object.entries(about).filter(([name, value]) => value !== "" && !(name === "collection" && value === "default"));
  return `/documents/${encodeURIComponent(citation.document_id)}?${new URLSearchParams(given)}`;
}

const FRAGMENT = 40;
const encoded = (text) => encodeURIComponent(text).replaceAll("-", "%2D");

/** How a quote begins: up to the end of its sentence, and no word cut in two, for browsers look for whole words. */
function beginning(quote) {
  const clause = quote.trim().split(/[。！？!?\n]/, 1)[0];
  const points = Array.from(clause).slice(0, FRAGMENT).join("");
  return points.length < clause.length && /[a-z]/i.test(points.slice(-1)) ? points.replace(/\s*\S+$/, "") : points;
}

/** The publisher's page, opened at the quote (a text fragment; `#page=` for a PDF), or null. */
export function websiteAddress({ url, quote, page }) {
  if (!website(url)) return null;
  const plain = url.split("#")[0];
  if (/\.pdf$/i.test(plain)) return page ? `${plain}#page=${page}` : plain;
  const start = beginning(quote);
  return start ? `${plain}#:~:text=${encoded(start)}` : url;
}

/** The quote, with what supports a sentence (`support`: { start, end, sentence }) and what matched marked in it. */
export function quoted(citation, support) {
  const keys = citation.highlights.map(([start, end]) => ({ start, end }));
  const spans = [...support.map((span) => ({ ...span, support: true })), ...keys];
  return el("blockquote", { lang: languageOf(citation.quote) }, cut(citation.quote, citation.start, spans).map(piece));
}

function piece({ text, spans }) {
  if (!spans.length) return text;
  const sentences = spans.filter((span) => span.support).map((span) => span.sentence);
  const kind = sentences.length ? "mark.support" : "mark";
  const made = el(spans.some((span) => !span.support) ? `${kind}.key` : kind, null, text);
  if (sentences.length) made.dataset.sentences = sentences.join(" ");
  return made;
}

/** Publisher, author, date and so on, as one line. */
export function facts(citation) {
  const { publisher, author, published, kind, page, heading } = citation;
  return [publisher, author, published && day(published), kind === "digest" && t("passage.digest"),
    page && t("passage.page", page), heading].filter(Boolean).join(" · ");
}

const alsoIn = (citation, view) => citation.also_in.length > 0 && el("p.small.soft", null, `${t("passage.also")} `,
  citation.also_in.map((other, i) => [i ? "；" : "", el("a", { href: view.document(other.document_id), ...view.link }, other.title)]));

/**
 * One passage. `view`: { prefix, source(citation, marks), document(id), link } says how ids and links are made here.
 * `back` is the id of the mark that cites it, or null.
 */
export function passage({ rank, score, citation }, support, back, view) {
  const own = website(citation.url);
  return el("li.passage", { id: `${view.prefix}c${rank}`, tabindex: "-1", "data-rank": rank },
    el("h3", { lang: languageOf(citation.title) }, el("span.rank", null, citation.marker), " ", citation.title || t("passage.untitled")),
    el("p.facts.small.soft", null, facts(citation), " ", el("span.score", { title: t("passage.score.why") }, t("passage.score", percent(score)))),
    quoted(citation, support),
    el("p.links.small", null,
      el("a", { href: view.source(citation, support), ...view.link }, t("passage.source")),
      own && el("a", { href: websiteAddress(citation), target: "_blank", rel: "noopener noreferrer" }, `${t("passage.website")} ↗`),
      back && el("a", { href: `#${back}`, role: "doc-backlink", "data-back": back }, `↑ ${t("passage.back")}`)),
    alsoIn(citation, view));
}
