"""From bytes to text: UTF-8, UTF-16, GB 18030, Big5 and, through charset-normalizer, whatever else is likely.

The legacy Chinese encodings accept nearly any bytes, so a decoding is believed for what it reads like: common
characters and punctuation speak for it, rare and private ones against it. On a few characters a statistical detector
has nothing to go by; this still does.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

from qa.errors import ReadError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CANDIDATES = ("gb18030", "big5", "big5hkscs", "utf-16-le", "utf-16-be")
_JAPANESE = ("cp932", "euc_jp")
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257", "latin_1", "iso8859_2", "iso8859_15")
"""Told apart only by a few letters: of these, English texts with typographic quotes are nearly always cp1252."""
_OTHERS = (*_LATIN, "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp932", "euc_jp", "iso2022_jp", "cp949")
_SAMPLE = 65536
_PLAUSIBLE = 0.55
_KANA = 0.2
_FEW_KANA = 3
_PROOF = 8
"""So many characters in UTF-8 are no accident."""
_ALMOST_UTF8 = 0.9
_BROWSERS_READ = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "utf8": "utf-8",
}
_MOST_USED = frozenset(
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发"
    "成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话"
    "這來國個說們為時會過對後麼沒於還發當無開經頭見從動兩長樣現將與進實點種聲話學業產報關電機場體說東車門題問間"
)
_UTF8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x7f-\x84\x86-\x9f]")


def decode(data: bytes, declared: str | None = None) -> tuple[str, str]:
    """The text of ``data`` without its byte order mark, and the encoding it was in.

    ``declared`` (by a protocol or by the document) is believed where the bytes agree: not where they are plainly UTF-8,
    nor where it is the Latin default of servers. Raises ReadError (``encoding``) where no encoding makes text of them.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding), encoding
    utf8 = _try(data, "utf-8")
    is_plain = utf8 is not None and not _CONTROL.search(utf8)
    known = _known(declared) if declared else None
    if known and known not in ("utf-8", "cp1252") and not (is_plain and len(_UTF8_SEQUENCE.findall(data)) >= _PROOF):
        text = _try(data, known)
        if text is not None and "\x00" not in text:
            return text, known
    if utf8 is not None and is_plain:
        return utf8, "utf-8"
    likely = _guess(data) or ("utf-8" if utf8 is not None else None)
    if likely is None:
        raise _undecodable(data)
    return _strictly(data, likely), likely


def _known(declared: str) -> str | None:
    """The codec for a declared name, as browsers read it: GB2312 is taken for its superset."""
    name = declared.strip().strip("\"'").lower()
    try:
        return codecs.lookup(_BROWSERS_READ.get(name, name)).name
    except LookupError:
        return None


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _strictly(data: bytes, encoding: str) -> str:
    text = _try(data, encoding)
    if text is None:
        raise _undecodable(data)
    return text


def _guess(data: bytes) -> str | None:
    if _is_damaged_utf8(data):
        return None
    sample = data[:_SAMPLE]
    japanese = next((e for e in _JAPANESE if _hiragana_share(sample, e) > _KANA), None)
    if japanese:
        return japanese
    scores = {encoding: _score(sample, encoding, whole=len(sample) == len(data)) for encoding in _CANDIDATES}
    best = max(scores, key=lambda encoding: scores[encoding])
    if scores[best] >= _PLAUSIBLE and _try(data, best) is not None:
        return best
    return None if 0 in data else _statistical(data)


def _is_damaged_utf8(data: bytes) -> bool:
    """Whether nearly all the bytes beyond ASCII form UTF-8 characters: a broken file, not another encoding."""
    high = len(_HIGH.findall(data))
    valid = sum(len(m.group()) for m in _UTF8_SEQUENCE.finditer(data))
    return high >= 6 and 0 not in data and valid >= _ALMOST_UTF8 * high


def _hiragana_share(sample: bytes, encoding: str) -> float:
    """Share of hiragana: a fifth and more in any Japanese text, none in Chinese read with a Japanese encoding."""
    text = _try(sample, encoding) or ""
    count = sum("\u3041" <= c <= "\u3096" for c in text)
    return count / len(text) if count >= _FEW_KANA else 0.0


def _score(sample: bytes, encoding: str, *, whole: bool) -> float:
    """How much a decoding reads like Chinese or English text, up to about 1.1; below 0 where it cannot be one."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        text = decoder.decode(sample, final=whole)
    except UnicodeDecodeError:
        return -1.0
    if not text or _CONTROL.search(text):
        return -1.0
    weights = [_weight(c) for c in text if not c.isascii()]
    ascii_share = 1 - len(weights) / len(text)
    if encoding.startswith("utf-16"):
        return sum(weights) / len(weights) if weights else ascii_share
    return sum(weights) / len(weights) if weights else -1.0


def _weight(character: str) -> float:
    if character in _MOST_USED:
        return 1.4
    if "\u4e00" <= character <= "\u9fff":
        return _commonness(character)
    if "\u3000" <= character <= "\u3017" or "\uff01" <= character <= "\uff5e" or character in "“”‘’—…·":
        return 1.0
    if "\u00a0" <= character <= "\u024f":
        return 0.6
    return -0.5 if unicodedata.category(character) in ("Co", "Cn", "Cc", "Cs") else 0.0


def _commonness(character: str) -> float:
    """1 for the everyday characters of GB 2312 and Big5, which both standards list first; 0 for rare ones."""
    for encoding, last in (("gb2312", 0xD7), ("big5", 0xC6)):
        try:
            code = character.encode(encoding)
        except UnicodeEncodeError:
            continue
        if code[0] <= last:
            return 0.8
    return 0.0


def _statistical(data: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_SAMPLE], cp_isolation=list(_OTHERS)).best()
    if best is None:
        return None
    encoding = "cp1252" if best.encoding in _LATIN else str(best.encoding)
    text = _try(data, encoding)
    return None if text is None or _CONTROL.search(text) else encoding


def _undecodable(data: bytes) -> ReadError:
    try:
        data.decode("utf-8")
        at = 0
    except UnicodeDecodeError as error:
        at = error.start
    return ReadError(
        f"The bytes are text in no encoding that is known here (not UTF-8 from byte {at} on).",
        "Save the file as UTF-8 and try again.",
        code="encoding",
    )
