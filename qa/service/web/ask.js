// Ask: a question, a short answer, and where it stands in the originals. An address says the question, its filters and
// the questions before it: it can be shared.

import * as answers from "./answer.js";
import { api } from "./api.js";
import { asMarkdown, asText, copy } from "./copying.js";
import { announce, el } from "./dom.js";
import * as feedback from "./feedback.js";
import * as filters from "./filters.js";
import { add, language, number, t } from "./i18n.js";
import * as passages from "./passage.js";
import { newTurn, run } from "./turn.js";

for (const module of [answers, feedback, filters, passages]) add(module.texts);

export const texts = {
  en: {
    "ask.title": "Ask the articles. See the proof.", "ask.lead": "A short answer to a question in Chinese or English, with the very words of the originals beside it.",
    "ask.label": "Your question", "ask.placeholder": "What would you like to know?", "ask.go": "Ask", "ask.more": "Ask a follow-up", "ask.new": "New question",
    "ask.examples": "For example", "ask.size": (documents, passages) => `${documents} articles, ${passages} passages`,
    "ask.empty": "This collection holds no articles yet.", "ask.empty.add": "Add some", "ask.earlier": "Asked before this",
    "ask.copy": "Copy", "ask.markdown": "Copy as Markdown", "ask.share": "Copy link", "ask.copied": "Copied", "ask.uncopied": "The browser does not allow copying.",
  },
  zh: {
    "ask.title": "问文章，看原文。", "ask.lead": "用中文或英文提问，得到简短的答案，旁边就是原文的字句。",
    "ask.label": "你的问题", "ask.placeholder": "想知道什么？", "ask.go": "提问", "ask.more": "继续追问", "ask.new": "新问题",
    "ask.examples": "试试这些问题", "ask.size": (documents, passages) => `${documents} 篇文章，${passages} 个段落`,
    "ask.empty": "这个集合里还没有文章。", "ask.empty.add": "去添加", "ask.earlier": "在此之前问过",
    "ask.copy": "复制", "ask.markdown": "复制为 Markdown", "ask.share": "复制链接", "ask.copied": "已复制", "ask.uncopied": "浏览器不允许复制。",
  },
};

/** What survives a change of language, and a look at a source and back. */
const state = { turns: [], draft: "", stop: null };

export const title = (place) => place.parameters.get("q") || "";

function asked(parameters) {
  return {
    question: parameters.get("q") || "", history: parameters.getAll("h").slice(-100),
    filters: filters.filtersOf(parameters), collection: parameters.get("collection") || "default",
  };
}

function addressOf({ question, history, filters: chosen, collection }) {
  const given = [["q", question], ...history.map((one) => ["h", one]), ...filters.parametersOf(chosen)];
  return `/?${new URLSearchParams(collection === "default" ? given : [...given, ["collection", collection]])}`;
}

export async function show(root, place) {
  const wanted = asked(place.parameters);
  const fresh = settle(wanted);
  draw(root, place, wanted);
  if (fresh) begin(root, state.turns.at(-1), state.turns.length - 1);
  const choices = await filters.choices(wanted.collection);
  const [first] = choices.collections;
  // A key may be good for other collections than the default one.
  if (root.isConnected && first && !wanted.question && !choices.collections.some(({ name }) => name === wanted.collection)) {
    return place.go(addressOf({ ...wanted, collection: first.name }), { replace: true });
  }
  if (root.isConnected) complete(root, place, wanted, choices);
  return () => { state.draft = (root.querySelector("#question") || {}).value || ""; };
}

/** Makes state.turns end with the wanted question; returns whether it still has to be asked. */
function settle(wanted) {
  const address = addressOf(wanted);
  const at = state.turns.findIndex((turn) => addressOf(turn) === address);
  if (wanted.question && at >= 0 && !state.turns[at].error) {
    state.turns.length = at + 1;
    return false;
  }
  if (state.stop) state.stop.abort();
  if (at >= 0) state.turns.length = at;
  const before = state.turns.map((turn) => turn.question);
  const goesOn = before.length && before.length <= wanted.history.length && before.every((one, i) => one === wanted.history[wanted.history.length - before.length + i]);
  if (!goesOn) state.turns = [];
  if (wanted.question) state.turns.push(newTurn(wanted));
  return Boolean(wanted.question);
}

function begin(root, turn, i) {
  state.draft = "";
  state.stop = new AbortController();
  const changed = () => { redraw(turn, i); if (turn.answer) announce(turn.answer.answer); };
  run(turn, api, changed, state.stop.signal);
  if (i > 0) root.querySelectorAll(".turn")[i].scrollIntoView({ block: "start" });
}

/** The page may have been drawn anew since the question was asked: the turn is found by its number. */
function redraw(turn, i) {
  const body = document.querySelector(`.turn[data-turn="${i}"] .columns`);
  if (body && state.turns[i] === turn) answers.drawTurn(body, turn, viewOf(turn, i));
}

const viewOf = (turn, i) => ({
  prefix: `t${i}-`, link: {},
  source: (citation, marks) => passages.sourceAddress(citation, turn.collection, marks),
  document: (id) => `/documents/${encodeURIComponent(id)}${turn.collection === "default" ? "" : `?${new URLSearchParams({ collection: turn.collection })}`}`,
  actions: () => actions(turn, i),
});

function draw(root, place, wanted) {
  const started = state.turns.length > 0;
  root.classList.toggle("home", !started);
  root.replaceChildren(
    started ? el("h1.unseen", null, t("nav.ask")) : el("div.welcome", null, el("h1", null, t("ask.title")), el("p.soft", null, t("ask.lead"))),
    ...state.turns.map(section),
    form(place, wanted, started),
    el("div.below", { id: "below" }));
}

function section(turn, i) {
  const body = el("div.columns");
  answers.drawTurn(body, turn, viewOf(turn, i));
  answers.connect(body);
  const earlier = i === 0 && turn.history.length > 0 && el("div.earlier.small.soft", null, `${t("ask.earlier")}:`, el("ul", null, turn.history.map((one) => el("li", null, one))));
  return el("section.turn", { "data-turn": i, "aria-labelledby": `question-${i}` },
    earlier, el("h2.question", { id: `question-${i}` }, turn.question), body);
}

function form(place, wanted, started) {
  const label = t(started ? "ask.more" : "ask.label");
  const input = el("textarea", {
    id: "question", name: "question", rows: 1, maxlength: 2000, required: true, autocomplete: "off", enterkeyhint: "search",
    "aria-label": label, placeholder: started ? label : t("ask.placeholder"), keydown: sendOnEnter,
  });
  input.value = state.draft;
  const submit = (event) => { event.preventDefault(); send(event.target, place, wanted); };
  return el("form.ask", { role: "search", submit },
    el("div.box", null, input, el("button.main", { type: "submit" }, t("ask.go"))),
    el("div", { id: "filters" }),
    started && el("p.small", null, el("a", { href: "/" }, t("ask.new"))));
}

/** Enter asks, Shift+Enter breaks the line; an Enter that ends the writing of a Chinese word does neither. */
function sendOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  event.target.form.requestSubmit();
}

function send(asking, place, wanted) {
  const value = (name) => (asking.elements[name] ? asking.elements[name].value : "");
  const question = value("question").trim();
  if (!question) return;
  state.draft = "";
  const last = state.turns.at(-1);
  const history = last ? [...last.history, ...(last.error ? [] : [last.question])] : [];
  const chosen = asking.elements.publisher ? filters.filtersOf(new URLSearchParams(["publisher", "from", "to"].map((name) => [name, value(name)]))) : wanted.filters;
  asking.elements.question.value = "";
  place.go(addressOf({ question, history, filters: chosen, collection: value("collection") || wanted.collection }));
}

/** What needs the collection: filters, and on the empty page its size and examples. */
function complete(root, place, wanted, choices) {
  const change = (event) => place.go(addressOf({ ...wanted, question: "", collection: event.target.value, filters: {} }));
  root.querySelector("#filters").replaceChildren(filters.controls(wanted, choices, state.turns.length ? null : change));
  if (state.turns.length) return;
  const size = choices.collections.find((one) => one.name === wanted.collection);
  const below = root.querySelector("#below");
  if (!size || !size.documents) {
    below.replaceChildren(el("p.soft", null, t("ask.empty"), " ", el("a", { href: "/articles" }, t("ask.empty.add"))));
    return;
  }
  below.replaceChildren(el("p.small.soft", null, t("ask.size", number(size.documents), number(size.passages))));
  examples(wanted).then((found) => found && below.prepend(found));
}

async function examples(wanted) {
  const address = `/v1/collections/${encodeURIComponent(wanted.collection)}/examples`;
  const { questions } = await api.get(address, { language: language() }).catch(() => ({ questions: [] }));
  return questions.length > 0 && el("div.examples", null, el("h2.label", null, t("ask.examples")),
    el("ul.plain", null, questions.map((question) => el("li", null,
      el("a", { href: addressOf({ ...wanted, question }) }, question)))));
}

function actions(turn, i) {
  const [buttons, below] = feedback.feedback(turn, api);
  const view = viewOf(turn, i);
  const copying = (label, text) => el("button.quiet", { type: "button", click: (event) => told(event.currentTarget, label, text()) }, t(label));
  return el("div.actions", null, el("div.row.small", null,
    copying("ask.copy", () => asText(turn, view)), copying("ask.markdown", () => asMarkdown(turn, view)),
    copying("ask.share", () => new URL(addressOf(turn), location.href).href), el("span.thumbs", null, buttons)), below);
}

async function told(button, label, text) {
  const done = t((await copy(text)) ? "ask.copied" : "ask.uncopied");
  button.textContent = done;
  announce(done);
  setTimeout(() => { button.textContent = t(label); }, 2000);
}
