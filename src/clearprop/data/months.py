"""Names of months in several languages, brought into short English, in which dates are read."""

from __future__ import annotations

import re

ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NAMES = {
    "English": "january february march april may june july august september october november december",
    "short English": "jan feb mar apr may jun jul aug sept oct nov dec",
    "German": "januar jänner februar märz april mai juni juli august september oktober november dezember",
    "short German": "jan feb mär apr mai jun jul aug sep okt nov dez",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "short French": "janv févr mars avr mai juin juil août sept oct nov déc",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "short Spanish": "ene feb mar abr may jun jul ago sep oct nov dic",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "Portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "Dutch": "januari februari maart april mei juni juli augustus september oktober november december",
}
WORD = re.compile(r"[^\W\d_]{3,}\.?")


def _lookup() -> dict[str, str]:
    found: dict[str, str] = {}
    for listed in NAMES.values():
        words = [word for word in listed.split() if word != "jänner"]
        found |= dict(zip(words, ENGLISH, strict=True))
    return {**found, "jänner": "Jan", "maerz": "Mar", "fevrier": "Feb", "aout": "Aug", "decembre": "Dec"}


MONTHS = _lookup()


def in_english(text: str) -> str:
    """The text with the name of a month in short English, whatever language it was in.

    Examples
    --------
    >>> [in_english(text) for text in ("3. März 2020", "12 août 2020", "January-2005", "Dez 19")]
    ['3. Mar 2020', '12 Aug 2020', 'Jan-2005', 'Dec 19']
    """
    return WORD.sub(lambda match: MONTHS.get(match[0].lower().rstrip("."), match[0]), text)
