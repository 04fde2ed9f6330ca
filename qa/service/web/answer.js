// One question with its answer: the text with its marks, and the passages beside it. The page and the widget share it.

import { el, languageOf } from "./dom.js";
import { explain, percent, t } from "./i18n.js";
import { passage } from "./passage.js";

export const texts = {
  en: {
    "answer.mark": (n, title) => `Citation ${n}: ${title}`, "answer.passages": "Where it stands", "answer.nearest": "The nearest passages",
    "answer.others": (n) => `${n} more passage${n === 1 ? "" : "s"}`, "answer.searching": "Searching …", "answer.nothing": "Nothing in the articles comes near this question.",
    "answer.none": "Not in the articles", "answer.none.why": "Nothing in this collection answers the question with enough confidence. The passages that come nearest may be about something else.",
    "answer.unsupported": "The articles do not support this sentence.", "answer.sure": (share) => `${share} sure`,
    "answer.sure.why": "Of the answers given this figure, that share are right.",
    "answer.extractive": "quoted from the articles", "answer.model": "written by a model, each sentence checked", "answer.took": (ms) => `${ms} ms`,
  },
  zh: {
    "answer.mark": (n, title) => `引用 ${n}：${title}`, "answer.passages": "原文出处", "answer.nearest": "最接近的段落",
    "answer.others": (n) => `另外 ${n} 个段落`, "answer.searching": "正在查找……", "answer.nothing": "文章中没有与这个问题相近的内容。",
    "answer.none": "文章中没有答案", "answer.none.why": "这个集合里没有足够把握回答此问题的内容。最接近的段落说的可能是别的事。",
    "answer.unsupported": "文章不支持这句话。", "answer.sure": (share) => `把握 ${share}`,
    "answer.sure.why": "得到这个数值的答案中，确实正确的比例。",
    "answer.extractive": "直接引自文章", "answer.model": "由模型撰写，逐句核对", "answer.took": (ms) => `${ms} 毫秒`,
  },
};

/** No line breaks between a sentence and its mark. */
const JOINER = "\u2060";
const MARKS = /((?:\[\d{1,3}\])+)/;

/** Lines of claims: an answer's text cut at its marks, [[{ text, marks: [1, 2] }, …], …]. */
export function parsed(text) {
  return text.split("\n").filter(Boolean).map((line) => {
    const parts = line.split(MARKS), claims = [];
    for (let i = 0; i < parts.length; i += 2) {
      const marks = [...(parts[i + 1] || "").matchAll(/\d+/g)].map(Number);
      if (parts[i] || marks.length) claims.push({ text: parts[i], marks });
    }
    return claims;
  });
}

/** Which of the answer's sentences a claim is: the one with its text. */
function sentenceOf(claim, sentences) {
  const text = claim.text.trim();
  return sentences.findIndex((sentence) => text && (text.endsWith(sentence.text.trim()) || sentence.text.includes(text)));
}

/**
 * Draws a turn into `root`, as far as it has come. turn: { hits, answerable, text, answer, error }, where `answer` is
 * the whole response when it is there. view: see passage(); `view.actions(turn)` adds what can be done with an answer.
 */
export function drawTurn(root, turn, view) {
  const { hits, answer, error } = turn;
  root.setAttribute("aria-busy", String(!answer && !error));
  const said = el("div.said", null, error ? failure(error) : hits ? spoken(turn, view) : el("p.soft", null, t("answer.searching")));
  if (answer) said.append(...[footnote(answer), view.actions && view.actions(turn)].filter(Boolean));
  root.replaceChildren(said, ...(hits && hits.length && !error ? [evidence(turn, view)] : []));
}

const failure = (error) => el("div.notice.bad", { role: "alert" }, explain(error));

function spoken(turn, view) {
  if (!turn.answerable) return declined(turn);
  const sentences = turn.answer ? turn.answer.sentences : [], known = new Map(turn.hits.map((hit) => [hit.rank, hit]));
  const seen = new Set();
  return el("div.answer", null, parsed(turn.text).map((line) =>
    el("p", { lang: languageOf(line.map((claim) => claim.text).join("")) }, line.map((claim) =>
      sentence(claim, sentenceOf(claim, sentences), sentences, known, seen, view)))));
}

function declined(turn) {
  return el("div.declined", null, el("p.none", null, t("answer.none")),
    el("p.soft", null, turn.hits.length ? t("answer.none.why") : t("answer.nothing")));
}

function sentence(claim, index, sentences, known, seen, view) {
  const unsupported = index >= 0 && !sentences[index].supported;
  const marks = claim.marks.filter((n) => known.has(n)).map((n) => mark(n, known.get(n).citation, seen, view));
  const made = el(unsupported ? "span.sentence.unsupported" : "span.sentence", { title: unsupported ? t("answer.unsupported") : null }, claim.text, marks);
  made.dataset.marks = claim.marks.join(" ");
  if (index >= 0) made.dataset.sentence = index;
  return made;
}

/** As WAI-ARIA has it: a reference to a note. Only the first mark of a passage gets the id that links come back to. */
function mark(n, citation, seen, view) {
  const first = !seen.has(n);
  seen.add(n);
  return [JOINER, el("sup", null, el("a.mark", {
    role: "doc-noteref", id: first ? `${view.prefix}ref${n}` : null, href: `#${view.prefix}c${n}`, "data-mark": n,
    "aria-label": t("answer.mark", n, citation.title),
  }, `[${n}]`))];
}

function footnote(answer) {
  const { confidence, generator, took_ms: took, answerable, warnings } = answer;
  return el("div.footnote.small.soft", null,
    el("p", null, el("span", { title: t("answer.sure.why") }, t("answer.sure", percent(confidence))),
      answerable && ` · ${t(`answer.${generator}`)}`, ` · ${t("answer.took", Math.round(took.total))}`),
    warnings.map((warning) => el("p", null, warning)));
}

function evidence(turn, view) {
  const { answer, hits, answerable } = turn;
  const cited = new Set(answer && answer.citations.length ? answer.citations.map((one) => one.marker) : hits.map((hit) => hit.citation.marker));
  const first = hits.filter((hit) => cited.has(hit.citation.marker)), others = hits.filter((hit) => !cited.has(hit.citation.marker));
  const item = (hit) => passage(hit, supportOf(hit.rank, answer), answerable && answer && cited.has(hit.citation.marker) ? `${view.prefix}ref${hit.rank}` : null, view);
  return el("section.evidence", { "aria-label": t(answerable ? "answer.passages" : "answer.nearest") },
    el("h2.label", null, t(answerable ? "answer.passages" : "answer.nearest")),
    el("ol.plain.passages", null, first.map(item)),
    others.length > 0 && el("details.others", null, el("summary.small.soft", null, t("answer.others", others.length)),
      el("ol.plain.passages", null, others.map(item))));
}

/** The spans of passage n that support sentences: [{ start, end, sentence }]. */
function supportOf(n, answer) {
  return (answer ? answer.sentences : []).flatMap((sentence, i) =>
    sentence.quote_spans.filter((span) => span.citation === n).map(({ start, end }) => ({ start, end, sentence: i })));
}

/** Pointing at a mark or focusing it lights its sentence and its source; pointing at a passage, what rests on it. */
export function connect(root) {
  const show = (event) => light(root, event.target.closest("a.mark, .passage"));
  for (const name of ["pointerover", "focusin"]) root.addEventListener(name, show);
  for (const name of ["pointerleave", "focusout"]) root.addEventListener(name, () => light(root, null));
  root.addEventListener("click", (event) => {
    const link = event.target.closest("a.mark, a[data-back]");
    if (!link) return;
    event.preventDefault();
    arriveAt(root.querySelector(`[id="${CSS.escape(link.getAttribute("href").slice(1))}"]`));
  });
}

function arriveAt(target) {
  if (!target) return;
  const folded = target.closest("details");
  if (folded) folded.open = true;
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

function light(root, over) {
  for (const lit of root.querySelectorAll(".lit")) lit.classList.remove("lit");
  if (!over) return;
  const n = over.dataset.mark || over.dataset.rank;
  const sentences = over.matches("a.mark") ? [over.closest(".sentence")] : [...root.querySelectorAll(`.sentence[data-marks~="${n}"]`)];
  const source = root.querySelector(`.passage[data-rank="${n}"]`);
  for (const sentence of sentences) {
    sentence.classList.add("lit");
    for (const span of source ? source.querySelectorAll(`[data-sentences~="${sentence.dataset.sentence}"]`) : []) span.classList.add("lit");
  }
  if (source) source.classList.add("lit");
}
