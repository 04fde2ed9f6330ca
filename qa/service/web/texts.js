// What the shell says, and what the service's error codes mean to people.

export const texts = {
  en: {
    skip: "Skip to the content", nav: "Pages", "nav.ask": "Ask", "nav.articles": "Articles", "nav.evals": "Evals", "nav.api": "API",
    "language.other": "中文", "theme.is": (name) => `Colours: ${name}`, "theme.auto": "as the system", "theme.light": "light", "theme.dark": "dark",
    again: "Try again", cancel: "Cancel", close: "Close", loading: "Loading …", none: "Nothing here yet.",
    "key.title": "This service wants a key", "key.why": "It is kept until this tab is closed, and sent to this service only.",
    "key.label": "API key", "key.use": "Use it",
    "error.unreachable": "The service cannot be reached. Check that it is running, then try again.",
  },
  zh: {
    skip: "跳到正文", nav: "页面", "nav.ask": "提问", "nav.articles": "文章", "nav.evals": "评测", "nav.api": "接口",
    "language.other": "English", "theme.is": (name) => `配色：${name}`, "theme.auto": "跟随系统", "theme.light": "浅色", "theme.dark": "深色",
    again: "重试", cancel: "取消", close: "关闭", loading: "正在载入……", none: "这里还没有内容。",
    "key.title": "此服务需要密钥", "key.why": "密钥只保留到关闭此标签页为止，只发给此服务。",
    "key.label": "API 密钥", "key.use": "使用",
    "error.unreachable": "无法连接服务。请确认服务正在运行，然后重试。",
    "error.http_error": "服务的回答无法读取。", "error.busy": "服务繁忙，请稍后再试。",
    "error.not_found": "没有这个文档、集合或任务。", "error.bad_request": "请求有误，请检查所填内容。",
    "error.bad_question": "这个问题无法处理：请输入中文或英文问题，不要过长。",
    "error.internal": "服务出错，原因见服务日志。", "error.conflict": "已经存在，或另一个程序正在写入。",
    "error.foreign_origin": "请求来自其他网站，已拒绝。", "error.too_large": "内容太大。",
    "error.unauthorized": "需要有效的密钥。", "error.forbidden": "这个密钥没有此权限。",
  },
};
