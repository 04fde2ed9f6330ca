// What a question may be restricted to: a collection, a publisher, dates.

import { api } from "./api.js";
import { el } from "./dom.js";
import { t } from "./i18n.js";

export const texts = {
  en: {
    "filters.title": "Where to look", "filters.collection": "Collection", "filters.publisher": "Publisher", "filters.any": "Any publisher",
    "filters.from": "From", "filters.to": "To", "filters.all": "all articles",
  },
  zh: {
    "filters.title": "查找范围", "filters.collection": "集合", "filters.publisher": "发布者", "filters.any": "不限发布者",
    "filters.from": "起始日期", "filters.to": "截止日期", "filters.all": "全部文章",
  },
};

const NAMES = { publisher: "publisher", from: "published_from", to: "published_to" };

/** The filters that an address names, as the API wants them. */
export function filtersOf(parameters) {
  return Object.fromEntries(Object.entries(NAMES).map(([name, field]) => [field, parameters.get(name)]).filter(([, value]) => value));
}

/** The same back, as parameters of an address. */
export function parametersOf(filters) {
  return Object.entries(NAMES).map(([name, field]) => [name, filters[field]]).filter(([, value]) => value);
}

/** A fold of controls with the ids of the form's fields: `collection`, `publisher`, `from`, `to`. */
export function controls({ collection, filters }, { collections, facets }, changed) {
  const { published_from: from, published_to: to, publisher } = filters;
  const names = [...new Set([...facets.publishers.map((one) => one.name), ...(publisher ? [publisher] : [])])];
  const chosen = [collection !== "default" && collection, publisher, from && `${from} →`, to && `→ ${to}`].filter(Boolean);
  const field = (id, label, input) => el("div.field", null, el("label", { for: id }, label), input);
  const range = facets.published_from && `${facets.published_from} – ${facets.published_to}`;
  const date = (id, value) => el("input", { type: "date", id, name: id, value, title: range });
  return el("details.filters", { open: chosen.length > 0 },
    el("summary.small", null, `${t("filters.title")}: `, el("span.soft", null, chosen.join(" · ") || t("filters.all"))),
    el("div.fields", null,
      collections.length > 1 && field("collection", t("filters.collection"), choice("collection", collections.map(({ name }) => [name, name]), collection, changed)),
      field("publisher", t("filters.publisher"), choice("publisher", [["", t("filters.any")], ...names.map((name) => [name, name])], publisher || "")),
      field("from", t("filters.from"), date("from", from)), field("to", t("filters.to"), date("to", to))));
}

const choice = (id, options, chosen, change) => el("select", { id, name: id, change },
  options.map(([value, label]) => el("option", { value, selected: value === chosen }, label)));

const empty = { publishers: [], published_from: null, published_to: null };

/** The collections there are and what may be chosen in one of them; nothing to choose where that cannot be read. */
export async function choices(collection) {
  const [{ collections }, facets] = await Promise.all([
    api.get("/v1/collections"),
    api.get(`/v1/collections/${encodeURIComponent(collection)}/facets`).catch(() => empty),
  ]);
  return { collections, facets };
}
