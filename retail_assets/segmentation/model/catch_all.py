"""Categories that are no offer: the words of a shop for "everything else", "not known" and "not filled in"."""

from __future__ import annotations

import re
import unicodedata
from functools import cache


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Words that alone are no goods, in the languages of the headers that contracts know. Accents and case do not count.
_CATCH_ALL = _words(
    """
    misc miscellaneous miscellany sundry sundries various varied assorted other others else rest remaining general
    unknown unclassified uncategorized uncategorised unassigned unspecified undefined unmapped unnamed default
    none null nil nan na tbd tba blank empty missing void test
    sonstige sonstiges sonstigen diverse diverses verschiedenes unbekannt allgemein ohne keine
    autre autres divers diverses inconnu inconnue aucun aucune
    otro otros otra otras varios varias desconocido desconocida ninguno ninguna
    altro altri altra altre varie vari vario sconosciuto nessuno nessuna
    outro outros outra outras diversos diversas desconhecido desconhecida nenhum nenhuma
    overig overige andere diversen onbekend geen
    ovrigt ovriga øvrigt øvrige annat andra okand andet diverse ukendt annet ukjent muut muu tuntematon
    inne pozostale rozne nieznany nieznane ostatni jine ruzne neznamy
    diger bilinmeyen cesitli lainnya lain khac
    прочее прочие другое другие разное неизвестно
    その他 不明 未分類 其他 其它 未知 未分类 기타 미분류
    """
)
#: Words that may stand beside them without naming goods.
_FILLER = _words(
    """
    all any and or the of not no non a an in for is are set given available applicable assigned specified
    classified categorized categorised category categories categorie kategorie categoria kategori department dept group
    class type section family item items product products produkte produits productos article articles artikel good
    goods angabe merchandise stuff things sale sales
    """
)
_NEGATED = _words("no not non")
_STATES = _words(
    "available applicable assigned specified classified categorized categorised set given category categories"
)


@cache
def is_catch_all(category: str) -> bool:
    """Say whether a category names no goods that a customer could be offered.

    >>> [is_catch_all(c) for c in ("MISCELLANEOUS", "Other items", "n/a", " - ", "Not specified", "Sonstiges")]
    [True, True, True, True, True, True]
    >>> [is_catch_all(c) for c in ("Games", "Other dairy", "General store", "Nonfood", "食品")]
    [False, False, False, False, False]
    """
    words = re.findall(r"[^\W_]+", _plain(category))
    if "".join(words) in _CATCH_ALL or not words:
        return True
    if not all(word in _CATCH_ALL or word in _FILLER for word in words):
        return False
    negated = bool(_NEGATED & set(words)) and bool(_STATES & set(words))
    return negated or any(word in _CATCH_ALL for word in words)


def _plain(text: str) -> str:
    """Lower case without accents; the marks of other scripts stay where they make another letter."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    latin = "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", latin).strip()
