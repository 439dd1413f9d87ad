"""What searched words find and how the found ones are marked."""

import pytest

from feedback.models import Response
from feedback.searching import fold, forms_of, highlighted, terms_of
from tests.factories import make_respondent, make_response, make_survey


def found(words, **options):
    return {response.comment for response in Response.objects.search(words, **options)}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "comment"),
    [
        ("opłata", "Za dużo opłat"),
        ("opłaty", "Płacę opłatę co miesiąc"),
        ("oplatami", "Wysokie OPŁATY"),
        ("opłatami", "wysokie oplaty"),
        ("wysoka", "Wysokie opłaty"),
        ("aplikacja", "W aplikacji nic nie działa"),
        ("konto", "Nie widzę kont"),
        ("fee", "The fees are high"),
        ("cafe", "Das Café ist zu"),
        ("ПРОБЛЕМА", "Есть проблема"),
        ("банк", "Мой банк"),
        ("τραπεζα", "Η τράπεζα έκλεισε"),
        ("مشكلة", "هناك مشكلة كبيرة"),
        ("समस्या", "यह समस्या है"),
        ("手数料", "手数料が高い"),
        ("手数料", "振込の手数料が高い"),
        ("料", "手数料が高い"),
        ("カード", "新しいカードが届かない"),
        ("ガード", "新しいｶﾞｰﾄﾞが届かない"),
        ("ATM手数料", "コンビニのATM手数料は高い"),
        ("银行", "我觉得银行太远了"),
        ("ธนาคาร", "ฉันชอบธนาคารนี้มาก"),
        ("นี้", "ฉันชอบธนาคารนี้มาก"),
        ("은행", "은행이 멀다"),
    ],
)
def test_a_word_is_found_in_any_script_with_or_without_accents_and_in_its_polish_forms(words, comment):
    survey = make_survey()
    person = make_respondent(product=survey.product)
    make_response(survey=survey, respondent=person, comment=comment)
    make_response(survey=survey, respondent=person, comment="Kontakt z doradcą był dobry")

    assert found(words) == {comment}
    assert "<mark>" in highlighted(comment, terms_of(words))


@pytest.mark.django_db
@pytest.mark.parametrize("words", ["料手", "手料", "高手数", "手数料金"])
def test_characters_that_do_not_follow_each_other_in_this_order_are_not_found(words):
    make_response(comment="振込の手数料が高い")

    assert found(words) == set()
    assert "<mark>" not in highlighted("振込の手数料が高い", terms_of(words))


def test_what_is_found_inside_of_a_run_is_marked_there():
    assert highlighted("振込の手数料が高い", terms_of("手数料")) == "振込の<mark>手数料</mark>が高い"
    assert highlighted("ATM手数料!", terms_of("atm手数")) == "<mark>ATM手数</mark>料!"


@pytest.mark.django_db
def test_the_forms_of_a_word_do_not_find_other_words_that_begin_alike():
    make_response(comment="Kontakt z doradcą")

    assert found("konto") == set()
    assert found("kont") == {"Kontakt z doradcą"}  # as a beginning, which it is
    assert found("kont", beginnings=False) == set()


@pytest.mark.django_db
def test_operators_and_quotes_are_words_like_others():
    make_response(comment="It's the fee")

    assert found("a' | b:* & !(") == set()
    assert found("'") == found("\\") == set()


@pytest.mark.django_db
@pytest.mark.parametrize("sign", ["฿", "・", "ั"])
def test_a_sign_of_a_script_without_spaces_is_no_word(sign):
    make_response(comment="手数料・高い 100 ฿")

    assert found(sign) == set()
    assert found(f"{sign} 手数料") == {"手数料・高い 100 ฿"}


def test_folding_takes_accents_capitals_and_strokes_away():
    assert fold("ZAŻÓŁĆ GĘŚLĄ JAŹŃ") == "zazolc gesla jazn"


def test_short_words_and_numbers_have_no_other_forms():
    assert forms_of("kasa") == {"kasa", *forms_of("kasa")}
    assert forms_of("rok") == forms_of("e-mail") == forms_of("2026") == frozenset()


def test_what_people_wrote_is_escaped_around_and_inside_of_marks():
    assert highlighted("<b>Fees</b> & co", terms_of("fee")) == "&lt;b&gt;<mark>Fees</mark>&lt;/b&gt; &amp; co"
    assert highlighted("<i>", []) == "&lt;i&gt;"
