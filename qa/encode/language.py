"""Which language a text is in, and which script its Chinese is in: by counting characters, no model."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal

from qa.types import Language

if TYPE_CHECKING:
    from opencc import OpenCC

Script = Literal["hans", "hant"]

SAMPLE_CHARS = 18_000
"""A longer text is judged by its head, middle and tail, a third of this each."""
HAN_SHARE = 1 / 3
"""Share of Han words among all words from which a text without telling function words counts as Chinese."""
HAN_MAJORITY = 0.6
"""Share of Han words that outweighs English function words without Chinese ones."""
HAN_CHARS_PER_WORD = 1.5
KANA_SHARE = 0.2
"""Share of kana among kana and Han from which a text counts as Japanese; a kanji-heavy headline has about this."""
FOREIGN_WORDS = 8
"""Latin-script words that a text needs before it can be judged to be in a language other than English."""

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〇]")
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff\uff66-\uff9d]")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a]")
_LATIN_WORD = re.compile(_LATIN.pattern + r"+(?:['’]" + _LATIN.pattern + r"+)*")
_LETTER = re.compile(r"[^\W\d_]")

_ZH_STRONG = re.compile("[的了吗呢是谁哪几啥怎嗎誰幾]|什么|什麼|多少|如何|是否|何时|何時|何地|何人|为何|為何")
"""Function words that do not occur inside names."""
_ZH_WEAK = re.compile("[在和与與及为為有被把将將从從对對也都就不请請会會]")
_OPENS_LATIN = re.compile(r"\W*([A-Za-z]{2,})(?:['’][a-z]+)?\s")
_EN_FUNCTION = (
    "about an and are as at be but by can could describe did do does explain for from give had has have he how in is "
    "it its list me name no not of on or please should she tell that the their there these they this to was we were "
    "what when where which who whom whose why will with would you"
)
_FOREIGN_FUNCTION = {
    "fr": "au aux avec ce ces cette dans des du elle est et il la le les leur mais ne nous ou où par pas pour que qui "
    "sa se ses son sont sur une vous été être",
    "de": "als auch auf aus bei das dem den der des die durch ein eine einen er es für hat ich im ist mit nach nicht "
    "oder sich sie sind und von war wie wird wurde zu zum zur über",
    "es": "al como con de del el en es esta este fue ha la las lo los más no para pero por que se sin sobre su sus son "
    "un una y",
    "it": "al alla che con dei del della di e è gli ha il in la le lo ma nel nella non per più si sono su un una",
    "pt": "ao as com da das de do dos e em é foi mais na não nas no nos o os ou para pela pelo por que se sua são um "
    "uma",
    "nl": "aan als bij dat de deze die door een en er het hij in is maar met naar niet om ook op te tot van voor was "
    "werd wordt zijn",
    "id": "adalah akan dan dari dengan di dalam ini itu ke oleh pada sebagai telah tidak untuk yang",
    "vi": "các cho của có được là một những này trong và với không người",
    "tr": "bir bu çok da daha de gibi için ile olan olarak ve",
    "pl": "był dla do i jak jest na nie od oraz po przez się to w z za że",
    "sv": "att av den det en ett för har med och om på som till var är",
}
_EN_SET = frozenset(_EN_FUNCTION.split())
_FOREIGN_SETS = tuple(frozenset(words.split()) - _EN_SET for words in _FOREIGN_FUNCTION.values())


def detect(text: str) -> Language:
    """The language a text is written in: ``zh``, ``en`` or ``other``.

    In a mixed text the function words decide, then the share of Han characters: a Chinese question with English names
    is ``zh``, an English question with a Chinese name is ``en``. Latin script counts as English unless the text is
    long enough to show another language. A text with fewer than two letters (``2024``, ``5G``) is ``other``.
    """
    text = _sample(text)
    han = len(_HAN.findall(text))
    latin = len(_LATIN.findall(text))
    if _is_foreign_script(text, han, latin):
        return "other"
    if han == 0:
        return _latin_language(text) if latin >= 2 else "other"
    return _mixed_language(text, han) if latin else "zh"


def has_letters(text: str) -> bool:
    """Whether the text has any letter or ideograph, so that ``detect`` has something to go by."""
    return _LETTER.search(text) is not None


def script(text: str) -> Script | None:
    """The script that most telling characters belong to; ``None`` where nothing tells (or there is a tie).

    A telling character is one that conversion to the other script changes.
    """
    characters = set(_HAN.findall(text))
    evidence = [_character_script(c) for c in characters]
    traditional, simple = evidence.count("hant"), evidence.count("hans")
    if traditional == simple:
        return None
    return "hant" if traditional > simple else "hans"


def simplified(text: str) -> str:
    """The text with Traditional characters replaced by Simplified ones (OpenCC ``t2s``), repeated until it is stable.

    ``text`` must not hold lone surrogates. The character count stays the same in every OpenCC dictionary seen so far;
    callers that keep offsets check it.
    """
    for _ in range(4):
        converted: str = _converter("t2s").convert(text)
        if converted == text:
            return text
        text = converted
    return text


def traditional(text: str) -> str:
    """The text with Simplified characters replaced by Traditional ones (OpenCC ``s2t``)."""
    converted: str = _converter("s2t").convert(text)
    return converted


@cache
def _converter(config: str) -> OpenCC:
    from opencc import OpenCC

    return OpenCC(config)


@lru_cache(maxsize=30_000)
def _character_script(character: str) -> Script | None:
    if _converter("t2s").convert(character) != character:
        return "hant"
    if _converter("s2t").convert(character) != character:
        return "hans"
    return None


def _sample(text: str) -> str:
    if len(text) <= SAMPLE_CHARS:
        return text
    part, middle = SAMPLE_CHARS // 3, len(text) // 2
    return " ".join((text[:part], text[middle : middle + part], text[-part:]))


def _is_foreign_script(text: str, han: int, latin: int) -> bool:
    kana, hangul = len(_KANA.findall(text)), len(_HANGUL.findall(text))
    if kana + hangul > KANA_SHARE * (kana + hangul + han) and kana + hangul > latin:
        return True
    return len(_LETTER.findall(text)) - han - latin > han + latin


def _mixed_language(text: str, han: int) -> Language:
    words = _LATIN_WORD.findall(text)
    english = sum(map(_is_english_function, words))
    strong = _ZH_STRONG.search(text) is not None
    if not strong and _opens_english(text):
        return "en"
    share = _han_share(han, len(words))
    chinese = strong or _ZH_WEAK.search(text) is not None
    if english >= 2 and not chinese and share < HAN_MAJORITY:
        return "en"
    if chinese and not english:
        return "zh" if share >= HAN_SHARE / 2 else "en"
    return "zh" if share >= HAN_SHARE else _latin_language(text)


def _han_share(han: int, latin_words: int) -> float:
    han_words = han / HAN_CHARS_PER_WORD
    return han_words / (han_words + latin_words)


def _is_english_function(word: str) -> bool:
    """An acronym (IT, WHO) is no function word."""
    return not word.isupper() and word.lower() in _EN_SET


def _opens_english(text: str) -> bool:
    opening = _OPENS_LATIN.match(text)
    return opening is not None and _is_english_function(opening[1])


def _latin_language(text: str) -> Language:
    words = [word.lower() for word in _LATIN_WORD.findall(text)]
    if len(words) < FOREIGN_WORDS:
        return "en"
    english = sum(word in _EN_SET for word in words)
    foreign = max(sum(word in known for word in words) for known in _FOREIGN_SETS)
    return "other" if foreign > english and foreign >= len(words) / 8 else "en"
