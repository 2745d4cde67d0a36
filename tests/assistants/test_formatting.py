"""Models write Markdown; WhatsApp shows its own marks and nothing else."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assistants.formatting import to_whatsapp

CASES = [
    ("**Preis:** 5 * 3 = 15", "*Preis:* 5 * 3 = 15"),
    ("***wichtig***", "*_wichtig_*"),
    ("# Titel", "*Titel*"),
    ("## Der **neue** *Titel*", "*Der neue _Titel_*"),
    ("* Punkt", "* Punkt"),
    ("* Punkt\n* zwei\n  - innen", "* Punkt\n* zwei\n  - innen"),
    ("- a\n\n- b", "- a\n- b"),
    ("1. eins\n2. zwei", "1. eins\n2. zwei"),
    ("3) drei", "3) drei"),
    ("5. März", "5. März"),
    ("Wir haben:\n- a\n- b\n\nDanke", "Wir haben:\n- a\n- b\n\nDanke"),
    ("- a\n- b\nDanke", "- a\n- b\nDanke"),
    ("- a\n\n  mehr\n- b", "- a\n\n  mehr\n- b"),
    ("`**roh**`", "`**roh**`"),
    ("```python\nx = **1**\n```", "```\nx = **1**\n```"),
    ("```\nabgeschnitten", "```\nabgeschnitten\n```"),
    ("mein_datei_name", "mein_datei_name"),
    ("[AGB](https://example.com/agb)", "AGB: https://example.com/agb"),
    ("[**AGB**](https://example.com/a_b)", "*AGB*: https://example.com/a_b"),
    ("[https://example.com](https://example.com)", "https://example.com"),
    ("<https://example.com/x>", "https://example.com/x"),
    ("[uns](mailto:a@example.com)", "uns: mailto:a@example.com"),
    ("[a@example.com](mailto:a@example.com)", "a@example.com"),
    ("![Plan](https://example.com/p.png)", "Plan: https://example.com/p.png"),
    ("__fett__ und _schräg_", "*fett* und _schräg_"),
    ("*Preis:* bleibt", "*Preis:* bleibt"),
    ("~~weg~~", "~weg~"),
    ("> Zitat\n> zwei", "> Zitat\n> zwei"),
    ("**zwei\nZeilen**", "*zwei*\n*Zeilen*"),
    ("*schräg mit **fett** darin*", "_schräg mit *fett* darin_"),
    ("**fett mit *schräg* darin**", "*fett mit _schräg_ darin*"),
    ("un**wichtig**er", "unwichtiger"),
    ("2**3**4 und 5*3*2", "2**3**4 und 5*3*2"),
    ("oben\n\n---\n\nunten", "oben\n\nunten"),
    ("Absatz\n---", "Absatz"),
    ("| Tag | Zeit |\n|---|---|\n| Mo | **9** |", "Tag | Zeit\nMo | *9*"),
    ("eins  \nzwei\ndrei", "eins\nzwei\ndrei"),
    ("eins\n\n\n\nzwei", "eins\n\nzwei"),
    ("\\*kein Fett\\*", "*kein Fett*"),
    ("Tom & Jerry &amp; <b>Eva</b>", "Tom & Jerry &amp; <b>Eva</b>"),
    ("    vier Leerzeichen", "vier Leerzeichen"),
    ("[1]: https://example.com", "[1]: https://example.com"),
    ("", ""),
]


@pytest.mark.parametrize(("markdown", "shown"), CASES)
def test_markdown_becomes_whatsapp(markdown, shown):
    """(traps A2)"""
    assert to_whatsapp(markdown) == shown


@pytest.mark.parametrize("markdown", [case[0] for case in CASES])
def test_doing_it_twice_changes_nothing(markdown):
    """(traps A2)"""
    once = to_whatsapp(markdown)
    assert to_whatsapp(once) == once


PIECES = st.sampled_from(
    ["*", "**", "***", "_", "__", "~~", "`", "```", "\n", "\n\n", "# ", "- ", "1. ", "> ", "[", "](x)", "|", "---",
     "\\", "a", "Wort", "5", " ", "    ", "ü", "!", "<", "&amp;"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join))
def test_doing_it_twice_changes_nothing_whatever_a_model_writes(markdown):
    once = to_whatsapp(markdown)
    assert to_whatsapp(once) == once


@given(
    st.lists(
        st.sampled_from(["*", "**", "_", "__", "~~", "\n", "\n\n", "# ", "- ", "> ", "a", "Wort", "5", " ", "ü", "!"]),
        max_size=25,
    ).map("".join)
)
def test_no_letter_is_lost(markdown):
    assume("~~~" not in markdown)  # opens code; the language behind it is dropped
    letters = [letter for letter in markdown if letter.isalnum()]
    assert [letter for letter in to_whatsapp(markdown) if letter.isalnum()] == letters


@pytest.mark.parametrize("mark", [">", "- ", "*", "[", "`", "![", "_a*b"])
def test_nesting_without_end_loses_no_word(mark):
    assert "Wort" in to_whatsapp(mark * 2000 + " Wort")


@given(st.text(max_size=80))
def test_any_text_has_a_result(text):
    assert isinstance(to_whatsapp(text), str)


@given(st.text(alphabet="abc ÄÖÜ,.!?", max_size=60).map(str.strip))
def test_plain_sentences_stay_as_they_are(text):
    assert to_whatsapp(text) == text
