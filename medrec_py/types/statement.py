"""The plain sentence that says what a grant says, so that any wallet shows words and not bit masks.

`render` is canonical: the same fields give the same text, byte for byte, for a version and a language, both named in
the tag that ends it. Whoever is handed a grant renders it again and refuses it when the text differs
(`require_statement`): what the patient read is then what the fields say.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from medrec_py.errors import StatementMismatch, UnknownLanguage
from medrec_py.types.terms import NO_EXPIRY, NO_FIRST_DATE, NO_LAST_DATE, ZERO_ADDRESS, ZERO_BYTES32, Operation, Terms
from medrec_py.types.vocabulary import VOCABULARY

Language: TypeAlias = Literal["en", "zh"]

VERSION: Final = 1
_TAG: Final = re.compile(r"\[medrec:([0-9]{1,9}):([a-z]{2})\]\Z")

_TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "who": "I allow {viewer} to {operations} the medical records of these kinds: {classes}.",
        "purposes": "Only for: {purposes}.",
        "from": "Valid from {start}",
        "until": " until {end}.",
        "forever": " until I revoke it; it does not end by itself.",
        "dates": "Only records dated from {first} to {last}.",
        "dates_from": "Only records dated {first} or later.",
        "dates_until": "Only records dated {last} or earlier.",
        "dates_all": "Records of any date.",
        "agent": "The software {agent} may act for them.",
        "delegations": "They may pass this on, through at most {count} further hands.",
        "no_delegation": "They may not pass this on.",
        "condition": "Only while the contract {condition} says that its condition holds.",
        "parent": "Passed on under grant {parent}.",
        "separator": ", ",
        "space": " ",
    },
    "zh": {
        "who": "我允许 {viewer} {operations}以下类别的医疗记录：{classes}。",
        "purposes": "仅用于：{purposes}。",
        "from": "自 {start} 起",
        "until": "至 {end} 止有效。",
        "forever": "有效，直至我撤销；不会自行终止。",
        "dates": "仅限日期为 {first} 至 {last} 的记录。",
        "dates_from": "仅限日期为 {first} 及以后的记录。",
        "dates_until": "仅限日期为 {last} 及以前的记录。",
        "dates_all": "不限记录日期。",
        "agent": "软件 {agent} 可代其行事。",
        "delegations": "对方可以转授，最多再经 {count} 手。",
        "no_delegation": "对方不得转授。",
        "condition": "仅当合约 {condition} 表明其条件成立时有效。",
        "parent": "依据授权 {parent} 转授。",
        "separator": "、",
        "space": "",
    },
}

_OPERATIONS: Final[dict[str, dict[Operation, str]]] = {
    "en": {
        Operation.READ: "read",
        Operation.QUERY: "ask questions of",
        Operation.DERIVE: "derive results from",
        Operation.EXPORT: "export",
        Operation.TRAIN: "train models on",
    },
    "zh": {
        Operation.READ: "阅读",
        Operation.QUERY: "查询",
        Operation.DERIVE: "据以推导",
        Operation.EXPORT: "导出",
        Operation.TRAIN: "用于训练模型",
    },
}


def render(terms: Terms, viewer: str, language: Language = "en") -> str:
    """The sentence for the fields of `terms`, granted to `viewer` (an EIP-55 address).

    The field `terms.statement` plays no part in it.

    Raises:
        UnknownLanguage: There are no texts in this language.
        InvalidInput: A class or purpose has no entry in the vocabulary.
    """
    if language not in _TEXTS:
        raise UnknownLanguage(f"There is no statement in the language {language!r}.", language=language)
    texts = _TEXTS[language]
    separator = texts["separator"]
    operations = separator.join(text for bit, text in _OPERATIONS[language].items() if bit in terms.operations)
    classes = separator.join(VOCABULARY.class_names(terms.classes, language))
    purposes = separator.join(VOCABULARY.purpose_names(terms.purposes, language))
    until = texts["forever"] if terms.expires_at == NO_EXPIRY else texts["until"].format(end=_moment(terms.expires_at))
    sentences = [
        texts["who"].format(viewer=viewer, operations=operations, classes=classes),
        texts["purposes"].format(purposes=purposes),
        texts["from"].format(start=_moment(terms.starts_at)) + until,
        _dates(terms, texts),
    ]
    if terms.agent != ZERO_ADDRESS:
        sentences.append(texts["agent"].format(agent=terms.agent))
    if terms.delegations:
        sentences.append(texts["delegations"].format(count=terms.delegations))
    else:
        sentences.append(texts["no_delegation"])
    if terms.condition != ZERO_ADDRESS:
        sentences.append(texts["condition"].format(condition=terms.condition))
    if terms.parent != ZERO_BYTES32:
        sentences.append(texts["parent"].format(parent="0x" + terms.parent.hex()))
    return texts["space"].join(sentences) + f" [medrec:{VERSION}:{language}]"


def require_statement(terms: Terms, viewer: str) -> None:
    """Refuses terms whose sentence is not the one that their fields make.

    Raises:
        StatementMismatch: The sentence has no tag, is of an unknown version or language, or says something else.
    """
    tag = _TAG.search(terms.statement)
    if tag is None or int(tag[1]) != VERSION or tag[2] not in _TEXTS:
        raise StatementMismatch(
            "The grant's sentence names no version and language that can be checked.", statement=terms.statement
        )
    expected = render(terms, viewer, "zh" if tag[2] == "zh" else "en")
    if terms.statement != expected:
        raise StatementMismatch(
            "The grant's sentence says something else than its fields.", statement=terms.statement, expected=expected
        )


def _moment(seconds: int) -> str:
    # Beyond the year 9999 no calendar of Python's applies; the number itself is then the plainest thing to say.
    if seconds >= 253402300800:
        return f"@{seconds}"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _dates(terms: Terms, texts: dict[str, str]) -> str:
    first, last = _day(terms.records_from), _day(terms.records_until)
    if terms.records_from == NO_FIRST_DATE and terms.records_until == NO_LAST_DATE:
        return texts["dates_all"]
    if terms.records_until == NO_LAST_DATE:
        return texts["dates_from"].format(first=first)
    if terms.records_from == NO_FIRST_DATE:
        return texts["dates_until"].format(last=last)
    return texts["dates"].format(first=first, last=last)


def _day(number: int) -> str:
    return f"{number // 10000:04}-{number // 100 % 100:02}-{number % 100:02}"
