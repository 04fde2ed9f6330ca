// Evals: how good the answers are, and how that changed; which questions are lost; what users said.

import { api } from "./api.js";
import { announce, el } from "./dom.js";
import { explain, locale, number, t } from "./i18n.js";
import { report, texts as reportTexts } from "./report.js";
import { curves, figure } from "./plots.js";

const words = {
  en: {
    "evals.title": "Evals", "evals.run": "Run an eval", "evals.set": "Question set", "evals.collection": "Collection", "evals.own": "a file of your own …", "evals.file": "questions.jsonl",
    "evals.sample": "Sample", "evals.whole": "all questions", "evals.about": (n) => `about ${n} questions`, "evals.go": "Run", "evals.running": (n, all) => `${n} of ${all} questions asked`, "evals.done": "The eval is done.",
    "evals.none": "No eval has been run yet. Run one here, or with `qa eval`.", "evals.history": "History", "evals.when": "When", "evals.which": "Questions", "evals.code": "Code", "evals.failed": "failed", "evals.now": "running",
    "evals.latest": "Report", "evals.curve": "nDCG@10 over time, by language of question – language of passage", "evals.time": "eval", "evals.feedback": "What users said",
    "evals.none.feedback": "Nothing waits.", "evals.pending": (n) => `${n} waiting. \`qa eval add --feedback N\` makes a question of one.`, "evals.dismiss": "Set aside", "evals.dismissOne": (n) => `Set verdict ${n} aside`, "evals.up": "good", "evals.down": "not good", "evals.cited": "the passage",
  },
  zh: {
    "evals.title": "评测", "evals.run": "运行评测", "evals.set": "问题集", "evals.collection": "集合", "evals.own": "自己的文件……", "evals.file": "questions.jsonl",
    "evals.sample": "抽样", "evals.whole": "全部问题", "evals.about": (n) => `约 ${n} 个问题`, "evals.go": "运行", "evals.running": (n, all) => `已提问 ${n} / ${all}`, "evals.done": "评测完成。",
    "evals.none": "还没有评测过。可以在这里运行，或用 `qa eval`。", "evals.history": "历次评测", "evals.when": "时间", "evals.which": "问题集", "evals.code": "代码", "evals.failed": "失败", "evals.now": "进行中",
    "evals.latest": "报告", "evals.curve": "历次 nDCG@10，按问题语言 – 段落语言", "evals.time": "评测", "evals.feedback": "用户反馈",
    "evals.none.feedback": "没有等待处理的反馈。", "evals.pending": (n) => `${n} 条等待处理。用 \`qa eval add --feedback N\` 可由反馈生成问题。`, "evals.dismiss": "搁置", "evals.dismissOne": (n) => `搁置第 ${n} 条反馈`, "evals.up": "好", "evals.down": "不好", "evals.cited": "所引段落",
    "error.eval_running": "已有评测在进行，请等它完成。", "error.bad_eval_set": "问题集有误，或引文不在这个集合的文章里。", "error.interrupted": "运行被中断，请重新运行。",
  },
};
export const texts = Object.fromEntries(["en", "zh"].map((one) => [one, { ...words[one], ...reportTexts[one] }]));
export const title = () => t("evals.title");

const POLL_MS = 500;
const SAMPLES = [60, 200];
const HISTORY = 20;

export async function show(root, place) {
  const view = { place, left: false, body: el("div.evals") };
  root.append(el("h1", null, t("evals.title")), view.body);
  await draw(view);
  return () => { view.left = true; };
}

async function draw(view) {
  const [{ evals, sets }, { collections }, verdicts] = await Promise.all([api.get("/v1/evals"), api.get("/v1/collections"), feedback()]);
  const wanted = view.place.parameters.get("id");
  const chosen = evals.find((one) => one.id === wanted) || evals.find((one) => one.state === "done") || evals[0];
  const whole = chosen && (await api.get(`/v1/evals/${encodeURIComponent(chosen.id)}`));
  const under = evals.find((one) => one.state === "running");
  // What somebody is filling in stays as it is when an eval ends.
  if (verdicts) view.form ||= running(view, sets, collections);
  view.body.replaceChildren(...[view.form, evals.length ? past(evals, chosen) : el("p.notice", null, t("evals.none")),
    whole && latest(whole), verdicts && said(view, verdicts)].filter(Boolean));
  progress(view, under);
  if (under) follow(view, under);
}

/** Users' verdicts; null for who may not see them, and may not run an eval either. */
async function feedback() {
  try {
    return await api.get("/v1/feedback");
  } catch (error) {
    if (error.status === 403) return null;
    throw error;
  }
}

const field = (id, label, input) => el("div.field", null, el("label", { for: id }, label), input);

function running(view, sets, collections) {
  const option = (value, label) => el("option", { value }, label);
  const set = el("select", { id: "set", change: () => { upload.hidden = set.value !== ""; } }, sets.map((name) => option(name, name)), option("", t("evals.own")));
  const file = el("input", { id: "file", type: "file", accept: ".jsonl" });
  const upload = el("div.field", { hidden: sets.length > 0 }, el("label", { for: "file" }, t("evals.file")), file);
  const collection = el("select", { id: "collection" }, collections.map((one) => option(one.name, one.name)));
  const sample = el("select", { id: "sample" }, option("", t("evals.whole")), SAMPLES.map((size) => option(size, t("evals.about", size))));
  const problem = el("p.problem", { role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    try {
      const asked = set.value ? { set: set.value } : await ownSet(file.files[0]);
      const begun = await api.post("/v1/evals", { ...asked, collection: collection.value, ...(sample.value && { questions: Number(sample.value) }) });
      await view.place.go(`/evals?${new URLSearchParams({ id: begun.id })}`);
    } catch (error) { problem.replaceChildren(detailed(error)); }
  };
  return el("section.card", { "aria-labelledby": "run" }, el("h2", { id: "run" }, t("evals.run")),
    el("form", { submit }, el("div.fields", null, field("set", t("evals.set"), set), upload, field("collection", t("evals.collection"), collection), field("sample", t("evals.sample"), sample)),
      el("p", null, el("button.main", { type: "submit", id: "go" }, t("evals.go")))), el("div", { id: "progress" }), problem);
}

async function ownSet(file) {
  if (!file) throw new Error(t("evals.file"));
  return { set: file.name.replace(/\.jsonl$/, "").replace(/^\.+|[/\\]/g, "") || "own", lines: await file.text() };
}

/** What is wrong with a set is told line by line, in the words of the service. */
const detailed = (error) => (error.code === "bad_eval_set" ? `${explain(error)} ${error.message}` : explain(error));

/** How far the eval that runs is, if one does: no other may begin meanwhile. */
function progress({ form }, under) {
  if (!form) return;
  form.querySelector("#go").disabled = Boolean(under);
  form.querySelector("#progress").replaceChildren(...(under ? progressShown(under.about.progress) : []));
}

function progressShown({ done = 0, total = 0 } = {}) {
  return [el("progress", { max: total || null, value: total ? done : null, "aria-label": t("evals.now") }), el("p.small.soft", null, t("evals.running", number(done), number(total)))];
}

async function follow(view, { id }) {
  for (;;) {
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
    if (view.left) return;
    const now = await api.get(`/v1/evals/${encodeURIComponent(id)}`).catch(() => null);
    if (view.left) return;
    if (!now || now.state !== "running") { announce(t("evals.done")); await draw(view); return; }
    progress(view, now);
  }
}

const when = (iso) => new Date(iso).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });

function past(evals, chosen) {
  const done = evals.filter((one) => one.summary).slice(0, HISTORY).reverse();
  const cells = [...new Set(done.flatMap((one) => Object.keys(one.summary.cells)))].sort();
  const points = (cell) => done.map((one, place) => [done.length > 1 ? place / (done.length - 1) : 0.5, (one.summary.cells[cell] || {})["ndcg@10"], when(one.created)]).filter(([, value]) => value !== undefined);
  const lines = Object.fromEntries(cells.map((cell) => [cell, points(cell)]).filter(([, found]) => found.length));
  const names = Object.keys(lines);
  const drawn = curves(lines, { x: t("evals.time"), y: "nDCG@10", label: t("evals.curve"), dots: true, labels: done.map((_, place) => String(place + 1)) });
  return el("section", { "aria-labelledby": "history" }, el("h2", { id: "history" }, t("evals.history")),
    names.length > 0 && el("div.plots", null, figure(t("evals.curve"), drawn, names)),
    el("div.scroll", { tabindex: 0, role: "region", "aria-labelledby": "history" }, el("table.figures", null,
      el("thead", null, el("tr", null, ["evals.when", "evals.which", "evals.code"].map((key) => el("th", { scope: "col" }, t(key))), cells.map((cell) => el("th", { scope: "col" }, `${cell} nDCG@10`)), el("th", { scope: "col" }, "ECE"))),
      el("tbody", null, evals.slice(0, HISTORY).map((one) => row(one, cells, one === chosen))))));
}

function row(one, cells, current) {
  const { about, summary, state } = one;
  const link = el("a", { href: `/evals?${new URLSearchParams({ id: one.id })}`, "aria-current": current ? "true" : null }, when(one.created));
  const which = [about.set, about.collection, about.part, about.sample && `~${about.sample}`].filter(Boolean).join(" · ");
  const value = (found) => el("td", null, found === undefined || found === null ? "–" : number(found, 3));
  return el("tr", null, el("td", null, link), el("td", null, which), el("td", null, about.commit ? about.commit.slice(0, 8) : about.version),
    summary ? [cells.map((cell) => value((summary.cells[cell] || {})["ndcg@10"])), value(summary.ece)] : el("td", { colspan: cells.length + 1 }, t(state === "running" ? "evals.now" : "evals.failed")));
}

function latest(whole) {
  const { about } = whole;
  const section = el("section", { "aria-labelledby": "report" }, el("h2", { id: "report" }, `${t("evals.latest")}: ${about.set}`));
  if (about.error) section.append(el("p.notice.bad", null, detailed({ code: about.error.code, message: about.error.message })));
  if (whole.figures) section.append(...report(whole));
  return section;
}

function said(view, { feedback: found, total }) {
  const dismiss = async (one) => { await api.delete(`/v1/feedback/${one.id}`); await draw(view); };
  const about = (one) => (one.document_id ? el("a", { href: `/documents/${encodeURIComponent(one.document_id)}?${new URLSearchParams({ collection: one.collection })}` }, t("evals.cited")) : null);
  const item = (one) => el("li.article", null, el("div", null, el("p", null, el(`strong.${one.verdict === "up" ? "right" : "wrong"}`, null, t(`evals.${one.verdict}`)), ` ${one.id}. ${one.question}`),
    one.comment && el("p.small", null, one.comment), el("p.small.soft", null, when(one.created), " · ", one.collection, one.document_id && " · ", about(one))),
  el("button.quiet", { type: "button", "aria-label": t("evals.dismissOne", one.id), click: () => dismiss(one) }, t("evals.dismiss")));
  return el("section", { "aria-labelledby": "feedback" }, el("h2", { id: "feedback" }, t("evals.feedback")),
    el("p.small.soft", null, total ? t("evals.pending", number(total)) : t("evals.none.feedback")), el("ul.plain.articles", null, found.map(item)));
}
