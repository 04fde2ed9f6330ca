"use strict";
// The search page: ask, read the passages, see each quote in its source.
// Offsets of the API count code points, JavaScript counts UTF-16 units: texts are cut as arrays of code points.

const TEXTS = {
  en: { docs: "API", ask: "Ask in Chinese or English", search: "Search", other: "中文", none: "Nothing found.",
    unanswerable: "The articles do not seem to answer this. The nearest passages:", found: (n, ms) => `${n} ${n === 1 ? "passage" : "passages"} in ${ms} ms`,
    source: "in the source", original: "original page", also: "also in", digest: "digest", page: "page", back: "back", searching: "Searching …" },
  zh: { docs: "接口", ask: "用中文或英文提问", search: "搜索", other: "English", none: "没有找到。",
    unanswerable: "文章中似乎没有答案。最接近的段落：", found: (n, ms) => `${n} 个段落，${ms} 毫秒`,
    source: "查看原文", original: "原网页", also: "另见", digest: "摘要", page: "页", back: "返回", searching: "正在搜索……" },
};
const at = (id) => document.getElementById(id);
let language = navigator.language.startsWith("zh") ? "zh" : "en";
let shown = null;
const say = (key, ...values) => values.length ? TEXTS[language][key](...values) : TEXTS[language][key];

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function marked(text, start, spans) {
  const points = Array.from(text), parts = document.createDocumentFragment();
  let done = 0;
  for (const [from, to] of spans) {
    parts.append(points.slice(done, from - start).join(""), element("mark", points.slice(from - start, to - start).join("")));
    done = to - start;
  }
  parts.append(points.slice(done).join(""));
  return parts;
}

function about(citation) {
  const facts = [citation.publisher, citation.author, citation.published, citation.heading];
  if (citation.page) facts.push(`${say("page")} ${citation.page}`);
  if (citation.kind === "digest") facts.push(say("digest"));
  const line = element("p", facts.filter(Boolean).join(" · "), { class: "about" });
  line.append(" ", element("a", say("source"), { href: `#${citation.document_id}/${citation.start}-${citation.end}` }));
  if (/^https?:\/\//i.test(citation.url || "")) line.append(" ", element("a", say("original"), { href: citation.url, rel: "noopener noreferrer" }));
  if (citation.also_in.length) line.append(` ${say("also")}: ${citation.also_in.map((other) => other.title).join("; ")}`);
  return line;
}

function hit({ citation }) {
  const item = element("li"), quote = element("blockquote");
  quote.append(marked(citation.quote, citation.start, citation.highlights));
  item.append(element("h2", `${citation.marker} ${citation.title}`), quote, about(citation));
  return item;
}

function status(text, problem = false) {
  at("status").textContent = text;
  at("status").className = problem ? "problem" : "";
}

async function call(address, options) {
  const answer = await fetch(address, options);
  if (answer.ok) return answer;
  const { error } = await answer.json();
  throw new Error([error.message, error.hint].filter(Boolean).join(" "));
}

function showHits() {
  at("source").hidden = true;
  at("hits").hidden = false;
  if (!shown) return;
  at("hits").replaceChildren(...shown.hits.map(hit));
  const outcome = shown.hits.length === 0 ? say("none") : shown.answerable ? "" : say("unanswerable");
  status([outcome, say("found", shown.hits.length, shown.took_ms.total)].filter(Boolean).join(" "));
}

async function search() {
  const query = at("question").value;
  status(say("searching"));
  const answer = await call("/v1/search", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ query }) });
  shown = await answer.json();
  if (location.hash) location.hash = "";
  showHits();
}

async function showSource(id, start, end) {
  const address = `/v1/documents/${encodeURIComponent(id)}`;
  const facts = await (await call(address)).json(), bytes = await (await call(`${address}/source`)).arrayBuffer();
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes); // a byte order mark counts as a character
  const body = element("div", "", { class: "text" });
  body.append(marked(text, 0, [[start, end]]));
  at("source").replaceChildren(element("a", `← ${say("back")}`, { href: "#" }), element("h2", facts.title),
    element("p", [facts.publisher, facts.author, facts.published, facts.name].filter(Boolean).join(" · "), { class: "about" }), body);
  at("source").hidden = false;
  at("hits").hidden = true;
  status("");
  body.querySelector("mark").scrollIntoView({ block: "center" });
}

async function route() {
  const place = /^#([^/]+)\/(\d+)-(\d+)$/.exec(location.hash);
  if (place) await showSource(decodeURIComponent(place[1]), Number(place[2]), Number(place[3]));
  else showHits();
}

function translate() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
  at("language").textContent = say("other");
}

const reported = (work) => () => work().catch((error) => status(error.message, true));
at("ask").addEventListener("submit", (event) => { event.preventDefault(); reported(search)(); });
at("language").addEventListener("click", () => { language = language === "zh" ? "en" : "zh"; translate(); reported(route)(); });
addEventListener("hashchange", reported(route));
translate();
reported(route)();
