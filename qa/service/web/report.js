// The report of one eval: figures by language, by kind, abstention, calibration, speed, and the questions that are lost.

import { el } from "./dom.js";
import { number, t } from "./i18n.js";
import { bars, columns, curves, figure } from "./plots.js";

const named = (prefix, keys, said) => Object.fromEntries(keys.split(" ").map((key, place) => [`report.${prefix}.${key}`, said[place]]));

export const texts = {
  en: {
    "report.facts": (n, documents, passages) => `${n} questions, ${documents} articles, ${passages} passages`, "report.encoder": "encoder", "report.took": (s) => `took ${s} s`, "report.cells": "Language of question – language of passage, with 95% intervals",
    "report.questions": "questions", "report.ranks": "Rank of the first right hit", "report.rank": "rank", "report.share": "share", "report.kinds": "hit@1 by kind of question", "report.risk": "Risk–coverage: wrong answers when only the most confident are given", "report.coverage": "share answered", "report.wrong": "share wrong",
    "report.reliability": (ece) => `Reliability: does confidence mean what it says (ECE ${ece})`, "report.confidence": "confidence", "report.right": "share right", "report.parity": "Does the English question find what its Chinese twin finds", "report.both": "both", "report.zh": "only Chinese", "report.en": "only English", "report.neither": "neither",
    "report.refusals": "Knowing when the articles hold no answer", "report.answered": "answered right", "report.answeredWrong": "answered wrongly", "report.refused": "refused, though answerable", "report.refusedRight": "rightly refused", "report.answeredNone": "answered, though unanswerable", "report.latency": "Milliseconds for one search", "report.stages": "stage",
    "report.lost": (n) => `Questions whose answer does not come first: ${n}`, "report.false": (n) => `Questions answered though the articles hold no answer: ${n}`, "report.wanted": "wanted", "report.came": "came instead", "report.at": (rank) => (rank ? `rank ${rank}` : "not among the first ten"), "report.more": (n) => `and ${n} more`, "report.figures": "All figures as JSON",
    ...named("kind", "fact figure name date list definition comparison paraphrase traditional typo keyword followup unanswerable far near premise", ["fact", "figure", "name", "date", "list", "definition", "comparison", "paraphrase", "Traditional", "typing error", "keywords", "follow-up", "unanswerable", "far off", "near miss", "false premise"]),
    ...named("stage", "encode candidates rerank total", ["encoding", "candidates", "late interaction", "total"]),
  },
  zh: {
    "report.facts": (n, documents, passages) => `${n} 个问题，${documents} 篇文章，${passages} 个段落`, "report.encoder": "编码模型", "report.took": (s) => `用时 ${s} 秒`, "report.cells": "问题语言 – 段落语言，附 95% 区间",
    "report.questions": "问题数", "report.ranks": "第一个正确结果的名次", "report.rank": "名次", "report.share": "比例", "report.kinds": "各类问题的 hit@1", "report.risk": "风险–覆盖曲线：只回答最有把握的问题时的错误率", "report.coverage": "回答比例", "report.wrong": "错误比例",
    "report.reliability": (ece) => `可靠性：可信度是否名副其实（ECE ${ece}）`, "report.confidence": "可信度", "report.right": "正确比例", "report.parity": "英文问题能否找到中文问题找到的内容", "report.both": "都找到", "report.zh": "仅中文", "report.en": "仅英文", "report.neither": "都没有",
    "report.refusals": "文章中没有答案时能否知道", "report.answered": "答对", "report.answeredWrong": "答错", "report.refused": "有答案却未答", "report.refusedRight": "正确地未答", "report.answeredNone": "没有答案却回答", "report.latency": "一次搜索的毫秒数", "report.stages": "阶段",
    "report.lost": (n) => `答案没有排在第一的问题：${n}`, "report.false": (n) => `没有答案却回答了的问题：${n}`, "report.wanted": "应为", "report.came": "实际返回", "report.at": (rank) => (rank ? `第 ${rank} 名` : "不在前十"), "report.more": (n) => `还有 ${n} 个`, "report.figures": "全部指标（JSON）",
    ...named("kind", "fact figure name date list definition comparison paraphrase traditional typo keyword followup unanswerable far near premise", ["事实", "数字", "名称", "日期", "列举", "定义", "比较", "换说法", "繁体", "错别字", "关键词", "追问", "无答案", "毫不相干", "似是而非", "前提有误"]),
    ...named("stage", "encode candidates rerank total", ["编码", "候选", "逐词比对", "合计"]),
  },
};

const MEASURES = ["hit@1", "hit@3", "hit@5", "recall@5", "mrr@10", "ndcg@10"];
const COUNTS = { answered_right: "answered", answered_wrong: "answeredWrong", refused_answerable: "refused", refused_unanswerable: "refusedRight", answered_unanswerable: "answeredNone" };

const share = (value) => (value === null || value === undefined ? "–" : number(value, 3));

const kindName = (kind) => t(`report.kind.${kind}`);

/** The parts of the report. `figures`: what `qa eval --json` prints; `report`: ranks, risk curves, lost questions. */
export function report({ about, figures, report: drawn }) {
  const encoder = (about.encoder || "").slice(0, 60);
  return [
    el("p.small.soft.facts", null, t("report.facts", number(figures.questions), number(figures.documents), number(figures.passages)), ` · ${t("report.took", number(about.seconds, 1))} · ${t("report.encoder")} ${encoder}`),
    ...figures.notes.map((note) => el("p.notice", null, note)),
    cells(figures), plots(figures, drawn), parity(figures.parity), refusals(figures.abstention), latency(figures.latency_ms),
    lost(t("report.lost", number(drawn.lost_total)), drawn.lost, drawn.lost_total), lost(t("report.false", number(drawn.wrongly_answered_total)), drawn.wrongly_answered, drawn.wrongly_answered_total),
    el("details", null, el("summary", null, t("report.figures")), el("pre", { tabindex: 0 }, JSON.stringify(figures, null, 1))),
  ].filter(Boolean);
}

function table(caption, head, rows) {
  return el("div.scroll", { tabindex: 0, role: "region", "aria-label": caption }, el("table.figures", null, el("caption.small.soft", null, caption),
    el("thead", null, el("tr", null, head.map((name) => (name ? el("th", { scope: "col" }, name) : el("td"))))),
    el("tbody", null, rows.map(([first, ...others]) => el("tr", null, el("th", { scope: "row" }, first), others.map((cell) => el("td", null, cell)))))));
}

function cells({ cells: measured }) {
  const rows = Object.entries(measured).filter(([, found]) => found.ci).map(([cell, found]) =>
    [cell, number(found.queries), ...MEASURES.map((name) => [share(found[name]), el("span.small.soft", null, ` ${share(found.ci[name][0])}–${share(found.ci[name][1])}`)])]);
  return rows.length > 0 && table(t("report.cells"), ["", t("report.questions"), ...MEASURES], rows);
}

function plots(figures, drawn) {
  const kinds = Object.fromEntries(Object.entries(figures.kinds).map(([kind, group]) =>
    [kind, Object.fromEntries(Object.entries(group).filter(([, found]) => "hit@1" in found).map(([cell, found]) => [cell, found["hit@1"]]))]).filter(([, group]) => Object.keys(group).length));
  const names = [...new Set(Object.values(kinds).flatMap(Object.keys))].sort();
  const ranks = Object.keys(drawn.ranks), risk = Object.keys(drawn.risk);
  const bins = figures.calibration.bins;
  const reliability = bins && t("report.reliability", share(figures.calibration.ece));
  return el("div.plots", null,
    ranks.length > 0 && figure(t("report.ranks"), columns(drawn.ranks, { x: t("report.rank"), y: t("report.share"), label: t("report.ranks") }), ranks),
    names.length > 0 && figure(t("report.kinds"), bars(kinds, names, { label: t("report.kinds"), said: kindName }), names),
    risk.length > 0 && figure(t("report.risk"), curves(drawn.risk, { x: t("report.coverage"), y: t("report.wrong"), label: t("report.risk") }), risk),
    bins && figure(reliability, curves({ "": bins.map((bin) => [bin.confidence, bin.right, `n = ${bin.count}:`]) }, { x: t("report.confidence"), y: t("report.right"), label: reliability, diagonal: true, dots: true })));
}

function parity(groups) {
  const rows = Object.entries(groups).flatMap(([language, places]) => Object.entries(places).map(([place, found]) =>
    [`${language} ${place}`, ...["both", "zh", "en", "neither"].map((name) => number(found[name])), share(found.share)]));
  return rows.length > 0 && table(t("report.parity"), ["", ...["both", "zh", "en", "neither"].map((name) => t(`report.${name}`)), "en | zh"], rows);
}

function refusals(groups) {
  const rows = Object.entries(groups).map(([cell, found]) => [cell, share(found.auroc), ...Object.keys(COUNTS).map((name) => number(found.shipped_threshold[name]))]);
  return rows.length > 0 && table(t("report.refusals"), ["", "AUROC", ...Object.values(COUNTS).map((name) => t(`report.${name}`))], rows);
}

function latency(stages) {
  const rows = Object.entries(stages).filter(([, found]) => found.p50 !== undefined).map(([stage, { p50, p95 }]) => [t(`report.stage.${stage}`), number(p50, 1), number(p95, 1)]);
  return rows.length > 0 && table(t("report.latency"), [t("report.stages"), "p50", "p95"], rows);
}

function lost(heading, questions, total) {
  if (!questions.length) return null;
  return el("details.lost", { open: questions.length <= 5 }, el("summary", null, heading), el("ol.plain", null, questions.map(question)),
    total > questions.length && el("p.soft", null, t("report.more", number(total - questions.length))));
}

function question(one) {
  const facts = [one.question, one.cell, one.kinds.map(kindName).join(", "), one.rank !== null && t("report.at", one.rank), `${t("report.confidence")} ${number(one.confidence, 2)}`];
  return el("li", null, el("p", null, el("strong", null, one.text)), el("p.small.soft", null, facts.filter(Boolean).join(" · ")),
    one.wanted && el("p", null, el("span.right", null, `${t("report.wanted")}: `), one.wanted),
    el("p.small.soft", null, t("report.came")), el("ol.returned", null, one.returned.map((hit) => el("li", null, el(`span.${hit.right ? "right" : "wrong"}`, null, `${hit.title} (${number(hit.score, 2)})`), ` ${hit.text}`))));
}
