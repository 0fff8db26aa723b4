"""Formulas in plain words, Korean and English. Pure."""

from __future__ import annotations

from madang.model.formula import FALSE, TRUE, Either, Every, Formula, Is, Not, OfAttribute, OfType, OwnedBy, Within

LANGUAGES = ("ko", "en")
_ATOMS = {
    "ko": {OfType: "유형이 {}", OfAttribute: "속성이 {}", Within: "{} 구역 안", OwnedBy: "주인이 {}", Is: "바로 {}"},
    "en": {
        OfType: "its type is {}",
        OfAttribute: "the attribute is {}",
        Within: "it lies in {}",
        OwnedBy: "its owner is {}",
        Is: "it is {}",
    },
}
_ALWAYS, _NEVER = {"ko": "모두", "en": "all"}, {"ko": "없음", "en": "none"}
_AND, _OR = {"ko": " 그리고 ", "en": " and "}, {"ko": " 또는 ", "en": " or "}
_NOT = {"ko": "({})이 아님", "en": "not ({})"}


def told(formula: Formula) -> dict[str, str]:
    """By language."""
    return {language: in_words(formula, language) for language in LANGUAGES}


def in_words(formula: Formula, language: str) -> str:
    """A condition as a reader of that language would say it."""
    if formula in (TRUE, FALSE):
        return (_ALWAYS if formula == TRUE else _NEVER)[language]
    if isinstance(formula, Not):
        return _NOT[language].format(in_words(formula.term, language))
    if isinstance(formula, Every | Either):
        word = _AND if isinstance(formula, Every) else _OR
        return word[language].join(_within_brackets(term, language) for term in formula.terms)
    name = formula.area.name if isinstance(formula, Within) else formula.id if isinstance(formula, Is) else formula.name
    return _ATOMS[language][type(formula)].format(name)


def _within_brackets(formula: Formula, language: str) -> str:
    words = in_words(formula, language)
    return f"({words})" if isinstance(formula, Every | Either) else words
