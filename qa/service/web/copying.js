// An answer with its citations, for pasting elsewhere.

import { day } from "./i18n.js";

const line = ({ title, publisher, author, published }) => [title, publisher, author, published && day(published)].filter(Boolean);
const here = (citation, view) => citation.url || new URL(view.source(citation, []), location.href).href;
const escaped = (text) => text.replace(/[\\`*_[\]<>|#]/g, "\\$&").replace(/\s+/g, " ");

/** Plain text: the question, the answer, and a numbered list of what was quoted from where. */
export function asText({ question, answer }, view) {
  const notes = answer.citations.map((one) => `${one.marker} ${line(one).join(", ")}\n    “${one.quote}”\n    ${here(one, view)}`);
  return [question, answer.answer, ...notes].join("\n\n");
}

/** Markdown with footnotes. What comes from articles is escaped: it is text, not markup. */
export function asMarkdown({ question, answer }, view) {
  const body = escapedLines(answer.answer).replace(/\\\[(\d{1,3})\\\]/g, "[^$1]");
  const notes = answer.citations.map((one) =>
    `[^${one.marker.slice(1, -1)}]: ${line(one).map(escaped).join(", ")}. “${escaped(one.quote)}” <${encodeURI(decoded(here(one, view)))}>`);
  return [`**${escaped(question)}**`, body, notes.join("\n")].join("\n\n");
}

const escapedLines = (text) => text.split("\n").map(escaped).join("\n\n");

function decoded(address) {
  try { return decodeURI(address); } catch { return address; }
}

/** To the clipboard; an old way where the page is not served securely. Resolves to whether it worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return oldCopy(text);
  }
}

function oldCopy(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
