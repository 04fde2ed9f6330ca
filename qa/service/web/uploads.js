// Sending articles: files (dropped or chosen), a web address, a pasted text; and what becomes of them, live.
// What is under way outlives a redrawing of the page: `sent` belongs to the module.

import { api } from "./api.js";
import { announce, el } from "./dom.js";
import { explain, number, t } from "./i18n.js";

export const texts = {
  en: {
    "uploads.add": "Add articles", "uploads.drop": "Drop files here, or", "uploads.choose": "choose files",
    "uploads.kinds": "Text, Markdown, HTML, PDF, DOCX; many at once.", "uploads.url": "Web address", "uploads.fetch": "Fetch the page",
    "uploads.fromUrl": "From a web address", "uploads.paste": "Paste a text", "uploads.title": "Title", "uploads.text": "Text",
    "uploads.publisher": "Publisher", "uploads.published": "Date", "uploads.optional": "optional", "uploads.keep": "Add the text",
    "uploads.sent": "What was sent", "uploads.clear": "Clear the list", "uploads.sending": "sending …", "uploads.queued": "waiting",
    "uploads.reading": (n) => `reading, ${n} done`, "uploads.encoding": (n, all) => `encoding, ${n} of ${all} passages`, "uploads.writing": "writing",
    "uploads.done": "Done", "uploads.failed": "Failed", "uploads.files": (n) => (n === 1 ? "1 article" : `${n} articles`),
    "uploads.added": (n) => `${n} added`, "uploads.replaced": (n) => `${n} replaced`, "uploads.unchanged": (n) => `${n} there already`,
    "uploads.skipped": (n) => `${n} skipped`, "uploads.copies": (n) => `${n} a copy of another`, "uploads.why": "Skipped, and why",
    "uploads.copy": "is a copy of", "uploads.more": (n) => `and ${n} more`, "uploads.nothing": "There is no file in what was dropped.",
  },
  zh: {
    "uploads.add": "添加文章", "uploads.drop": "把文件拖到这里，或", "uploads.choose": "选择文件",
    "uploads.kinds": "文本、Markdown、HTML、PDF、DOCX，可以一次多个。", "uploads.url": "网址", "uploads.fetch": "读取网页",
    "uploads.fromUrl": "读取网址", "uploads.paste": "粘贴文字", "uploads.title": "标题", "uploads.text": "正文",
    "uploads.publisher": "发布者", "uploads.published": "日期", "uploads.optional": "选填", "uploads.keep": "添加文字",
    "uploads.sent": "已提交", "uploads.clear": "清空列表", "uploads.sending": "正在发送……", "uploads.queued": "等待中",
    "uploads.reading": (n) => `正在读取，已完成 ${n} 篇`, "uploads.encoding": (n, all) => `正在编码，${n} / ${all} 个段落`, "uploads.writing": "正在写入",
    "uploads.done": "完成", "uploads.failed": "失败", "uploads.files": (n) => `${n} 篇文章`,
    "uploads.added": (n) => `新增 ${n}`, "uploads.replaced": (n) => `替换 ${n}`, "uploads.unchanged": (n) => `已有 ${n}`,
    "uploads.skipped": (n) => `跳过 ${n}`, "uploads.copies": (n) => `重复 ${n}`, "uploads.why": "跳过的文件和原因",
    "uploads.copy": "与此重复：", "uploads.more": (n) => `还有 ${n} 个`, "uploads.nothing": "拖入的内容里没有文件。",
    "error.empty": "文件是空的，请确认保存完整。", "error.binary": "这不是可读的文字文件。", "error.unsupported": "不支持这种文件。",
    "error.encrypted": "文件已加密，请去掉密码后保存。", "error.no_text": "没有可引用的文字；扫描件请先做文字识别。",
    "error.encoding": "无法识别文字编码，请另存为 UTF-8。", "error.broken_pdf": "PDF 已损坏。", "error.broken_docx": "Word 文档已损坏，请重新保存。",
    "error.old_office": "旧版 Office 格式，请另存为 .docx。", "error.not_docx": "不是真正的 .docx 文件。", "error.too_long": "文字太长，请分成几篇。",
    "error.too_many_pages": "页数太多，请拆分。", "error.too_slow": "读取时间过长，请拆分。", "error.front_matter": "文件头部的元数据格式有误。",
    "error.unreadable": "无法读取。", "error.bad_url": "网址有误：应以 http:// 或 https:// 开头。", "error.private_address": "不读取内部网络的地址。",
    "error.http_status": "网站没有返回这个网页。", "error.timeout": "网站没有及时响应。", "error.too_many_redirects": "网页跳转次数过多。",
    "error.not_fetched": "无法读取这个网页。", "error.interrupted": "处理被多次中断，已放弃；请分批提交。",
  },
};

const MAX_FILES = 50;
const MAX_BYTES = 32e6;
const POLL_MS = 400;
const SHOWN = 20;

/** { id, names, collection, state, note, progress, report, error, told }, newest first. */
const sent = [];
let redraw = () => {};
let changed = () => {};
let numbers = 0;

/** The forms and the list; `done()` is called whenever the collection has changed. Returns what to do on leaving. */
export function uploads(root, collection, done) {
  const list = el("div.sent");
  const leaving = new AbortController();
  redraw = () => list.replaceChildren(...(sent.length ? overview() : []));
  changed = done;
  root.append(el("section.card.adding", { "aria-labelledby": "adding" }, el("h2", { id: "adding" }, t("uploads.add")),
    dropping(collection, leaving.signal), el("div.folds", null, addressForm(collection), textForm(collection)), list));
  redraw();
  return () => { leaving.abort(); redraw = () => {}; changed = () => {}; };
}

/** Files may be dropped anywhere on the page: beside the frame, the browser would open them instead. */
function dropping(collection, signal) {
  const input = el("input.unseen", { type: "file", multiple: true, id: "files", "aria-describedby": "kinds", change: () => { take(input.files, collection); input.value = ""; } });
  const zone = el("div.drop", null, el("p", null, t("uploads.drop"), " ", el("label.choose", { for: "files" }, t("uploads.choose")), input),
    el("p.small.soft", { id: "kinds" }, t("uploads.kinds")));
  const over = (event) => { event.preventDefault(); zone.classList.toggle("over", event.type === "dragover"); };
  const drop = (event) => { over(event); take(event.dataTransfer.files, collection); };
  for (const [name, listener] of Object.entries({ dragover: over, dragleave: over, drop })) document.addEventListener(name, listener, { signal });
  return zone;
}

function take(files, collection) {
  if (!files.length) { announce(t("uploads.nothing")); return; }
  for (const batch of batches([...files])) {
    const form = new FormData();
    form.append("collection", collection);
    for (const file of batch) form.append("files", file, file.name);
    submit(batch.map((file) => file.name), collection, () => api.upload("/v1/documents", form));
  }
}

/** Files in runs that the service takes in one request. */
function batches(files) {
  const runs = [];
  let room = 0;
  for (const file of files) {
    room -= file.size;
    if (!runs.length || room < 0 || runs.at(-1).length >= MAX_FILES) { runs.push([]); room = MAX_BYTES - file.size; }
    runs.at(-1).push(file);
  }
  return runs;
}

function field(id, label, input, optional) {
  return el("div.field", null, el("label", { for: id }, label, optional && el("span.soft", null, ` (${t("uploads.optional")})`)), input);
}

function addressForm(collection) {
  const input = el("input", { id: "url", type: "url", required: true, maxlength: 1000, placeholder: "https://", inputmode: "url" });
  const submitted = (event) => {
    event.preventDefault();
    submit([input.value], collection, () => api.post("/v1/documents", { url: input.value, collection }));
    input.value = "";
  };
  return el("details", null, el("summary", null, t("uploads.fromUrl")),
    el("form.stack", { submit: submitted }, field("url", t("uploads.url"), input), el("p", null, el("button", { type: "submit" }, t("uploads.fetch")))));
}

function textForm(collection) {
  const title = el("input", { id: "paste-title", required: true, maxlength: 1000 });
  const text = el("textarea", { id: "paste-text", required: true, rows: 8 });
  const publisher = el("input", { id: "paste-publisher", maxlength: 1000 });
  const published = el("input", { id: "paste-published", type: "date" });
  const submitted = (event) => {
    event.preventDefault();
    const extra = Object.entries({ publisher: publisher.value, published: published.value }).filter(([, value]) => value);
    const body = { title: title.value, text: text.value, collection, ...Object.fromEntries(extra) };
    submit([title.value], collection, () => api.post("/v1/documents", body));
    event.target.reset();
  };
  return el("details", null, el("summary", null, t("uploads.paste")),
    el("form.stack", { submit: submitted }, field("paste-title", t("uploads.title"), title), field("paste-text", t("uploads.text"), text),
      el("div.fields", null, field("paste-publisher", t("uploads.publisher"), publisher, true), field("paste-published", t("uploads.published"), published, true)),
      el("p", null, el("button", { type: "submit" }, t("uploads.keep")))));
}

/** Send, then follow the job until it has ended. */
async function submit(names, collection, send) {
  const entry = { number: ++numbers, names, collection, state: "sending" };
  sent.unshift(entry);
  redraw();
  try {
    Object.assign(entry, await send(), { names });
    for (redraw(); entry.state === "queued" || entry.state === "running"; redraw()) {
      await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
      Object.assign(entry, await api.get(`/v1/jobs/${entry.id}`));
    }
  } catch (error) {
    Object.assign(entry, { state: "failed", error });
  }
  redraw();
  announce(`${names[0]}: ${status(entry)}`);
  changed();
}

function overview() {
  const clear = () => { sent.splice(0, sent.length, ...sent.filter(running)); redraw(); };
  return [el("div.row", null, el("h3", null, t("uploads.sent")), el("button.quiet", { type: "button", click: clear }, t("uploads.clear"))),
    el("ul.plain", null, sent.slice(0, SHOWN).map(entryShown))];
}

const running = ({ state }) => ["sending", "queued", "running"].includes(state);

function entryShown(entry) {
  const { names, report } = entry;
  return el("li.job", { "data-state": entry.state }, el("p", null, el("strong", null, names.slice(0, 3).join(", ")), names.length > 3 && ` ${t("uploads.more", names.length - 3)}`),
    el(`p.small.${entry.state === "failed" ? "problem" : "soft"}`, null, status(entry)), running(entry) && bar(entry),
    report && report.skipped.length > 0 && reasons(report.skipped),
    report && report.duplicates.length > 0 && el("ul.small", null, report.duplicates.slice(0, SHOWN).map((pair) => copied(pair, entry.collection))));
}

function reasons(skipped) {
  return el("details", { open: skipped.length <= 3 }, el("summary.small", null, t("uploads.why")),
    el("ul.small", null, skipped.slice(0, 200).map(({ name, code, reason }) => el("li", null, el("strong", null, name), `: ${explain({ code, message: reason })}`))));
}

function copied({ document_id: copy, copy_of: original }, collection) {
  const link = (id) => el("a", { href: documentAddress(id, collection) }, id);
  return el("li", null, link(copy), ` ${t("uploads.copy")} `, link(original));
}

export const documentAddress = (id, collection) =>
  `/documents/${encodeURIComponent(id)}${collection === "default" ? "" : `?${new URLSearchParams({ collection })}`}`;

function bar({ progress }) {
  const known = progress && progress.total;
  return el("progress", { "aria-label": t("uploads.sent"), max: known ? progress.total : null, value: known ? progress.done : null });
}

function status({ state, progress, report, error }) {
  if (state === "sending" || state === "queued") return t(`uploads.${state}`);
  if (state === "failed") return `${t("uploads.failed")}: ${explain(error)}`;
  if (state === "running") return progress ? step(progress) : t("uploads.reading", 0);
  const counts = ["added", "replaced", "unchanged", "skipped"].filter((name) => report[name].length).map((name) => t(`uploads.${name}`, number(report[name].length)));
  if (report.duplicates.length) counts.push(t("uploads.copies", number(report.duplicates.length)));
  return `${t("uploads.done")}: ${counts.join(", ")}`;
}

function step({ stage, done, total }) {
  if (stage === "encode") return t("uploads.encoding", number(done), number(total));
  return stage === "write" ? t("uploads.writing") : t("uploads.reading", number(done));
}
