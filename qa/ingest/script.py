"""Measures of a text that rules ask for, and the folded form that they match."""

from __future__ import annotations

import re

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = "\u3040-\u30ff"
LINE_BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"

_IDEOGRAPH = re.compile(f"[{CJK}{KANA}]")
_WORD = re.compile(f"[^\\W_{CJK}{KANA}]+")
_SENTENCE_END = frozenset("。！？!?.…；;．｡।؟۔")
_CLOSERS = "”’\"'）)】]」』》〉*_"
_COMMA = re.compile(r"[，,;；、。！？!?]|\. ")

_TRADITIONAL = (
    "來時間記責編輯圖為攝資僅參關鍵詞標籤聲聯係繫電話傳郵熱門評論發佈點擊閱讀載轉鏈權歸經濟廣掃碼頁網頻實習員訊報"
    "會講說請註冊議還沒張視獨劃薦覽數專題聞複復製號長後進無與這個們對應當現動態務業產條項開閉響備線詢舉辦協國華東"
    "臺環選擇訪問錄顯類圍觀討雜誌寫審監總導讚謝絕違屬單運營處規則據瀏貼壇"
)
_SIMPLIFIED = (
    "来时间记责编辑图为摄资仅参关键词标签声联系系电话传邮热门评论发布点击阅读载转链权归经济广扫码页网频实习员讯报"
    "会讲说请注册议还没张视独划荐览数专题闻复复制号长后进无与这个们对应当现动态务业产条项开闭响备线询举办协国华东"
    "台环选择访问录显类围观讨杂志写审监总导赞谢绝违属单运营处规则据浏贴坛"
)
_FOLD = {
    **{ord(t): s for t, s in zip(_TRADITIONAL, _SIMPLIFIED, strict=True)},
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **{
        ord(c): " " for c in f"{LINE_BREAKS}\t\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
    },
    **{ord(c): "·" for c in "•●■◆▪◦‧・∙"},
    ord("︰"): ":",
    ord("∶"): ":",
    ord("丨"): "|",
    ord("│"): "|",
    ord("┃"): "|",
    ord("›"): ">",
    ord("»"): ">",
    ord("〉"): ">",
}


def fold(text: str) -> str:
    """The form that rules match, one character for each of ``text``: half-width, blanks for white space, the words of
    page furniture in Simplified script."""
    return text.translate(_FOLD)


def is_blank(text: str) -> bool:
    """Whether nothing of ``text`` can be seen."""
    return all(c.isspace() or c in INVISIBLE for c in text)


def measure(text: str) -> float:
    """Reading length: an ideograph or kana counts 1, another word 1.6 (a text has that many fewer words in English)."""
    return len(_IDEOGRAPH.findall(text)) + 1.6 * len(_WORD.findall(text))


def cjk_share(text: str) -> float:
    """Share of ideographs and kana among the visible characters, 0..1."""
    visible = sum(not c.isspace() for c in text)
    return len(_IDEOGRAPH.findall(text)) / visible if visible else 0.0


def ends_sentence(text: str) -> bool:
    """Whether ``text`` closes with a sentence's punctuation; closing quotes and brackets may follow it."""
    return text.rstrip().rstrip(_CLOSERS)[-1:] in _SENTENCE_END if text else False


def reads_as_paragraph(text: str) -> bool:
    """Whether ``text`` reads like running text, not like a title, a label or a link."""
    return measure(text) >= (18 if ends_sentence(text) else 45) and bool(_COMMA.search(text))
