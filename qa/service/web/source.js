// Source view: one document whole, as it was read or without what search leaves out, with what was quoted.

import { api } from "./api.js";
import { el, entitle, languageOf, website } from "./dom.js";
import { day, number, t } from "./i18n.js";
import { readSpans } from "./spans.js";
import { reading } from "./reading.js";
import { ruleName, texts as words } from "./source-texts.js";
import { checks } from "./verify.js";

export const texts = words;

/** What survives a change of language: the document last shown, and which view was chosen. */
const kept = { address: null, document: null, view: "original" };

export async function show(root, place) {
  const wanted = asked(place);
  root.append(el("p.soft", null, t("loading")));
  const document_ = await load(place.id, wanted.collection);
  entitle(document_.about.title);
  if (!root.isConnected) return undefined;
  const url = URL.createObjectURL(new Blob([document_.bytes], { type: "text/plain;charset=utf-8" }));
  draw(root, document_, wanted, url);
  return () => URL.revokeObjectURL(url);
}

function asked({ parameters }) {
  const [span] = readSpans(`${parameters.get("start")}-${parameters.get("end")}`);
  return { span: span && span.end > span.start ? span : null, sha256: parameters.get("sha256"), marks: readSpans(parameters.get("marks")), collection: parameters.get("collection") };
}

async function load(id, collection) {
  const address = `/v1/documents/${encodeURIComponent(id)}`;
  const key = `${address}?${collection}`;
  if (kept.address !== key) {
    const [about, bytes, { removed }, { passages }] = await Promise.all([
      api.get(address, { collection }), api.bytes(`${address}/source`, { collection }),
      api.get(`${address}/removed`, { collection }), api.get(`${address}/passages`, { collection }),
    ]);
    // A byte order mark counts as a character: it is not dropped.
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    Object.assign(kept, { address: key, document: { about, bytes, removed, passages, text } });
  }
  return kept.document;
}

function draw(root, document_, wanted, url) {
  const { about, text, removed } = document_;
  const body = reading(text, removed, wanted);
  const status = el("ul.plain.checks", null, el("li.soft", null, t("source.checking")));
  root.replaceChildren(
    el("header.head", null, el("p.small", null, el("a", { href: "/articles" }, t("nav.articles"))),
      el("h1", { lang: languageOf(about.title) }, about.title), el("p.soft", null, line(about))),
    el("div.source", null,
      el("div.original", null, views(body, removed), body),
      el("aside.about", { "aria-label": t("source.about") },
        el("div", { role: "status", "aria-label": t("source.checks") }, status), metadata(about, wanted), links(about, url), leftOut(text, removed))));
  choose(body, kept.view);
  arrive(body);
  checks(document_, wanted).then((found) => status.replaceChildren(...found.map(check)));
}

const line = ({ publisher, author, published }) => [publisher, author, published && day(published)].filter(Boolean).join(" · ");

const check = ({ good, text }) => el(`li.${good === null ? "unknown" : good ? "good" : "bad"}`, null,
  el("span", { "aria-hidden": "true" }, good === null ? "?" : good ? "✓" : "✗"), text);

function views(body, removed) {
  if (!removed.length) return null;
  const buttons = ["original", "cleaned"].map((view) =>
    el("button", { type: "button", "aria-pressed": String(kept.view === view), click: () => change(view) }, t(`source.${view}`)));
  const change = (view) => {
    kept.view = view;
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(view === ["original", "cleaned"][i])));
    choose(body, view);
    arrive(body);
  };
  return el("div.views.row.small", { role: "group", "aria-label": t("source.views") }, buttons);
}

const choose = (body, view) => body.classList.toggle("cleaned", view === "cleaned");

/** To what was quoted; twice, for what lies between here and there has its true height only once it is drawn. */
function arrive(body) {
  const target = body.querySelector("mark.support") || body.querySelector("mark");
  if (!target) return;
  const scroll = () => target.scrollIntoView({ block: "center" });
  scroll();
  requestAnimationFrame(() => requestAnimationFrame(scroll));
}

/** Beside the text there is room for everything; above it, on a phone, facts are folded. */
const wide = () => matchMedia("(min-width: 62rem)").matches;

function metadata(about, { span }) {
  const rows = [
    ["source.kind", about.kind === "digest" && t("passage.digest.long")], ["source.name", about.name], ["source.format", about.format],
    ["source.length", t("source.characters", number(about.characters))], ["source.passages", number(about.passages)],
    ["source.span", span && `${number(span.start)}–${number(span.end)}`], ["source.added", about.added.slice(0, 10)],
    ["source.sha256", about.sha256], ["source.raw", about.raw_sha256],
  ];
  return el("details.small", { open: wide() }, el("summary", null, t("source.about")),
    el("dl.facts-list", null, rows.filter(([, value]) => value).map(([name, value]) => [el("dt", null, t(name)), el("dd", null, value)])));
}

function links(about, url) {
  const name = `${about.name.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(-80)}${/\.(?:txt|md)$/i.test(about.name) ? "" : ".txt"}`;
  return el("p.links.small", null, el("a", { href: url, download: name }, t("source.download")),
    website(about.url) && el("a", { href: about.url, target: "_blank", rel: "noopener noreferrer" }, `${t("passage.website")} ↗`));
}

/** What search leaves out, by rule: how often, and how many characters. */
function leftOut(text, removed) {
  if (!removed.length) return el("p.small.soft", null, t("source.nothing.removed"));
  const rules = new Map();
  for (const { rule, start, end } of removed) {
    const [times, characters] = rules.get(rule) || [0, 0];
    rules.set(rule, [times + 1, characters + end - start]);
  }
  return el("details.small", { open: wide() }, el("summary", null, t("source.removed")),
    el("ul.plain.soft", null, [...rules].sort((a, b) => b[1][1] - a[1][1]).map(([rule, [times, characters]]) =>
      el("li", null, t("source.removed.rule", ruleName(rule), number(times), number(characters))))));
}
