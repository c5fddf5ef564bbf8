"""The list of languages, and the names by which they are found."""

import contextlib
import copy
import pickle
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrloom.errors import OcrException, OcrOptionError, OcrUnknownLanguage
from ocrloom.languages import PPOCR, TESSERACT, Language, Script, parse_languages

TESSERACT_MODELS = (
    "afr amh ara asm aze aze_cyrl bel ben bod bos bre bul cat ceb ces chi_sim chi_tra chr cos cym "
    "dan deu div dzo ell eng enm epo est eus fao fas fil fin fra frk frm fry gla gle glg grc guj "
    "hat heb hin hrv hun hye iku ind isl ita ita_old jav jpn kan kat kat_old kaz khm kir kmr kor "
    "lao lat lav lit ltz mal mar mkd mlt mon mri msa mya nep nld nor oci ori pan pol por pus que "
    "ron rus san sin slk slv snd spa spa_old sqi srp srp_latn sun swa swe syr tam tat tel tgk tha "
    "tir ton tur uig ukr urd uzb uzb_cyrl vie yid yor"
)

every_language = pytest.mark.parametrize("language", Language, ids=lambda each: each.name)


@every_language
def test_every_own_name_finds_the_member(language):
    for name in (language.name, language.name.lower(), language.english_name, language.code):
        assert Language.parse(name) is language
    assert Language.parse(language) is language
    assert Language(language.value) is language


@every_language
def test_shared_codes_find_a_member_of_the_same_language(language):
    for code in (language.iso639_3, language.iso639_1):
        if code is not None:
            assert Language.parse(code).iso639_3 == language.iso639_3


@every_language
def test_language_and_script_together_are_never_ambiguous(language):
    if language in (Language.OLD_ITALIAN, Language.AUTO):
        return  # Old Italian has no code of its own, AUTO is no language
    assert Language.parse(f"{language.iso639_3}-{language.script.value}") is language


@every_language
def test_codes_are_well_formed(language):
    assert re.fullmatch(r"[a-z]{3}(_[a-z]{3,4})?|auto", language.code)
    assert re.fullmatch(r"[a-z]{3}", language.iso639_3)
    assert language.iso639_1 is None or re.fullmatch(r"[a-z]{2}", language.iso639_1)
    assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", language.name)
    assert re.fullmatch(r"[A-Z][a-z]{3}", language.script.value)


@every_language
def test_members_survive_pickle_and_copy(language):
    assert pickle.loads(pickle.dumps(language)) is language
    assert copy.deepcopy(language) is language


@every_language
def test_every_language_has_a_recogniser_that_reads_its_script(language):
    assert language.recognisers
    assert set(language.recognisers) <= {PPOCR, TESSERACT}
    assert (language.tesseract is not None) == (TESSERACT in language.recognisers)
    if PPOCR in language.recognisers:
        assert language.script in {
            *(Script.ANY, Script.LATIN, Script.HANS, Script.HANT, Script.JAPANESE)
        }


def test_the_list_is_complete_and_codes_are_unique():
    assert len({each.code for each in Language}) == len(Language.__members__)
    assert sorted(each.tesseract for each in Language if each.tesseract) == TESSERACT_MODELS.split()
    only_ppocr = {each.name for each in Language if each.recognisers == (PPOCR,)}
    assert only_ppocr == {"AUTO", "NORTHERN_SAMI", "ROMANSH"}


def test_the_members_of_the_tutorial_exist():
    assert [Language.ENGLISH.code, Language.FRENCH.code, Language.SPANISH.code] == [
        *("eng", "fra", "spa")
    ]


@pytest.mark.parametrize("name", ["VIETNAMESE", "YORUBA", "GREEK", "RUSSIAN", "GERMAN_FRAKTUR"])
def test_what_the_dictionary_lacks_is_left_to_tesseract(name):
    assert Language[name].recognisers == (TESSERACT,)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *(("en", "ENGLISH"), ("en_US", "ENGLISH"), ("EN-gb", "ENGLISH"), (" English ", "ENGLISH")),
        *(("ger", "GERMAN"), ("fre", "FRENCH"), ("cze", "CZECH"), ("dut", "DUTCH")),
        *(("gre", "GREEK"), ("rum", "ROMANIAN"), ("alb", "ALBANIAN"), ("ice", "ICELANDIC")),
        *(("mac", "MACEDONIAN"), ("baq", "BASQUE"), ("wel", "WELSH"), ("per", "PERSIAN")),
        *(("zh", "CHINESE_SIMPLIFIED"), ("zho", "CHINESE_SIMPLIFIED")),
        *(("chi", "CHINESE_SIMPLIFIED"), ("zh-CN", "CHINESE_SIMPLIFIED")),
        *(("zh-Hans-SG", "CHINESE_SIMPLIFIED"), ("Chinese", "CHINESE_SIMPLIFIED")),
        *(("zh-Hant", "CHINESE_TRADITIONAL"), ("zh_TW", "CHINESE_TRADITIONAL")),
        *(("zh-HK", "CHINESE_TRADITIONAL"), ("chinese traditional", "CHINESE_TRADITIONAL")),
        *(("sr", "SERBIAN"), ("sr-Latn", "SERBIAN_LATIN"), ("sr-Latn-RS", "SERBIAN_LATIN")),
        *(("sr-Cyrl", "SERBIAN"), ("uz-Cyrl", "UZBEK_CYRILLIC"), ("de-Latf", "GERMAN_FRAKTUR")),
        *(("deu_latf", "GERMAN_FRAKTUR"), ("de", "GERMAN"), ("it", "ITALIAN")),
        *(("no", "NORWEGIAN"), ("nb", "NORWEGIAN"), ("nn-NO", "NORWEGIAN")),
        *(("fil", "FILIPINO"), ("tl", "FILIPINO"), ("pt-BR", "PORTUGUESE"), ("es-419", "SPANISH")),
        *(("ku", "KURDISH_KURMANJI"), ("osp", "OLD_SPANISH"), ("māori", "MAORI")),
        *(("se", "NORTHERN_SAMI"), ("rm", "ROMANSH"), ("auto", "AUTO"), ("und", "AUTO")),
    ],
)
def test_other_spellings(text, name):
    assert Language.parse(text) is Language[name]


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("Frensh", "French"), ("germn", "German"), ("chinese_tradditional", "Chinese (Traditional)")],
)
def test_an_unknown_name_is_answered_with_the_nearest(text, nearest):
    with pytest.raises(OcrUnknownLanguage, match=re.escape(f"did you mean {nearest}")) as caught:
        Language.parse(text)
    assert repr(text) in str(caught.value)
    assert "`ocrloom languages`" in str(caught.value)


@pytest.mark.parametrize("text", ["", " ", "-", "klingon", "en-Cyrl", "english-US", "zh-", "x" * 9])
def test_unknown_names(text):
    if text == "zh-":  # stray separators do no harm
        assert Language.parse(text) is Language.CHINESE_SIMPLIFIED
        return
    with pytest.raises(OcrUnknownLanguage):
        Language.parse(text)


def test_a_huge_unknown_name_is_refused_quickly_and_briefly():
    with pytest.raises(OcrUnknownLanguage) as caught:
        Language.parse("ab" * 1_000_000)
    assert len(str(caught.value)) < 200


@given(st.text() | st.from_regex(r"[a-z]{2,3}[-_][A-Za-z]{2,4}", fullmatch=True))
def test_no_text_raises_anything_foreign(text):
    with contextlib.suppress(OcrException):
        assert all(isinstance(each, Language) for each in parse_languages(text))


@given(st.text())
def test_messages_are_fit_for_a_terminal(text):
    with pytest.raises(OcrUnknownLanguage) as caught:
        Language.parse(f"no such language {text}")
    assert str(caught.value).isprintable()


EN, FR, CS = Language.ENGLISH, Language.FRENCH, Language.CZECH


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (EN, (EN,)),
        ("en", (EN,)),
        ("fra+eng", (FR, EN)),
        ("French, English", (FR, EN)),
        ("eng+", (EN,)),
        ([EN, "fr", "ces"], (EN, FR, CS)),
        (("eng+fra", EN, CS), (EN, FR, CS)),
        ({EN, FR, CS}, (CS, EN, FR)),
        (frozenset({"fr", "en", CS}), (CS, EN, FR)),
        ((name for name in ("en", "en")), (EN,)),
        (("auto", Language.AUTO), (Language.AUTO,)),
    ],
)
def test_one_or_several_languages(languages, expected):
    assert parse_languages(languages) == expected


@pytest.mark.parametrize(
    ("languages", "message"),
    [
        ([], "no language given"),
        ("", "no language given"),
        (" + ,", "no language given"),
        ([Language.AUTO, EN], "cannot stand beside"),
        ("eng+auto", "cannot stand beside"),
        (None, "got None"),
        (7, "got 7"),
        ([EN, None], "got None"),
        ([["eng"]], re.escape("got ['eng']")),
        (b"eng", "got 101"),
    ],
)
def test_what_is_no_choice_of_languages(languages, message):
    with pytest.raises(OcrOptionError, match=message):
        parse_languages(languages)


@given(st.lists(st.sampled_from([each for each in Language if each is not Language.AUTO])))
def test_order_is_kept_and_duplicates_are_not(languages):
    if languages:
        assert list(parse_languages(languages)) == list(dict.fromkeys(languages))
        assert parse_languages("+".join(each.code for each in languages)) == parse_languages(
            languages
        )
        assert parse_languages(set(languages)) == parse_languages(frozenset(languages))


def test_importing_it_loads_nothing_heavy():
    code = "import sys, ocrloom.languages; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
