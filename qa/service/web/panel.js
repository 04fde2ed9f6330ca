// The widget's box, in a shadow root: neither side's styles reach the other.

import * as answers from "./answer.js";
import { client } from "./api.js";
import { el } from "./dom.js";
import * as feedback from "./feedback.js";
import { add, locale, speak, t } from "./i18n.js";
import * as passages from "./passage.js";
import { texts as shell } from "./texts.js";
import { newTurn, run } from "./turn.js";

const texts = {
  en: {
    "panel.label": "Your question", "panel.placeholder": "Ask the articles", "panel.go": "Ask", "panel.open": "Open in full",
    "error.unreachable": "The service cannot be reached from this page.", "error.foreign_origin": "This page may not ask the service.",
  },
  zh: {
    "panel.label": "你的问题", "panel.placeholder": "向文章提问", "panel.go": "提问", "panel.open": "打开完整页面",
    "error.unreachable": "此页面无法连接服务。", "error.foreign_origin": "此页面不允许访问该服务。",
  },
};
const STYLES = ["base.css", "ask.css", "panel.css"];

async function style(root, base) {
  const sheets = await Promise.all(STYLES.map(async (name) => {
    const sheet = new CSSStyleSheet();
    return sheet.replace(await (await fetch(`${base}/web/${name}`, { credentials: "omit" })).text());
  }));
  root.adoptedStyleSheets = sheets;
}

/** Puts the box into `place`. options: base (address of the service), key, lang, collection, theme, title. */
export async function mount(place, { base, key, lang, collection = "default", theme, title }) {
  for (const each of [shell, answers.texts, feedback.texts, passages.texts, texts]) add(each);
  if (lang) speak(lang.toLowerCase().startsWith("zh") ? "zh" : "en");
  if (theme) place.dataset.theme = theme;
  const root = place.attachShadow({ mode: "open" });
  await style(root, base);
  const service = client({ base, key: () => key || null });
  root.append(box({ base, collection, title, service }));
}

function box({ base, collection, title, service }) {
  const columns = el("div.columns", { "aria-live": "polite" });
  const input = el("input", { type: "text", maxlength: 2000, required: true, autocomplete: "off", enterkeyhint: "search", "aria-label": t("panel.label"), placeholder: t("panel.placeholder") });
  let stop = null;
  const submit = (event) => {
    event.preventDefault();
    if (stop) stop.abort();
    stop = new AbortController();
    const turn = newTurn({ question: input.value.trim(), collection });
    const draw = () => answers.drawTurn(columns, turn, viewOf(turn, base, service));
    draw();
    run(turn, service, draw, stop.signal);
  };
  answers.connect(columns);
  return el("section.panel", { lang: locale(), "aria-label": title || t("panel.placeholder") },
    title && el("h2", null, title),
    el("form.ask", { role: "search", submit }, el("div.box", null, input, el("button.main", { type: "submit" }, t("panel.go")))), columns);
}

function viewOf(turn, base, service) {
  const query = turn.collection === "default" ? "" : `?${new URLSearchParams({ collection: turn.collection })}`;
  const link = { target: "_blank", rel: "noopener" };
  return {
    prefix: "citeqa-", link,
    source: (citation, marks) => base + passages.sourceAddress(citation, turn.collection, marks),
    document: (id) => `${base}/documents/${encodeURIComponent(id)}${query}`,
    actions: () => actions(turn, `${base}/?${new URLSearchParams({ q: turn.question, collection: turn.collection })}`, link, service),
  };
}

function actions(turn, address, link, service) {
  const [buttons, below] = feedback.feedback(turn, service);
  return el("div.actions", null, el("div.row.small", null, buttons, el("a", { href: address, ...link }, t("panel.open"))), below);
}
