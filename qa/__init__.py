"""citeqa: question answering in Chinese and English that proves its answers.

import qa
index = qa.open("index")
index.search("昌平区有多少家医药健康企业？")
"""

from __future__ import annotations

from qa.index import Index

open = Index.open

__all__ = ["Index", "open"]
__version__ = "0.1.0"
