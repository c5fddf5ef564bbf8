"""The languages that ocrloom reads, and the many names by which people call them.

A member's value is its canonical code: the name of Tesseract's model where Tesseract has one
(``eng``, ``chi_tra``, ``srp_latn``), its ISO 639-3 code otherwise. ``Language.parse`` takes these
and every other usual spelling: English names, ISO 639, BCP 47. Importing this costs next to
nothing: no recogniser is asked what it can do, the table below is the answer.

Which recogniser reads what was decided by alphabet: PP-OCRv6 is named for a language only if its
dictionary holds all letters that the language's present spelling uses. Hence Vietnamese, Yoruba
(letters with a dot below) and Greek (several accented letters) are left to Tesseract, and Pali in
Latin letters, which neither covers, is not in the list. Three gaps are accepted: Welsh w and y
with grave, acute or diaeresis and the dotted consonants of old Irish print, which are rare, and
the sign ʻ of Uzbek and Tongan, which is drawn like ‘ and read as that.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Set
from enum import Enum
from typing import Self, TypeAlias

from ocrloom.errors import OcrOptionError, OcrUnknownLanguage

__all__ = ["PPOCR", "TESSERACT", "Language", "LanguageLike", "Script", "parse_languages"]

PPOCR = "pp-ocrv6-small"
"""Name of the recogniser that comes with ocrloom."""
TESSERACT = "tesseract"
"""Name of the recogniser that the extra ``ocrloom[tesseract]`` adds."""

_PPOCR = (PPOCR,)
_EITHER = (PPOCR, TESSERACT)
_TESSERACT = (TESSERACT,)


class Script(Enum):
    """What a language is written in; values are ISO 15924 codes."""

    ANY = "Zyyy"
    ARABIC = "Arab"
    ARMENIAN = "Armn"
    BENGALI = "Beng"
    CANADIAN_SYLLABICS = "Cans"
    CHEROKEE = "Cher"
    CYRILLIC = "Cyrl"
    DEVANAGARI = "Deva"
    ETHIOPIC = "Ethi"
    FRAKTUR = "Latf"
    GEORGIAN = "Geor"
    GREEK = "Grek"
    GUJARATI = "Gujr"
    GURMUKHI = "Guru"
    HANS = "Hans"
    HANT = "Hant"
    HEBREW = "Hebr"
    JAPANESE = "Jpan"
    KANNADA = "Knda"
    KHMER = "Khmr"
    KOREAN = "Kore"
    LAO = "Laoo"
    LATIN = "Latn"
    MALAYALAM = "Mlym"
    MYANMAR = "Mymr"
    ODIA = "Orya"
    SINHALA = "Sinh"
    SYRIAC = "Syrc"
    TAMIL = "Taml"
    TELUGU = "Telu"
    THAANA = "Thaa"
    THAI = "Thai"
    TIBETAN = "Tibt"


class Language(Enum):
    """A language that ocrloom reads, or ``AUTO`` to find the script from the page itself."""

    _value_: str
    english_name: str
    """The name to show to people: ``Chinese (Traditional)``."""
    iso639_1: str | None
    """Two-letter code; members that write one language in several scripts share it."""
    iso639_3: str
    """Three-letter code; shared as above, ``und`` (undetermined) for ``AUTO``."""
    script: Script
    """What it is written in."""
    recognisers: tuple[str, ...]
    """Names of the recognisers that read it, the preferred one first."""

    def __new__(
        cls,
        code: str,
        english_name: str,
        iso639_1: str | None,
        script: Script,
        recognisers: tuple[str, ...],
        iso639_3: str = "",
    ) -> Self:
        """Make a member of one row of the table."""
        member = object.__new__(cls)
        member._value_ = code
        member.english_name = english_name
        member.iso639_1 = iso639_1
        member.iso639_3 = iso639_3 or code.partition("_")[0]
        member.script = script
        member.recognisers = recognisers
        return member

    # Where members share an ISO code, it names the first of them.
    AUTO = "auto", "Automatic", None, Script.ANY, _PPOCR, "und"
    AFRIKAANS = "afr", "Afrikaans", "af", Script.LATIN, _EITHER
    ALBANIAN = "sqi", "Albanian", "sq", Script.LATIN, _EITHER
    AMHARIC = "amh", "Amharic", "am", Script.ETHIOPIC, _TESSERACT
    ANCIENT_GREEK = "grc", "Ancient Greek", None, Script.GREEK, _TESSERACT
    ARABIC = "ara", "Arabic", "ar", Script.ARABIC, _TESSERACT
    ARMENIAN = "hye", "Armenian", "hy", Script.ARMENIAN, _TESSERACT
    ASSAMESE = "asm", "Assamese", "as", Script.BENGALI, _TESSERACT
    AZERBAIJANI = "aze", "Azerbaijani", "az", Script.LATIN, _EITHER
    AZERBAIJANI_CYRILLIC = "aze_cyrl", "Azerbaijani (Cyrillic)", "az", Script.CYRILLIC, _TESSERACT
    BASQUE = "eus", "Basque", "eu", Script.LATIN, _EITHER
    BELARUSIAN = "bel", "Belarusian", "be", Script.CYRILLIC, _TESSERACT
    BENGALI = "ben", "Bengali", "bn", Script.BENGALI, _TESSERACT
    BOSNIAN = "bos", "Bosnian", "bs", Script.LATIN, _EITHER
    BRETON = "bre", "Breton", "br", Script.LATIN, _EITHER
    BULGARIAN = "bul", "Bulgarian", "bg", Script.CYRILLIC, _TESSERACT
    BURMESE = "mya", "Burmese", "my", Script.MYANMAR, _TESSERACT
    CATALAN = "cat", "Catalan", "ca", Script.LATIN, _EITHER
    CEBUANO = "ceb", "Cebuano", None, Script.LATIN, _EITHER
    CHEROKEE = "chr", "Cherokee", None, Script.CHEROKEE, _TESSERACT
    CHINESE_SIMPLIFIED = "chi_sim", "Chinese (Simplified)", "zh", Script.HANS, _EITHER, "zho"
    CHINESE_TRADITIONAL = "chi_tra", "Chinese (Traditional)", "zh", Script.HANT, _EITHER, "zho"
    CORSICAN = "cos", "Corsican", "co", Script.LATIN, _EITHER
    CROATIAN = "hrv", "Croatian", "hr", Script.LATIN, _EITHER
    CZECH = "ces", "Czech", "cs", Script.LATIN, _EITHER
    DANISH = "dan", "Danish", "da", Script.LATIN, _EITHER
    DIVEHI = "div", "Divehi", "dv", Script.THAANA, _TESSERACT
    DUTCH = "nld", "Dutch", "nl", Script.LATIN, _EITHER
    DZONGKHA = "dzo", "Dzongkha", "dz", Script.TIBETAN, _TESSERACT
    ENGLISH = "eng", "English", "en", Script.LATIN, _EITHER
    ESPERANTO = "epo", "Esperanto", "eo", Script.LATIN, _EITHER
    ESTONIAN = "est", "Estonian", "et", Script.LATIN, _EITHER
    FAROESE = "fao", "Faroese", "fo", Script.LATIN, _EITHER
    FILIPINO = "fil", "Filipino", None, Script.LATIN, _EITHER
    FINNISH = "fin", "Finnish", "fi", Script.LATIN, _EITHER
    FRENCH = "fra", "French", "fr", Script.LATIN, _EITHER
    GALICIAN = "glg", "Galician", "gl", Script.LATIN, _EITHER
    GEORGIAN = "kat", "Georgian", "ka", Script.GEORGIAN, _TESSERACT
    GERMAN = "deu", "German", "de", Script.LATIN, _EITHER
    GERMAN_FRAKTUR = "frk", "German (Fraktur)", "de", Script.FRAKTUR, _TESSERACT, "deu"
    GREEK = "ell", "Greek", "el", Script.GREEK, _TESSERACT
    GUJARATI = "guj", "Gujarati", "gu", Script.GUJARATI, _TESSERACT
    HAITIAN_CREOLE = "hat", "Haitian Creole", "ht", Script.LATIN, _EITHER
    HEBREW = "heb", "Hebrew", "he", Script.HEBREW, _TESSERACT
    HINDI = "hin", "Hindi", "hi", Script.DEVANAGARI, _TESSERACT
    HUNGARIAN = "hun", "Hungarian", "hu", Script.LATIN, _EITHER
    ICELANDIC = "isl", "Icelandic", "is", Script.LATIN, _EITHER
    INDONESIAN = "ind", "Indonesian", "id", Script.LATIN, _EITHER
    INUKTITUT = "iku", "Inuktitut", "iu", Script.CANADIAN_SYLLABICS, _TESSERACT
    IRISH = "gle", "Irish", "ga", Script.LATIN, _EITHER
    ITALIAN = "ita", "Italian", "it", Script.LATIN, _EITHER
    JAPANESE = "jpn", "Japanese", "ja", Script.JAPANESE, _EITHER
    JAVANESE = "jav", "Javanese", "jv", Script.LATIN, _EITHER
    KANNADA = "kan", "Kannada", "kn", Script.KANNADA, _TESSERACT
    KAZAKH = "kaz", "Kazakh", "kk", Script.CYRILLIC, _TESSERACT
    KHMER = "khm", "Khmer", "km", Script.KHMER, _TESSERACT
    KOREAN = "kor", "Korean", "ko", Script.KOREAN, _TESSERACT
    KURDISH_KURMANJI = "kmr", "Kurdish (Kurmanji)", None, Script.LATIN, _EITHER
    KYRGYZ = "kir", "Kyrgyz", "ky", Script.CYRILLIC, _TESSERACT
    LAO = "lao", "Lao", "lo", Script.LAO, _TESSERACT
    LATIN = "lat", "Latin", "la", Script.LATIN, _EITHER
    LATVIAN = "lav", "Latvian", "lv", Script.LATIN, _EITHER
    LITHUANIAN = "lit", "Lithuanian", "lt", Script.LATIN, _EITHER
    LUXEMBOURGISH = "ltz", "Luxembourgish", "lb", Script.LATIN, _EITHER
    MACEDONIAN = "mkd", "Macedonian", "mk", Script.CYRILLIC, _TESSERACT
    MALAY = "msa", "Malay", "ms", Script.LATIN, _EITHER
    MALAYALAM = "mal", "Malayalam", "ml", Script.MALAYALAM, _TESSERACT
    MALTESE = "mlt", "Maltese", "mt", Script.LATIN, _EITHER
    MAORI = "mri", "Māori", "mi", Script.LATIN, _EITHER
    MARATHI = "mar", "Marathi", "mr", Script.DEVANAGARI, _TESSERACT
    MIDDLE_ENGLISH = "enm", "Middle English", None, Script.LATIN, _EITHER
    MIDDLE_FRENCH = "frm", "Middle French", None, Script.LATIN, _EITHER
    MONGOLIAN = "mon", "Mongolian", "mn", Script.CYRILLIC, _TESSERACT
    NEPALI = "nep", "Nepali", "ne", Script.DEVANAGARI, _TESSERACT
    NORTHERN_SAMI = "sme", "Northern Sami", "se", Script.LATIN, _PPOCR
    NORWEGIAN = "nor", "Norwegian", "no", Script.LATIN, _EITHER
    OCCITAN = "oci", "Occitan", "oc", Script.LATIN, _EITHER
    ODIA = "ori", "Odia", "or", Script.ODIA, _TESSERACT
    OLD_GEORGIAN = "kat_old", "Old Georgian", None, Script.GEORGIAN, _TESSERACT, "oge"
    OLD_ITALIAN = "ita_old", "Old Italian", None, Script.LATIN, _EITHER
    OLD_SPANISH = "spa_old", "Old Spanish", None, Script.LATIN, _EITHER, "osp"
    PASHTO = "pus", "Pashto", "ps", Script.ARABIC, _TESSERACT
    PERSIAN = "fas", "Persian", "fa", Script.ARABIC, _TESSERACT
    POLISH = "pol", "Polish", "pl", Script.LATIN, _EITHER
    PORTUGUESE = "por", "Portuguese", "pt", Script.LATIN, _EITHER
    PUNJABI = "pan", "Punjabi", "pa", Script.GURMUKHI, _TESSERACT
    QUECHUA = "que", "Quechua", "qu", Script.LATIN, _EITHER
    ROMANIAN = "ron", "Romanian", "ro", Script.LATIN, _EITHER
    ROMANSH = "roh", "Romansh", "rm", Script.LATIN, _PPOCR
    RUSSIAN = "rus", "Russian", "ru", Script.CYRILLIC, _TESSERACT
    SANSKRIT = "san", "Sanskrit", "sa", Script.DEVANAGARI, _TESSERACT
    SCOTTISH_GAELIC = "gla", "Scottish Gaelic", "gd", Script.LATIN, _EITHER
    SERBIAN = "srp", "Serbian", "sr", Script.CYRILLIC, _TESSERACT
    SERBIAN_LATIN = "srp_latn", "Serbian (Latin)", "sr", Script.LATIN, _EITHER
    SINDHI = "snd", "Sindhi", "sd", Script.ARABIC, _TESSERACT
    SINHALA = "sin", "Sinhala", "si", Script.SINHALA, _TESSERACT
    SLOVAK = "slk", "Slovak", "sk", Script.LATIN, _EITHER
    SLOVENIAN = "slv", "Slovenian", "sl", Script.LATIN, _EITHER
    SPANISH = "spa", "Spanish", "es", Script.LATIN, _EITHER
    SUNDANESE = "sun", "Sundanese", "su", Script.LATIN, _EITHER
    SWAHILI = "swa", "Swahili", "sw", Script.LATIN, _EITHER
    SWEDISH = "swe", "Swedish", "sv", Script.LATIN, _EITHER
    SYRIAC = "syr", "Syriac", None, Script.SYRIAC, _TESSERACT
    TAJIK = "tgk", "Tajik", "tg", Script.CYRILLIC, _TESSERACT
    TAMIL = "tam", "Tamil", "ta", Script.TAMIL, _TESSERACT
    TATAR = "tat", "Tatar", "tt", Script.CYRILLIC, _TESSERACT
    TELUGU = "tel", "Telugu", "te", Script.TELUGU, _TESSERACT
    THAI = "tha", "Thai", "th", Script.THAI, _TESSERACT
    TIBETAN = "bod", "Tibetan", "bo", Script.TIBETAN, _TESSERACT
    TIGRINYA = "tir", "Tigrinya", "ti", Script.ETHIOPIC, _TESSERACT
    TONGAN = "ton", "Tongan", "to", Script.LATIN, _EITHER
    TURKISH = "tur", "Turkish", "tr", Script.LATIN, _EITHER
    UKRAINIAN = "ukr", "Ukrainian", "uk", Script.CYRILLIC, _TESSERACT
    URDU = "urd", "Urdu", "ur", Script.ARABIC, _TESSERACT
    UYGHUR = "uig", "Uyghur", "ug", Script.ARABIC, _TESSERACT
    UZBEK = "uzb", "Uzbek", "uz", Script.LATIN, _EITHER
    UZBEK_CYRILLIC = "uzb_cyrl", "Uzbek (Cyrillic)", "uz", Script.CYRILLIC, _TESSERACT
    VIETNAMESE = "vie", "Vietnamese", "vi", Script.LATIN, _TESSERACT
    WELSH = "cym", "Welsh", "cy", Script.LATIN, _EITHER
    WEST_FRISIAN = "fry", "West Frisian", "fy", Script.LATIN, _EITHER
    YIDDISH = "yid", "Yiddish", "yi", Script.HEBREW, _TESSERACT
    YORUBA = "yor", "Yoruba", "yo", Script.LATIN, _TESSERACT

    @property
    def code(self) -> str:
        """The canonical code, which is also the member's value."""
        return self._value_

    @property
    def tesseract(self) -> str | None:
        """Name of Tesseract's model, or None where Tesseract has none."""
        return self._value_ if TESSERACT in self.recognisers else None

    @classmethod
    def parse(cls, given: LanguageLike) -> Language:
        """Find the language that a name or code means.

        Args:
            given: A member, or text: an English name, an ISO 639-1, 639-2 or 639-3 code, the name
                of a Tesseract model, or a BCP 47 tag such as ``zh-Hant`` or ``pt_BR``; in capitals
                or not.

        Returns:
            The member. Chinese without script or country is simplified Chinese.

        Raises:
            OcrUnknownLanguage: No language is called that; the message names the nearest ones.
            OcrOptionError: Neither a member nor text.
        """
        if isinstance(given, Language):
            return given
        if not isinstance(given, str):
            raise OcrOptionError(
                f"a language is a member of Language, its name or a code, got {given!r:.60}"
            )
        key = _key(given)
        found = _INDEX.get(key) or _find_tag(key)
        if found is None:
            raise OcrUnknownLanguage(_explain_unknown(given))
        return found


LanguageLike: TypeAlias = Language | str
"""A language, or text that ``Language.parse`` understands."""

# Pairs of another name and a canonical code.
_OTHER_NAMES = (
    # ISO 639-2's bibliographic codes, where they differ.
    "alb sqi  arm hye  baq eus  bur mya  chi chi_sim  cze ces  dut nld  fre fra  geo kat  ger deu  "
    "gre ell  ice isl  mac mkd  mao mri  may msa  per fas  rum ron  slo slk  tib bod  wel cym  "
    # Members of a group that is read as one, and groups of which one member is read.
    "nb nor  nob nor  nn nor  nno nor  cmn chi_sim  arb ara  pes fas  prs fas  ekk est  lvs lav  "
    "als sqi  khk mon  tl fil  tgl fil  tagalog fil  ku kmr  kur kmr  kurdish kmr  "
    # Withdrawn codes that are still met, and other names in use.
    "iw heb  in ind  ji yid  mo ron  scc srp  scr hrv  chinese chi_sim  mandarin chi_sim  "
    "farsi fas  oriya ori  serbian_cyrillic srp  haitian hat  slovene slv  myanmar mya"
)
_TRADITIONAL_REGIONS = {"tw", "hk", "mo"}
_SEPARATORS = re.compile(r"[\W_]+")
_TAG = re.compile(r"([a-z]{2,3})(?:_([a-z]{4}))?(?:_([a-z]{2}|[0-9]{3}))?")
_LONGEST_NAME = 40  # characters compared for suggestions, as that takes quadratic time


def _key(text: str) -> str:
    """Spell a name as the index does: ``Chinese (Traditional)`` becomes chinese_traditional."""
    return _SEPARATORS.sub("_", text.casefold()).strip("_")


def _names(language: Language) -> Iterator[str]:
    """All names of a language but the other names, the least ambiguous first."""
    yield language.code
    yield language.name
    yield language.english_name
    yield language.iso639_3
    if language.iso639_1:
        yield language.iso639_1


def _build_index() -> dict[str, Language]:
    index: dict[str, Language] = {}
    for language in Language:
        for name in _names(language):
            index.setdefault(_key(name), language)
    others = _OTHER_NAMES.split()
    for name, code in zip(others[::2], others[1::2], strict=True):
        index.setdefault(name, index[code])
    return index


_INDEX = _build_index()


def _find_tag(key: str) -> Language | None:
    """Find a BCP 47 tag of language, script and region; the region decides only for Chinese."""
    tag = _TAG.fullmatch(key)
    base = _INDEX.get(tag[1]) if tag else None
    if tag is None or base is None:
        return None
    script, region = tag[2], tag[3]
    if script is None:
        if base is Language.CHINESE_SIMPLIFIED and region in _TRADITIONAL_REGIONS:
            return Language.CHINESE_TRADITIONAL
        return base
    same = (other for other in Language if other.iso639_3 == base.iso639_3)
    return next((other for other in same if other.script.value.lower() == script), None)


def _explain_unknown(given: str) -> str:
    near = difflib.get_close_matches(_key(given[:_LONGEST_NAME]), _INDEX, n=5, cutoff=0.7)
    names = list(dict.fromkeys(_INDEX[key].english_name for key in near))[:3]
    hint = f"did you mean {' or '.join(names)}? " if names else ""
    return f"unknown language {given[:_LONGEST_NAME]!r}: {hint}run `ocrloom languages` for the list"


def parse_languages(given: LanguageLike | Iterable[LanguageLike]) -> tuple[Language, ...]:
    """Find the languages of a text, given one or several.

    Args:
        given: A member, text, or several of these. Text may join several with ``+`` or ``,`` as
            Tesseract's ``eng+fra``.

    Returns:
        The members without duplicates, in the order given; those of a set, which has no order, by
        code.

    Raises:
        OcrUnknownLanguage: A name or code belongs to no language.
        OcrOptionError: None given, ``AUTO`` beside others, or not languages at all.
    """
    if isinstance(given, Language | str):
        given = (given,)
    elif not isinstance(given, Iterable):
        raise OcrOptionError(f"languages must be one or several languages, got {given!r:.60}")
    found = dict.fromkeys(Language.parse(part) for item in given for part in _split(item))
    languages = sorted(found, key=lambda each: each.code) if isinstance(given, Set) else list(found)
    if not languages:
        raise OcrOptionError("no language given: name one or more, or use Language.AUTO")
    if Language.AUTO in languages and len(languages) > 1:
        raise OcrOptionError(
            "AUTO finds the script by itself and cannot stand beside other languages: "
            "name the languages, or AUTO alone"
        )
    return tuple(languages)


def _split(item: LanguageLike) -> list[LanguageLike]:
    """Part text at + and comma; whatever else is left for ``Language.parse`` to judge."""
    if isinstance(item, str) and not isinstance(item, Language):
        return [part for part in re.split(r"[+,]", item) if part.strip()]
    return [item]
