// The text of a document, drawn in chunks: what is far from the window is not laid out (content-visibility in
// source.css), so that long documents stay fast.

import { el, languageOf } from "./dom.js";
import { cut } from "./spans.js";
import { ruleName } from "./source-texts.js";

const CHUNK = 2000;

/**
 * The whole text. `removed`: what search leaves out; the class `cleaned` on the result hides it. `span` is what was
 * quoted, `marks` what supports an answer in it.
 */
export function reading(text, removed, { span, marks }) {
  const spans = [
    ...removed.map((run) => ({ ...run, kind: "gone" })),
    ...(span ? [{ ...span, kind: "quote" }] : []),
    ...marks.map((mark) => ({ ...mark, kind: "support" })),
  ];
  const body = el("div.reading", { lang: languageOf(text.slice(0, 20000)), tabindex: "-1" });
  let chunk = [], size = 0;
  const close = () => { body.append(el("div.chunk", null, chunk)); chunk = []; size = 0; };
  for (const part of parts(cut(text, 0, spans))) {
    chunk.push(drawn(part));
    size += part.text.length;
    if (size > CHUNK && part.text.endsWith("\n")) close();
  }
  close();
  return body;
}

/** Pieces no longer than a chunk, cut at line ends; the blank after a paragraph that is gone goes with it. */
function* parts(pieces) {
  let swallow = null;
  for (const piece of pieces) {
    const gone = piece.spans.find((span) => span.kind === "gone");
    let { text } = piece;
    if (swallow && !piece.spans.length) {
      const blank = text.search(/\S/) < 0 ? text.length : text.search(/\S/);
      if (blank) yield { ...swallow, text: text.slice(0, blank), first: false };
      text = text.slice(blank);
    }
    swallow = gone && gone.rule !== "inline" ? { ...piece } : null;
    let first = true;
    for (const line of lines(text)) {
      yield { ...piece, text: line, first: first && gone && gone.start === piece.start };
      first = false;
    }
  }
}

function* lines(text) {
  for (let at = 0; at < text.length;) {
    const end = text.length - at > CHUNK ? text.indexOf("\n", at + CHUNK) + 1 || text.length : text.length;
    yield text.slice(at, end);
    at = end;
  }
}

function drawn({ text, spans, first }) {
  if (!spans.length) return text;
  const kinds = new Set(spans.map((span) => span.kind));
  const gone = spans.find((span) => span.kind === "gone");
  const marked = kinds.has("quote") || kinds.has("support") ? el(kinds.has("support") ? "mark.support" : "mark", null, text) : text;
  if (!gone) return marked;
  return [el("del.gone", { title: ruleName(gone.rule) }, marked), first && gone.shown && el("ins.shown", null, gone.shown)];
}
