// Articles: what is in a collection, what is added to it and taken from it.

import { api } from "./api.js";
import { announce, el, languageOf } from "./dom.js";
import { day, explain, locale, number, t } from "./i18n.js";
import * as sending from "./uploads.js";

const words = {
  en: {
    "articles.title": "Articles", "articles.collection": "Collection", "articles.find": "Find by title or publisher", "articles.count": (n) => (n === 1 ? "1 article" : `${number(n)} articles`),
    "articles.none": "No article is called so.", "articles.empty": "There are no articles here yet.", "articles.passages": (n) => (n === 1 ? "1 passage" : `${number(n)} passages`),
    "articles.copy": "copy of", "articles.another": "another article", "articles.digest": "digest", "articles.delete": "Delete", "articles.deleteOne": (name) => `Delete ${name}`,
    "articles.deleted": (name) => `“${name}” was deleted.`, "articles.undo": "Undo", "articles.restored": (name) => `“${name}” is back.`,
    "articles.trash": "Deleted lately", "articles.until": (when) => `can be brought back until ${when}`, "articles.restore": "Bring back", "articles.restoreOne": (name) => `Bring back ${name}`,
    "articles.previous": "Previous", "articles.next": "Next", "articles.pages": "Pages of the list", "articles.manage": "Collections", "articles.name": "New collection", "articles.rule": "a–z, 0–9, - and _",
    "articles.create": "Make it", "articles.drop": (name) => `Delete the collection ${name}`, "articles.sure": (name, articles) => `Delete the collection “${name}” with ${articles}, for good?`, "articles.yes": "Delete it for good",
    "articles.zh": "Chinese", "articles.en": "English", "articles.other": "other language",
  },
  zh: {
    "articles.title": "文章", "articles.collection": "集合", "articles.find": "按标题或发布者查找", "articles.count": (n) => `${number(n)} 篇文章`,
    "articles.none": "没有这样的文章。", "articles.empty": "这里还没有文章。", "articles.passages": (n) => `${number(n)} 个段落`,
    "articles.copy": "重复：", "articles.another": "另一篇文章", "articles.digest": "摘要", "articles.delete": "删除", "articles.deleteOne": (name) => `删除《${name}》`,
    "articles.deleted": (name) => `已删除《${name}》。`, "articles.undo": "撤销", "articles.restored": (name) => `已恢复《${name}》。`,
    "articles.trash": "最近删除", "articles.until": (when) => `${when} 之前可以恢复`, "articles.restore": "恢复", "articles.restoreOne": (name) => `恢复《${name}》`,
    "articles.previous": "上一页", "articles.next": "下一页", "articles.pages": "列表分页", "articles.manage": "集合", "articles.name": "新集合", "articles.rule": "a–z、0–9、- 和 _",
    "articles.create": "新建", "articles.drop": (name) => `删除集合 ${name}`, "articles.sure": (name, articles) => `永久删除集合“${name}”和其中的 ${articles}？`, "articles.yes": "永久删除",
    "articles.zh": "中文", "articles.en": "英文", "articles.other": "其他语言",
  },
};
export const texts = Object.fromEntries(["en", "zh"].map((one) => [one, { ...sending.texts[one], ...words[one] }]));
export const title = () => t("articles.title");

const PAGE = 50;
const WAIT_MS = 250;

/** What the page shows: collection, search words, place in the list, and what was just deleted. */
let latest = null;

export async function show(root, place) {
  const collection = place.parameters.get("collection") || "default";
  const view = { collection, wanted: place.parameters.get("q") || "", offset: Number(place.parameters.get("offset")) || 0, place, drawn: 0 };
  const { collections } = await api.get("/v1/collections");
  if (latest && latest.collection !== collection) latest = null;
  Object.assign(view, { list: el("div"), undone: el("div.undo", { role: "status" }), trash: el("div") });
  const adding = el("div"), beside = el("div", null, adding, view.trash, managing(view, collections));
  root.append(el("h1", null, t("articles.title")), el("div.beside", null, el("div", null, controls(view, collections), view.undone, view.list), beside));
  const leave = sending.uploads(adding, collection, () => refresh(view));
  await refresh(view);
  beside.hidden = !view.changing;
  return leave;
}

const address = ({ collection, wanted, offset }, more) => {
  const parameters = Object.entries({ collection: collection === "default" ? "" : collection, q: wanted, offset: offset || "", ...more }).filter(([, value]) => value);
  return `/articles${parameters.length ? `?${new URLSearchParams(parameters)}` : ""}`;
};

function controls(view, collections) {
  const find = el("input", { type: "search", id: "find", maxlength: 200, value: view.wanted });
  let waiting = 0;
  find.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      Object.assign(view, { wanted: find.value.trim(), offset: 0 });
      history.replaceState(null, "", address(view));
      refresh(view);
    }, WAIT_MS);
  });
  const names = [...new Set([...collections.map((one) => one.name), view.collection])];
  const choose = el("select", { id: "collection", change: () => view.place.go(address({ collection: choose.value })) },
    names.map((name) => el("option", { value: name, selected: name === view.collection }, name)));
  return el("div.fields", { role: "search" }, el("div.field.wide", null, el("label", { for: "find" }, t("articles.find")), find),
    names.length > 1 && el("div.field", null, el("label", { for: "collection" }, t("articles.collection")), choose));
}

async function refresh(view) {
  const turn = ++view.drawn;
  try {
    const [found, trash] = await Promise.all([listed(view), deleted(view)]);
    if (turn !== view.drawn) return;
    view.list.replaceChildren(...listShown(view, found));
    view.trash.replaceChildren(...(trash.length ? [trashShown(view, trash)] : []));
    view.undone.replaceChildren(...(latest ? [undoShown(view, latest)] : []));
  } catch (error) {
    if (turn === view.drawn) view.list.replaceChildren(el("p.notice.bad", { role: "alert" }, explain(error)));
  }
}

const listed = ({ collection, wanted: q, offset }) => api.get("/v1/documents", { collection, q, offset, limit: PAGE });

/** What can be brought back. Only who may change the collection is told, and shown how to. */
async function deleted(view) {
  try {
    const { documents } = await api.get("/v1/trash", { collection: view.collection });
    view.changing = true;
    return documents;
  } catch (error) {
    view.changing = error.status !== 403;
    if (error.status === 403 || error.status === 404) return [];
    throw error;
  }
}

function listShown(view, { documents, total, duplicates }) {
  if (!documents.length) return [el("p.soft", null, view.wanted ? t("articles.none") : t("articles.empty"))];
  const copies = new Map(duplicates.map((pair) => [pair.document_id, pair.copy_of]));
  const titles = new Map(documents.map((one) => [one.id, one.title]));
  return [el("p.small.soft", null, t("articles.count", total)),
    el("ul.plain.articles", null, documents.map((one) => articleShown(view, one, copies.get(one.id), titles))), pager(view, total)].filter(Boolean);
}

function articleShown(view, one, original, titles) {
  const facts = [one.publisher, one.published && day(one.published), t(`articles.${one.language}`), t("articles.passages", one.passages), one.kind === "digest" && t("articles.digest"), one.name !== one.title && one.name];
  const link = (id, name) => el("a", { href: sending.documentAddress(id, view.collection), lang: languageOf(name) }, name);
  return el("li.article", { "data-id": one.id }, el("div", null, el("h2", null, link(one.id, one.title)), el("p.small.soft", null, facts.filter(Boolean).join(" · ")),
    original && el("p.small.copy", null, `${t("articles.copy")} `, link(original, titles.get(original) || t("articles.another")))),
  view.changing && el("button.quiet", { type: "button", "aria-label": t("articles.deleteOne", one.title), click: (event) => remove(view, one, event.target) }, t("articles.delete")));
}

async function remove(view, one, button) {
  button.disabled = true;
  try {
    await api.delete(`/v1/documents/${encodeURIComponent(one.id)}`, { collection: view.collection });
    latest = { id: one.id, title: one.title, collection: view.collection };
  } catch (error) {
    latest = { collection: view.collection, problem: error };
  }
  await refresh(view);
  const undo = view.undone.querySelector("button");
  if (undo) undo.focus();
}

async function restore(view, { id, title: name }) {
  try {
    await api.post(`/v1/documents/${encodeURIComponent(id)}/restore?${new URLSearchParams({ collection: view.collection })}`);
    latest = null;
    announce(t("articles.restored", name));
  } catch (error) {
    latest = { collection: view.collection, problem: error };
  }
  await refresh(view);
  const back = [...view.list.querySelectorAll("li.article")].find((item) => item.dataset.id === id);
  if (back) back.querySelector("a").focus();
}

function undoShown(view, { id, title: name, problem }) {
  if (problem) return el("p.notice.bad", { role: "alert" }, explain(problem));
  return el("p.notice.row", null, el("span", null, t("articles.deleted", name)), el("button", { type: "button", click: () => restore(view, { id, title: name }) }, t("articles.undo")));
}

function trashShown(view, documents) {
  const when = (iso) => new Date(iso).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
  const item = (one) => el("li.article", null, el("div", null, el("p", { lang: languageOf(one.title) }, one.title), el("p.small.soft", null, t("articles.until", when(one.until)))),
    el("button", { type: "button", "aria-label": t("articles.restoreOne", one.title), click: () => restore(view, one) }, t("articles.restore")));
  return el("details.card.trash", null, el("summary", null, `${t("articles.trash")} (${number(documents.length)})`), el("ul.plain.articles", null, documents.map(item)));
}

function pager(view, total) {
  if (total <= PAGE) return null;
  const link = (name, offset) => (offset < 0 || offset >= total ? el("span.soft", null, t(name)) : el("a", { href: address({ ...view, offset }) }, t(name)));
  return el("nav.row.pager", { "aria-label": t("articles.pages") }, link("articles.previous", view.offset - PAGE),
    el("span.small.soft", null, `${number(view.offset + 1)}–${number(Math.min(view.offset + PAGE, total))}`), link("articles.next", view.offset + PAGE));
}

function managing(view, collections) {
  const said = el("p.small.problem", { role: "alert" });
  const name = el("input", { id: "new-collection", required: true, maxlength: 64, pattern: "[a-z0-9][a-z0-9_\\-]*", autocomplete: "off", "aria-describedby": "rule" });
  const attempt = async (work, after) => {
    try {
      await work();
      view.place.go(after());
    } catch (error) { said.replaceChildren(explain(error)); }
  };
  const create = (event) => { event.preventDefault(); attempt(() => api.post("/v1/collections", { name: name.value }), () => address({ collection: name.value })); };
  const known = collections.some((one) => one.name === view.collection) && view.collection !== "default";
  const drop = async () => {
    const now = (await api.get("/v1/collections")).collections.find((one) => one.name === view.collection);
    if (!now || (await sure(now))) attempt(() => api.delete(`/v1/collections/${encodeURIComponent(view.collection)}`), () => "/articles");
  };
  return el("details.card", null, el("summary", null, t("articles.manage")),
    el("form.stack", { submit: create }, el("div.field", null, el("label", { for: "new-collection" }, t("articles.name")), name, el("span.small.soft", { id: "rule" }, t("articles.rule"))), el("p", null, el("button", { type: "submit" }, t("articles.create")))),
    known && el("p", null, el("button", { type: "button", click: drop }, t("articles.drop", view.collection))), said);
}

/** Resolves to true where somebody says yes: a collection does not come back. */
function sure({ name, documents }) {
  const box = el("dialog", { "aria-labelledby": "sure" }, el("form", { method: "dialog" }, el("p", { id: "sure" }, t("articles.sure", name, t("articles.count", documents))),
    el("p.row", null, el("button.main", { value: "yes" }, t("articles.yes")), el("button", { value: "" }, t("cancel")))));
  document.body.append(box);
  box.showModal();
  return new Promise((resolve) => box.addEventListener("close", () => { box.remove(); resolve(box.returnValue === "yes"); }));
}
