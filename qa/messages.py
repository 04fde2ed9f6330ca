"""What `qa` says to people, in English and Chinese.

The language is Chinese where ``QA_LANGUAGE``, ``LC_ALL``, ``LC_MESSAGES`` or ``LANG`` (the first that is set) starts
with ``zh``, else English. JSON, logs and HTTP stay English: programs read them.
"""

from __future__ import annotations

import os
from typing import Final, Literal

_VARIABLES: Final = ("QA_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    # help
    "help.qa": (
        "Answers questions in Chinese and English from your articles, and proves every answer.",
        "用你的文章回答中文和英文问题，每个答案都能核对到原文。",
    ),
    "help.ingest": ("Read files, folders or web addresses into the index.", "把文件、文件夹或网址读入索引。"),
    "help.search": ("Find the passages that answer a question.", "查找能回答问题的段落。"),
    "help.ask": (
        "Answer a question, and prove each sentence of the answer.",
        "回答问题，并为答案的每一句给出出处。",
    ),
    "help.list": ("List the documents of a collection.", "列出一个集合中的文档。"),
    "help.show": ("Show one document, its passages or its source text.", "显示一个文档、它的段落或原文。"),
    "help.delete": ("Delete a document.", "删除一个文档。"),
    "help.undelete": ("Bring a deleted document back.", "恢复已删除的文档。"),
    "help.collections": ("List, create and drop collections.", "列出、新建或删除集合。"),
    "help.collections.list": (
        "List the collections (the same as without a subcommand).",
        "列出集合（与不带子命令相同）。",
    ),
    "help.collections.create": ("Create a collection.", "新建一个集合。"),
    "help.collections.drop": ("Delete a collection with all its documents.", "删除一个集合及其全部文档。"),
    "help.serve": ("Serve the index over HTTP.", "通过 HTTP 提供服务。"),
    "help.mcp": (
        "Serve the index to an MCP client over standard input and output.",
        "通过标准输入输出为 MCP 客户端提供服务。",
    ),
    "help.keys": ("API keys.", "API 密钥。"),
    "help.keys.create": ("Make a key; it is shown this once.", "新建密钥，只显示这一次。"),
    "help.keys.list": ("List the keys.", "列出密钥。"),
    "help.keys.revoke": ("Revoke a key: it is refused from then on.", "吊销密钥，立即失效。"),
    "help.doctor": ("Check the index, and repair what can be rebuilt.", "检查索引，并修复可以重建的部分。"),
    "help.doctor.chat": ("Say what each chat platform lacks.", "说明每个聊天平台还缺什么。"),
    "help.backup": (
        "Write a backup of the index to a file, while it is in use.",
        "把索引备份到一个文件，使用中也可以进行。",
    ),
    "help.restore": ("Make the index again from a backup.", "从备份恢复索引。"),
    "help.migrate": (
        "Move the index to another store or database, without encoding it again.",
        "把索引迁移到另一种存储或另一个数据库，不重新编码。",
    ),
    "help.model": ("Prepare encoders.", "准备编码模型。"),
    "help.model.export": (
        "Build the fast path of a sentence-transformers model.",
        "为 sentence-transformers 模型生成快速推理版本。",
    ),
    "help.bench": ("Measure speed and memory on this machine.", "在本机测量速度和内存。"),
    "help.version": ("Print the version.", "显示版本。"),
    "opt.locations": ("Files, folders, http(s) addresses.", "文件、文件夹、http(s) 网址。"),
    "opt.collection": ("Collection.", "集合。"),
    "opt.json": ("Print JSON, the same as over HTTP.", "输出 JSON，与 HTTP 接口相同。"),
    "opt.question": ("The question, in Chinese or English.", "问题，中文或英文。"),
    "opt.top_k": ("How many passages.", "返回多少个段落。"),
    "opt.history": ("An earlier question, for follow-ups; may be repeated.", "之前的问题，用于追问；可重复。"),
    "opt.use_model": (
        "Have the configured model write, and verify what it writes.",
        "由所配置的模型撰写，并逐句核对。",
    ),
    "opt.publisher": ("Only from this publisher.", "只要这个发布者的。"),
    "opt.from": ("Only published on or after this date, YYYY-MM-DD.", "只要这一天及以后发布的，YYYY-MM-DD。"),
    "opt.to": ("Only published on or before this date, YYYY-MM-DD.", "只要这一天及以前发布的，YYYY-MM-DD。"),
    "opt.language": ("Only documents in this language: zh, en or other.", "只要这种语言的文档：zh、en 或 other。"),
    "opt.id": ("Document id, as `qa list` shows it.", "文档 ID，见 `qa list`。"),
    "opt.offset": ("How many documents to leave out.", "跳过多少个文档。"),
    "opt.limit": ("How many documents to list.", "列出多少个文档。"),
    "opt.source": ("Print the source text that offsets refer to.", "输出原文，引用的位置以它为准。"),
    "opt.passages": ("Print the passages.", "输出段落。"),
    "opt.forever": ("Keep nothing to bring it back.", "不保留，无法恢复。"),
    "opt.yes": ("Do not ask.", "不再询问。"),
    "opt.name": ("Name of the collection.", "集合名称。"),
    "opt.host": ("Address to listen on (QA_HOST).", "监听地址（QA_HOST）。"),
    "opt.port": ("Port to listen on (QA_PORT).", "监听端口（QA_PORT）。"),
    "opt.workers": ("Server processes.", "服务进程数。"),
    "opt.anonymous": (
        "Everyone may do everything without a key (QA_ANONYMOUS=admin).",
        "任何人不用密钥就可以做任何操作（QA_ANONYMOUS=admin）。",
    ),
    "opt.label": ("Who will use the key.", "谁使用这个密钥。"),
    "opt.scope": (
        "What it allows: read; write (read, add, delete); admin (also drop collections, metrics).",
        "权限：read 读取；write 读取、添加和删除；admin 还可以删除集合、查看指标。",
    ),
    "opt.key_collection": ("Only for this collection; may be repeated.", "只用于这个集合；可重复。"),
    "opt.origin": (
        "Only from pages of this web origin (https://news.example), which may then call the service; may be repeated.",
        "只用于这个网站的页面（https://news.example），并允许其调用；可重复。",
    ),
    "opt.days": ("How many days it is good for; without it, until revoked.", "有效天数；不填则直到吊销。"),
    "opt.key": ("Key id, as `qa keys list` shows it.", "密钥 ID，见 `qa keys list`。"),
    "opt.repair": ("Rebuild what is damaged.", "重建损坏的部分。"),
    "opt.reencode": (
        "Make the index anew from its source texts, with the encoder of today.",
        "用当前的编码模型，从保存的原文重新生成索引。",
    ),
    "opt.rollback": (
        "Return to the index as it was before `--reencode` or `qa restore --force`.",
        "回到 `--reencode` 或 `qa restore --force` 之前的索引。",
    ),
    "opt.drop_previous": ("Delete that earlier index.", "删除那个较早的索引。"),
    "opt.file": ("The backup.", "备份文件。"),
    "opt.store": (
        "What searches it there: `local` (FAISS) or `milvus`.",
        "在那里由什么检索：`local`（FAISS）或 `milvus`。",
    ),
    "opt.database_url": (
        "PostgreSQL database for its records, `-` to read it from standard input, or `sqlite`; else they stay.",
        "存放记录的 PostgreSQL 数据库；`-` 表示从标准输入读取；`sqlite` 表示索引目录；不给则留在原处。",
    ),
    "opt.index_dir": ("Directory of the index there (QA_INDEX_DIR).", "迁移后的索引目录（QA_INDEX_DIR）。"),
    "opt.force": (
        "Also where there is an index already; it is kept for `qa doctor --rollback`.",
        "即使已有索引也恢复；原索引保留，可用 `qa doctor --rollback` 返回。",
    ),
    "opt.model": ("Name or path of the model.", "模型的名称或路径。"),
    "opt.folder": (
        "Folder of articles to measure with (default: QA_CORPUS_DIR).",
        "用于测量的文章文件夹（默认：QA_CORPUS_DIR）。",
    ),
    "opt.seconds": ("How long to keep the load up.", "压力测试持续多少秒。"),
    "opt.threads": ("Threads that search at the same time.", "同时搜索的线程数。"),
    # errors
    "error": ("error", "错误"),
    "warning": ("warning", "警告"),
    "usage.hint": ("See `{command} --help`.", "请看 `{command} --help`。"),
    "interrupted": ("Stopped. Everything that was reported as done is kept.", "已停止。已报告完成的内容都已保存。"),
    "unexpected": ("Unexpected failure: {what}", "意外故障：{what}"),
    "unexpected.hint": (
        "This is a fault in citeqa. Run it again with QA_TRACEBACK=1 and report what it prints.",
        "这是 citeqa 的缺陷。请用 QA_TRACEBACK=1 再运行一次，并报告输出内容。",
    ),
    "system": ("The system refused: {what}", "系统拒绝：{what}"),
    "system.hint": ("Check the path, its permissions and the free space.", "请检查路径、权限和剩余空间。"),
    "confirm.refused": ("Nothing was deleted.", "没有删除任何内容。"),
    "confirm.needed": ("Deleting needs a yes.", "删除需要确认。"),
    "confirm.hint": ("Add --yes.", "请加上 --yes。"),
    # ingest
    "stage.read": ("reading", "读取"),
    "stage.encode": ("encoding", "编码"),
    "stage.write": ("writing", "写入"),
    "ingest.done": (
        "{added} added, {replaced} replaced, {unchanged} unchanged, {skipped} skipped; "
        "{passages} passages, {encoded} of them encoded.",
        "新增 {added}，替换 {replaced}，未变 {unchanged}，跳过 {skipped}；"
        "共 {passages} 个段落，其中 {encoded} 个重新编码。",
    ),
    "ingest.skipped": ("skipped {name}: {reason}", "已跳过 {name}：{reason}"),
    "ingest.duplicate": ("{document} is a copy of {original}", "{document} 与 {original} 内容重复"),
    "ingest.nothing": ("Nothing was ingested.", "没有读入任何内容。"),
    # search
    "search.none": ("Nothing found.", "没有找到。"),
    "search.unanswerable": (
        "The articles do not seem to answer this. The nearest passages:",
        "文章中似乎没有答案。最接近的段落：",
    ),
    "search.took": (
        "{count} passages in {total:.1f} ms, confidence {confidence:.2f}",
        "{count} 个段落，{total:.1f} 毫秒，可信度 {confidence:.2f}",
    ),
    "ask.took": ("{total:.1f} ms, confidence {confidence:.2f}", "{total:.1f} 毫秒，可信度 {confidence:.2f}"),
    "ask.unsupported": (
        "Not supported by the articles: {sentence}",
        "文章不支持这句话：{sentence}",
    ),
    "digest": ("digest", "摘要"),
    "also_in": ("also in: {titles}", "另见：{titles}"),
    "page": ("page {page}", "第 {page} 页"),
    "characters": ("characters {start}-{end}", "第 {start}-{end} 字"),
    # documents
    "list.empty": ("No documents. Add some: `qa ingest PATH`.", "没有文档。请用 `qa ingest PATH` 添加。"),
    "list.more": (
        "{shown} of {total} documents; more with --offset {next}.",
        "共 {total} 个文档，已列出 {shown} 个；用 --offset {next} 继续。",
    ),
    "delete.ask": ("Delete {title} ({id})?", "删除《{title}》（{id}）？"),
    "delete.done": (
        "Deleted {id}. Within a day `qa undelete {id}` brings it back.",
        "已删除 {id}。一天之内可以用 `qa undelete {id}` 恢复。",
    ),
    "delete.forever": ("Deleted {id}.", "已删除 {id}。"),
    "undelete.done": ("Brought back {id} {title}.", "已恢复 {id}《{title}》。"),
    "collection.ask": (
        "Delete the collection {name} with its {documents} documents?",
        "删除集合 {name} 及其 {documents} 个文档？",
    ),
    "collection.created": ("Created the collection {name}.", "已新建集合 {name}。"),
    "collection.dropped": ("Dropped the collection {name}.", "已删除集合 {name}。"),
    "column.id": ("id", "ID"),
    "column.title": ("title", "标题"),
    "column.publisher": ("publisher", "发布者"),
    "column.published": ("published", "日期"),
    "column.language": ("language", "语言"),
    "column.passages": ("passages", "段落"),
    "column.documents": ("documents", "文档"),
    "column.name": ("name", "名称"),
    "column.created": ("created", "创建时间"),
    "column.label": ("label", "标签"),
    "column.scope": ("scope", "权限"),
    "column.collections": ("collections", "集合"),
    "column.origins": ("origins", "网站"),
    "column.expires": ("expires", "到期"),
    "column.revoked": ("revoked", "吊销"),
    "column.used": ("last used", "上次使用"),
    # keys
    "keys.once": ("The key, shown this once:", "密钥，只显示这一次："),
    "keys.none": ("There are no keys.", "还没有密钥。"),
    "keys.all": ("all", "全部"),
    "keys.revoked": ("Revoked {id}.", "已吊销 {id}。"),
    # serve
    "encoder": ("{what}", "准备编码模型：{what}"),
    "serve.corpus": ("Indexing {folder} …", "正在索引 {folder}……"),
    "serve.no_corpus": (
        "The index is empty and {folder} is not there. Add articles: `qa ingest PATH`.",
        "索引是空的，而且没有 {folder}。请用 `qa ingest PATH` 添加文章。",
    ),
    "serve.ready": (
        "Serving {documents} documents, {passages} passages at {address}",
        "已就绪：{documents} 个文档、{passages} 个段落，地址 {address}",
    ),
    "serve.try": ("Try:  {example}", "试一试：{example}"),
    "serve.pages": (
        "Page: {address}   API: {address}docs   Stop: Ctrl-C",
        "页面：{address}   接口文档：{address}docs   停止：Ctrl-C",
    ),
    "serve.open": (
        "Anyone who can reach {host}:{port} may {may} without a key.",
        "任何能访问 {host}:{port} 的人不用密钥就可以{may}。",
    ),
    "may.read": ("read articles", "读取文章"),
    "may.write": ("read, add and delete articles", "读取、添加和删除文章"),
    "may.admin": ("do everything", "做任何操作"),
    "serve.refused": (
        "{host} can be reached by other machines, and there is no key for this index.",
        "{host} 可被其他机器访问，而这个索引还没有密钥。",
    ),
    "serve.refused.hint": (
        "Make a key with `qa keys create LABEL`, or listen on 127.0.0.1; QA_ANONYMOUS=read lets everyone read, "
        "--allow-anonymous lets everyone do everything.",
        "请用 `qa keys create LABEL` 新建密钥，或监听 127.0.0.1；QA_ANONYMOUS=read 允许任何人读取，"
        "--allow-anonymous 允许任何人做任何操作。",
    ),
    "serve.taken": ("{host}:{port} cannot be listened on: {reason}", "无法监听 {host}:{port}：{reason}"),
    "serve.taken.hint": (
        "Stop what uses it, or choose another with --port (0 picks a free one).",
        "请停止占用它的程序，或用 --port 换一个（0 表示自动选择）。",
    ),
    "serve.stopped": ("Stopped.", "已停止。"),
    # doctor, model, bench
    "doctor.clean": ("The index is sound.", "索引完好。"),
    "doctor.repaired": ("{count} repaired.", "已修复 {count} 处。"),
    "doctor.problems": ("Problems found: {count}.", "发现 {count} 个问题。"),
    "doctor.hint": (
        "Rebuild what can be rebuilt: `qa doctor --repair`.",
        "可以重建的部分用 `qa doctor --repair` 修复。",
    ),
    "chat.off": ("off, nothing is set", "未启用，没有任何设置"),
    "chat.incomplete": ("cannot answer yet", "还不能回答"),
    "chat.ready": ("set up", "已配置"),
    "chat.missing": ("{name} is not set.", "{name} 没有设置。"),
    "chat.absent": (
        "{names} not installed: pip install 'citeqa[{extra}]'",
        "没有安装 {names}：pip install 'citeqa[{extra}]'",
    ),
    "chat.no_index": ("There is no index to answer from: `qa ingest PATH`.", "没有可以回答的索引：`qa ingest PATH`。"),
    "chat.collection": (
        "{name} names {collection!r}, and there is no such collection (`qa collections`).",
        "{name} 指定的集合 {collection!r} 不存在（见 `qa collections`）。",
    ),
    "chat.public_url": (
        "QA_PUBLIC_URL is not set: sources that have no address of their own are shown without a link.",
        "没有设置 QA_PUBLIC_URL：没有网址的来源将不带链接。",
    ),
    "reencode.done": (
        "{index} is encoded anew. Start `qa serve` again to use it: until then it answers from the earlier index, "
        "which is kept (`qa doctor --rollback` returns to it, `qa doctor --drop-previous` deletes it).",
        "{index} 已重新编码。请重新启动 `qa serve`：在此之前它仍用原来的索引回答。原来的索引已保留"
        "（`qa doctor --rollback` 返回，`qa doctor --drop-previous` 删除）。",
    ),
    "rollback.ask": (
        "The two indexes differ in {count} documents. Return to the earlier one all the same?",
        "两个索引有 {count} 个文档不同，仍要回到较早的索引吗？",
    ),
    "rollback.done": (
        "{index} is the earlier one again. Start `qa serve` again, with the encoder it was made with.",
        "{index} 已回到较早的索引。请用当时的编码模型重新启动 `qa serve`。",
    ),
    "previous.dropped": ("The earlier index is deleted.", "较早的索引已删除。"),
    # migrate
    "migrate.copied": ("{table}: {rows}", "{table}：{rows}"),
    "migrate.comparing": ("comparing searches", "比较检索结果"),
    "migrate.records": (
        "{rows} rows in {tables} tables are there, their checksums equal ({resumed} were there already).",
        "{tables} 张表共 {rows} 行已迁移，校验和一致（其中 {resumed} 行先前已在）。",
    ),
    "migrate.searches": (
        "{agreed} of {asked} searches agree; the largest difference of a score is {difference:.4f}.",
        "{asked} 次检索中有 {agreed} 次一致；得分的最大差别为 {difference:.4f}。",
    ),
    "migrate.apart": ("not the same hits: {question}", "结果不同：{question}"),
    "migrate.use": (
        "To use it: QA_STORE={store}, QA_INDEX_DIR={index}, QA_DATABASE_URL as given here; start `qa serve` again.",
        "使用方法：设置 QA_STORE={store}、QA_INDEX_DIR={index} 和此处给出的 QA_DATABASE_URL，然后重新启动 `qa serve`。",
    ),
    "migrate.same": ("The index is there already.", "索引已在那里。"),
    "migrate.same.hint": (
        "Name another store (--to), database (--database-url) or directory (--index-dir).",
        "请指定另一种存储（--to）、另一个数据库（--database-url）或另一个目录（--index-dir）。",
    ),
    # backup, restore
    "backup.done": (
        "{file}: {documents} documents, {passages} passages, {size:.1f} MB, read back and compared.",
        "{file}：{documents} 个文档、{passages} 个段落，{size:.1f} MB，已读回核对。",
    ),
    "restore.done": (
        "{index} is restored from {file}: {documents} documents, {passages} passages.",
        "已从 {file} 恢复 {index}：{documents} 个文档、{passages} 个段落。",
    ),
    "restore.kept": (
        "What was there before is kept; `qa doctor --rollback` returns to it. Start `qa serve` again.",
        "原来的索引已保留，可用 `qa doctor --rollback` 返回。请重新启动 `qa serve`。",
    ),
    "model.exported": ("{name} is ready: {path}", "{name} 已就绪：{path}"),
    "bench.encode": ("Encoding {count} passages", "编码 {count} 个段落"),
    "bench.search": ("Searching, {count} questions one after the other", "搜索，逐个提问 {count} 次"),
    "bench.load": ("Searching, {threads} threads for {seconds:.0f} s", "搜索，{threads} 个线程，{seconds:.0f} 秒"),
    "bench.fast": ("fast path (ONNX Runtime)", "快速推理（ONNX Runtime）"),
    "bench.torch": ("torch path", "torch 推理"),
    "bench.rate": ("{rate:.1f} passages/s", "每秒 {rate:.1f} 个段落"),
    "bench.query": ("one query {ms:.1f} ms", "单个问题 {ms:.1f} 毫秒"),
    "bench.cosine": (
        "cosine to fp32: mean {mean:.4f}, least {least:.4f}",
        "与 fp32 的余弦：平均 {mean:.4f}，最低 {least:.4f}",
    ),
    "bench.rates": ("{rate:.1f} searches/s, p95 {p95:.1f} ms", "每秒 {rate:.1f} 次搜索，p95 {p95:.1f} 毫秒"),
    "bench.memory": ("memory {rss:.0f} MB resident", "常驻内存 {rss:.0f} MB"),
}

_CODES: Final[dict[str, str]] = {
    "bad_input": "输入有误",
    "bad_question": "问题或参数有误",
    "unreadable": "无法读取",
    "not_fetched": "无法获取网页",
    "not_found": "找不到",
    "conflict": "冲突",
    "index_unusable": "索引无法使用",
    "no_index": "还没有索引",
    "encoder_mismatch": "索引是用另一个编码模型建立的",
    "index_damaged": "索引已损坏",
    "index_format": "索引格式未知",
    "too_many_requests": "请求过于频繁",
    "invalid_key": "密钥无效",
    "unauthorized": "没有密钥或密钥无效",
    "forbidden": "密钥权限不足",
    "encoder_unusable": "编码模型无法使用",
    "busy": "正忙，请稍后再试",
    "bad_eval_set": "评测集有误",
    "bad_setting": "设置有误",
}


def language() -> Literal["zh", "en"]:
    """The language of messages, from the environment at the time of the call."""
    value = next((os.environ[name] for name in _VARIABLES if os.environ.get(name)), "")
    return "zh" if value.lower().startswith("zh") else "en"


def say(key: str, **values: object) -> str:
    """The message ``key`` in the user's language, with ``values`` filled in."""
    text = _TEXTS[key][language() == "zh"]
    return text.format(**values) if values else text


def heading(code: str) -> str:
    """What an error's code means, in Chinese; empty in English, where the message says it already."""
    return _CODES.get(code, "") if language() == "zh" else ""
