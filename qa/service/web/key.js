// Asking for an API key, where the service wants one.

import { el } from "./dom.js";
import { t } from "./i18n.js";
import { keepKey } from "./kept.js";

let asking = null;

/** Resolves to true when a key was given, to false when the question was put away. Many callers share one dialog. */
export function askForKey() {
  asking ||= dialog().finally(() => { asking = null; });
  return asking;
}

function dialog() {
  const input = el("input", { type: "password", id: "key", autocomplete: "off", spellcheck: "false", required: true });
  const box = el("dialog.key", { "aria-labelledby": "key-title" }, el("form", { method: "dialog" },
    el("h2", { id: "key-title" }, t("key.title")), el("p", null, t("key.why")),
    el("label", { for: "key" }, t("key.label")), input,
    el("p.row", null, el("button.main", { type: "submit", value: "use" }, t("key.use")),
      el("button", { type: "submit", value: "", formnovalidate: true }, t("cancel")))));
  document.body.append(box);
  box.showModal();
  return new Promise((resolve) => box.addEventListener("close", () => {
    const given = box.returnValue === "use" && input.value.trim();
    if (given) keepKey(given);
    box.remove();
    resolve(Boolean(given));
  }));
}
