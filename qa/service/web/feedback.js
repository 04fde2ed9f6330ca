// Thumbs: a verdict on an answer, with a comment if there is one. It is kept for the eval set.

import { announce, el, svg } from "./dom.js";
import { explain, t } from "./i18n.js";

export const texts = {
  en: {
    "feedback.up": "A good answer", "feedback.down": "Not a good answer", "feedback.comment": "What was good, or what is wrong? (optional)",
    "feedback.send": "Send", "feedback.thanks": "Thank you. It is kept for the evaluation.",
  },
  zh: {
    "feedback.up": "回答得好", "feedback.down": "回答得不好", "feedback.comment": "好在哪里，或错在哪里？（选填）",
    "feedback.send": "提交", "feedback.thanks": "谢谢，已留作评测之用。",
  },
};

const THUMB = "M7.5 9.2 10.4 3c1.3 0 2 .9 2 2.1v3h3.7c1.1 0 1.8.9 1.6 1.9l-1 5.4c-.2.8-.8 1.4-1.7 1.4H7.5zM2.8 9.2h2.4v7.6H2.8z";
const thumb = (verdict) => svg(`svg.thumb.${verdict}`, { viewBox: "0 0 20 20", width: 18, height: 18, "aria-hidden": "true" },
  svg("path", { d: THUMB, fill: "none", stroke: "currentColor", "stroke-width": 1.4, "stroke-linejoin": "round" }));

/** [the two buttons, the form that opens below them]. What was sent stays sent when the page is drawn anew. */
export function feedback(turn, service) {
  const below = el("div.comment", { hidden: true });
  const buttons = ["up", "down"].map((verdict) =>
    el("button.quiet", { type: "button", "aria-label": t(`feedback.${verdict}`), title: t(`feedback.${verdict}`), "aria-pressed": String(turn.verdict === verdict), click: () => choose(verdict) }, thumb(verdict)));
  const choose = (verdict) => {
    turn.verdict = verdict;
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(verdict === ["up", "down"][i])));
    below.replaceChildren(form(turn, below, service));
    below.hidden = false;
    below.querySelector("textarea").focus();
  };
  return [buttons, below];
}

function form(turn, below, service) {
  const comment = el("textarea", { rows: 2, maxlength: 2000, "aria-label": t("feedback.comment"), placeholder: t("feedback.comment") });
  const submit = async (event) => {
    event.preventDefault();
    try {
      await service.post("/v1/feedback", verdictOn(turn, comment.value.trim()));
      below.replaceChildren(el("p.small.soft", null, t("feedback.thanks")));
      announce(t("feedback.thanks"));
    } catch (error) {
      below.replaceChildren(el("p.small", { role: "alert" }, explain(error)), form(turn, below, service));
    }
  };
  return el("form", { submit }, comment, el("button", { type: "submit" }, t("feedback.send")));
}

function verdictOn({ question, collection, verdict, answer }, comment) {
  const said = Array.from(answer.answer).slice(0, 10_000).join("");
  return { question, collection, language: answer.language, verdict, answer: said, ...(comment && { comment }) };
}
