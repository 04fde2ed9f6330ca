// Evals: how good the answers are.

import { el } from "./dom.js";
import { t } from "./i18n.js";

export const texts = {
  en: { "evals.title": "Evals", "evals.how": "`qa eval` measures this service with a set of questions." },
  zh: { "evals.title": "评测", "evals.how": "`qa eval` 用一组问题测量此服务。" },
};

export const title = () => t("evals.title");

export async function show(root) {
  root.append(el("h1", null, t("evals.title")), el("p", null, t("evals.how")));
}
