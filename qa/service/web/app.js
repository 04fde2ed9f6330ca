// The shell: header, navigation, theme, language, key; and which module draws which address.
//
// To add a page: write a module here that exports
//   texts = { en: {...}, zh: {...} }      what it says (see i18n.js); prefix the keys with the page's name
//   title(place)                          for the window; may be left out
//   async show(root, place)               draws into root; may return a function that is called when it is left
// and enter it in PAGES (and its address in qa/service/pages.py). `place` is { id, parameters, go }: the matched part
// of the address, its URLSearchParams, and go(address, { replace }) to move on. A page is drawn anew when the language
// changes: keep what must survive that (drafts, uploads under way) in variables of the module. Build with el() and
// svg() of dom.js, call the service through `api` of api.js, style with the tokens of base.css in pages.css or a
// stylesheet of your own linked in index.html. Links between pages are plain <a href>: the shell follows them.

import { onLocked } from "./api.js";
import { announce, el, entitle } from "./dom.js";
import { add, explain, language, setLanguage, t } from "./i18n.js";
import { choice, choose } from "./kept.js";
import { askForKey } from "./key.js";
import { texts } from "./texts.js";

const PAGES = [
  { path: /^\/$/, module: () => import("./ask.js"), home: "/", name: "nav.ask" },
  { path: /^\/articles$/, module: () => import("./articles.js"), home: "/articles", name: "nav.articles" },
  { path: /^\/evals$/, module: () => import("./evals.js"), home: "/evals", name: "nav.evals" },
  { path: /^\/documents\/([^/]+)$/, module: () => import("./source.js") },
];
const THEMES = ["auto", "light", "dark"];

const root = document.getElementById("page");
let leave = null;
let drawing = 0;

const pageAt = (path) => PAGES.find((page) => page.path.test(path));

function go(address, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  return draw({ moved: true });
}

function problem(error) {
  return el("div.notice.bad", { role: "alert" }, el("p", null, explain(error)),
    el("p", null, el("button", { type: "button", click: () => draw({}) }, t("again"))));
}

async function draw({ moved = false }) {
  const turn = ++drawing;
  const page = pageAt(location.pathname);
  frame(page);
  if (leave) leave();
  leave = null;
  const target = el("div.page");
  try {
    const module = await page.module();
    if (turn !== drawing) return;
    add(module.texts);
    const id = decodeURIComponent(page.path.exec(location.pathname)[1] || "");
    const place = { id, parameters: new URLSearchParams(location.search), go };
    entitle(module.title && module.title(place));
    root.replaceChildren(target);
    if (moved) arrive();
    const left = await module.show(target, place);
    if (turn === drawing) leave = left;
    else if (left) left();
  } catch (error) {
    if (turn === drawing) root.replaceChildren(problem(error));
  }
}

function arrive() {
  scrollTo(0, 0);
  root.focus({ preventScroll: true });
  announce(document.title);
}

function frame(current) {
  document.documentElement.lang = language() === "zh" ? "zh-Hans" : "en";
  document.getElementById("skip").textContent = t("skip");
  const links = PAGES.filter((page) => page.home).map((page) =>
    el("a", { href: page.home, "aria-current": page === current ? "page" : null }, t(page.name)));
  document.getElementById("top").replaceChildren(
    el("a.brand", { href: "/" }, "citeqa"),
    el("nav", { "aria-label": t("nav") }, links, el("a", { href: "/docs" }, t("nav.api"))),
    el("div.tools", null, themeButton(), languageButton()));
}

function languageButton() {
  const other = language() === "zh" ? "en" : "zh";
  const change = () => { setLanguage(other); refocus("language", draw({})); };
  return el("button.tool", { type: "button", id: "language", lang: other, click: change }, t("language.other"));
}

function themeButton() {
  const now = THEMES.includes(choice("theme")) ? choice("theme") : "auto";
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  const change = () => { setTheme(next); frame(pageAt(location.pathname)); refocus("theme"); };
  return el("button.tool", { type: "button", id: "theme", "aria-label": t("theme.is", t(`theme.${now}`)), title: t("theme.is", t(`theme.${now}`)), click: change },
    { auto: "◐", light: "☼", dark: "☾" }[now]);
}

function setTheme(theme) {
  choose("theme", theme);
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** The header is drawn anew: whoever used one of its buttons stays on it. */
const refocus = async (id, after) => { document.getElementById(id).focus(); await after; };

function follow(event) {
  const link = event.target.closest && event.target.closest("a[href]");
  const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!link || !plain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
  if (link.origin !== location.origin || !pageAt(link.pathname) || link.getAttribute("href").startsWith("#")) return;
  event.preventDefault();
  go(link.href);
}

add(texts);
onLocked(askForKey);
document.addEventListener("click", follow);
addEventListener("popstate", () => draw({ moved: true }));
draw({});
