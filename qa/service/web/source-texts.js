// What the source view says.

import { language } from "./i18n.js";

const RULES = {
  "breadcrumb": "导航路径", "byline": "署名行", "caption": "图片说明", "comments": "评论区", "contact": "联系方式", "copyright": "版权声明",
  "disclaimer": "免责声明", "editor": "编辑署名", "end mark": "文末标记", "footer": "页脚", "front matter": "文件头信息", "greeting": "欢迎语",
  "hidden": "页面上不可见", "inline": "行内标记（注音、格式）", "keywords": "关键词", "links": "链接列表", "markup": "格式标记", "mood": "心情投票", "more": "阅读更多",
  "original link": "原文链接", "page": "正文之外", "page number": "页码", "related": "相关文章", "running head": "页眉", "share": "分享按钮", "source": "来源行", "title": "重复的标题",
};
const ENGLISH = { "inline": "marks inside the text (pronunciation, formatting)", "page": "outside the main text", "more": "read more", "title": "the title again", "mood": "mood votes" };

/** A cleaning rule, for people. */
export const ruleName = (rule) => (language() === "zh" ? RULES[rule] : ENGLISH[rule]) || rule;

export const texts = {
  en: {
    "source.about": "About this document", "source.checks": "Checks", "source.checking": "Checking …", "source.views": "View",
    "source.original": "As it was read", "source.cleaned": "As it is searched", "source.kind": "Kind", "passage.digest.long": "digest of an article", "source.name": "Name",
    "source.format": "Format", "source.length": "Length", "source.characters": (n) => `${n} characters`, "source.passages": "Passages", "source.span": "Quoted",
    "source.added": "Added", "source.sha256": "SHA-256 of the text", "source.raw": "SHA-256 of the file", "source.download": "Download the text", "passage.website": "Original page",
    "source.removed": "Left out of the search", "source.nothing.removed": "Search leaves nothing of it out.",
    "source.removed.rule": (rule, times, characters) => `${rule}: ${times} ×, ${characters} characters`,
    "verify.source": "Checked here: this is the text that was ingested (SHA-256).", "verify.source.bad": "This is not the text that was ingested: its SHA-256 is another.",
    "verify.insecure": "Hashes cannot be checked here: browsers compute them over https or on localhost only.",
    "verify.quote": (start, end) => `Checked here: the quote stands at characters ${start}–${end}, letter by letter.`,
    "verify.quote.bad": (start, end) => `The quote is not what stands at characters ${start}–${end}.`,
    "verify.quote.unknown": (start, end) => `No passage of the current version begins and ends at characters ${start}–${end}.`,
    "verify.hash": "Checked here: the quote has the SHA-256 that the answer gave.", "verify.hash.bad": "The SHA-256 of these characters is not the one that the answer gave: the article has changed, or the link has.",
  },
  zh: {
    "source.about": "关于此文档", "source.checks": "核对", "source.checking": "正在核对……", "source.views": "视图",
    "source.original": "原文", "source.cleaned": "检索所用", "source.kind": "类型", "passage.digest.long": "文章摘要", "source.name": "名称",
    "source.format": "格式", "source.length": "长度", "source.characters": (n) => `${n} 字`, "source.passages": "段落数", "source.span": "引用位置",
    "source.added": "添加日期", "source.sha256": "文本的 SHA-256", "source.raw": "文件的 SHA-256", "source.download": "下载文本", "passage.website": "原网页",
    "source.removed": "检索时去掉的内容", "source.nothing.removed": "检索时没有去掉任何内容。",
    "source.removed.rule": (rule, times, characters) => `${rule}：${times} 处，${characters} 字`,
    "verify.source": "已在本机核对：这就是入库时的文本（SHA-256 一致）。", "verify.source.bad": "这不是入库时的文本：SHA-256 不一致。",
    "verify.insecure": "此处无法核对哈希：浏览器只在 https 或 localhost 下计算。",
    "verify.quote": (start, end) => `已在本机核对：引文与第 ${start}–${end} 字逐字一致。`,
    "verify.quote.bad": (start, end) => `引文与第 ${start}–${end} 字不一致。`,
    "verify.quote.unknown": (start, end) => `当前版本中没有恰好位于第 ${start}–${end} 字的段落。`,
    "verify.hash": "已在本机核对：引文的 SHA-256 与答案所给的一致。", "verify.hash.bad": "这些文字的 SHA-256 与答案所给的不一致：文章或链接已改变。",
  },
};
