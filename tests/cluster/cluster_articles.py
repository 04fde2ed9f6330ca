"""Articles that nobody wrote before: each about a place that does not exist, with a question that it alone answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import product
from typing import Final

_FIRST: Final = tuple("棠槐枫榆柏松梅菱荻芦鹭鹤雁鸥鲤")
_SECOND: Final = tuple("溪湾塘浦洲岭坪滩埠渡桥堰屿汀矶")
_ONSETS: Final = (
    "Bre",
    "Cal",
    "Dov",
    "Fen",
    "Gar",
    "Hol",
    "Jas",
    "Kel",
    "Mor",
    "Nes",
    "Orl",
    "Pem",
    "Rud",
    "Tav",
    "Wex",
)
_MIDDLES: Final = ("ar", "el", "in", "os", "un")
_CODAS: Final = ("adam", "burgh", "combe", "dale", "ford", "garth", "holm", "ingley", "mere", "neth")
_ENDINGS: Final = ("ia", "on", "us", "ea", "or")

_ZH: Final = (
    "{name}灯塔建在{name}镇的北岸。{name}灯塔一共点{count}盏灯，由{keepers}名守塔人轮流照看。",
    "每年冬天，{name}镇的渔船要等{name}灯塔的雾钟响过{bells}次才出海。守塔人把过往船只记在册上，册子存放在镇上的图书室。",
    "{name}灯塔的楼梯有{steps}级。{year}年翻修时，工匠把旧木梯换成了石阶，并在塔顶加了一圈栏杆。",
)
_EN: Final = (
    "The lighthouse of {name} stands on the north shore of the town. It burns {count} lamps, and {keepers} keepers "
    "take turns.",
    "In winter the boats of {name} wait for {bells} strokes of the fog bell before they leave. The keepers write every "
    "ship into a book, which is kept in the reading room of the town.",
    "The stairs of the {name} lighthouse have {steps} steps. In {year} the old wooden stairs gave way to stone, and a "
    "railing was set around the top.",
)


@dataclass(frozen=True, slots=True)
class Article:
    serial: int
    name: str
    """Of the place; no two articles share one."""
    title: str
    text: str
    question: str

    @property
    def source(self) -> str:
        """The file that is uploaded."""
        return f"# {self.title}\n\n{self.text}\n"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.source.encode()).hexdigest()


def article(serial: int) -> Article:
    """The same for the same number; Chinese where it is even. There are ``LAST`` of them."""
    name = _NAMES[serial % 2][serial // 2]
    figures = {
        "count": 20 + serial % 70,
        "keepers": 3 + serial % 7,
        "bells": 5 + serial % 40,
        "steps": 100 + serial % 300,
        "year": 1890 + serial % 130,
    }
    paragraphs, title, question = (_EN, "The lighthouse of {name}", "How many lamps burn in the lighthouse of {name}?")
    if serial % 2 == 0:
        paragraphs, title, question = (_ZH, "{name}灯塔", "{name}灯塔点多少盏灯？")
    text = "\n\n".join(paragraph.format(name=name, **figures) for paragraph in paragraphs)
    return Article(serial, name, title.format(name=name), text, question.format(name=name))


_NAMES: Final = (
    tuple("".join(parts) for parts in product(_FIRST, _SECOND, _FIRST)),
    tuple("".join(parts) for parts in product(_ONSETS, _MIDDLES, _CODAS, _ENDINGS)),
)
LAST: Final = 2 * min(map(len, _NAMES))
