"""Comments in Polish and English, put together from phrases so that few of them are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from surveys.scales import Band

if TYPE_CHECKING:
    from random import Random

OPENINGS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("pl", Band.DETRACTOR): (
        "", "", "", "Niestety rozczarowanie. ", "Szczerze mówiąc, jest coraz gorzej. ", "Kolejny raz to samo. ",
        "Mam tu konto od lat i dawno nie było tak źle. ", "Nie polecam. ", "Po ostatniej aktualizacji dramat. ",
    ),
    ("pl", Band.PASSIVE): (
        "", "", "", "Ogólnie w porządku. ", "Może być. ", "Jest nieźle, ale bez zachwytu. ", "Raz lepiej, raz gorzej. ",
        "Większość spraw załatwiam bez problemu. ",
    ),
    ("pl", Band.PROMOTER): (
        "", "", "", "Świetnie! ", "Duży plus. ", "Polecam znajomym. ", "Wszystko działa jak należy. ",
        "Korzystam codziennie od dwóch lat. ", "Miłe zaskoczenie. ",
    ),
    ("en", Band.DETRACTOR): (
        "", "", "", "Disappointing. ", "Honestly, it keeps getting worse. ", "Same story every time. ",
        "I have been a customer for years and it was never this bad. ", "Would not recommend. ",
        "Since the last update it is a mess. ",
    ),
    ("en", Band.PASSIVE): (
        "", "", "", "Fine overall. ", "It does the job. ", "Not bad, nothing special. ", "Hit and miss. ",
        "I get most things done. ",
    ),
    ("en", Band.PROMOTER): (
        "", "", "", "Great! ", "Very happy with it. ", "I recommend it to friends. ", "Everything just works. ",
        "I use it every day. ", "A pleasant surprise. ",
    ),
}  # fmt: skip

# Each theme has sentences of its own; {n} becomes one of the numbers below.
THEMES: Final[dict[tuple[str, str], dict[str, tuple[str, ...]]]] = {
    ("pl", Band.DETRACTOR): {
        "app": (
            "Aplikacja zawiesza się przy każdym przelewie.", "Aplikacja wylogowuje mnie po {n} minutach.",
            "Nowy wygląd aplikacji jest nieczytelny, nic nie mogę znaleźć.",
            "Powiadomienia z aplikacji przychodzą po {n} godzinach.",
        ),
        "login": (
            "Logowanie odciskiem palca nie działa od {n} dni.", "Kod SMS do logowania przyszedł za czwartym razem.",
            "Znowu zablokowano mi logowanie i musiałam dzwonić na infolinię.",
        ),
        "support": (
            "Na infolinii czekałem {n} minut i nikt nie odebrał.", "Konsultant nie znał odpowiedzi i się rozłączył.",
            "Reklamacja leży już {n} tygodni i zero odpowiedzi.", "Czat odsyła mnie w kółko do tych samych pytań.",
        ),
        "fees": (
            "Opłaty rosną bez uprzedzenia.", "Pobrano opłatę za konto, choć spełniłam warunki.",
            "Za wypłatę z bankomatu policzono mi {n} zł prowizji.", "Nikt nie umie wyjaśnić, skąd ta opłata.",
        ),
        "transfers": (
            "Przelew szedł {n} dni.", "Przelew zniknął z historii i nie wiem, czy dotarł.",
            "Płatność telefonem odrzucona przy kasie, wstyd przed ludźmi.",
        ),
    },
    ("pl", Band.PASSIVE): {
        "app": (
            "Aplikacja mogłaby działać szybciej.", "Brakuje ciemnego motywu w aplikacji.",
            "Aplikacja jest dobra, ale historia wczytuje się {n} sekund.",
        ),
        "login": ("Logowanie mogłoby mieć mniej kroków.", "Działa, ale kod SMS czasem się spóźnia."),
        "support": (
            "Konsultantka miła, tylko czekałem {n} minut.", "Czat pomógł dopiero za {n}. razem.",
            "Pomoc jest, ale trudno znaleźć numer infolinii.",
        ),
        "fees": ("Opłaty do przyjęcia, mogłyby być jaśniej opisane.", "Konto w porządku, karta trochę za droga."),
        "transfers": (
            "Przelewy działają, brakuje szablonów.", "Chętnie zobaczyłbym przelewy cykliczne w jednym miejscu.",
            "Potwierdzenie przelewu mogłoby przychodzić od razu.",
        ),
    },
    ("pl", Band.PROMOTER): {
        "app": (
            "Aplikacja jest szybka i przejrzysta.", "W aplikacji załatwiam wszystko w {n} minut.",
            "Bardzo podoba mi się nowy pulpit w aplikacji.",
        ),
        "login": ("Logowanie twarzą działa błyskawicznie.", "Logowanie proste i bezpieczne."),
        "support": (
            "Pani z infolinii rozwiązała sprawę w {n} minut.", "Czat odpowiada od razu i na temat.",
            "Reklamację uznano następnego dnia, brawo.",
        ),
        "fees": ("Żadnych ukrytych opłat.", "Konto za darmo i naprawdę za darmo."),
        "transfers": (
            "Przelew na telefon doszedł w {n} sekund.", "Przelewy zagraniczne tańsze niż gdzie indziej.",
            "Płatności telefonem zawsze przechodzą.",
        ),
    },
    ("en", Band.DETRACTOR): {
        "app": (
            "The app freezes on every transfer.", "The app logs me out after {n} minutes.",
            "The new layout of the app hides everything I need.", "App notifications arrive {n} hours late.",
        ),
        "login": (
            "Fingerprint login has been broken for {n} days.", "The login code arrived on the fourth attempt.",
            "I was locked out again and had to call.",
        ),
        "support": (
            "I waited {n} minutes on the phone and nobody answered.", "The agent did not know and hung up.",
            "My complaint has been open for {n} weeks without a word.", "The chat sends me in circles.",
        ),
        "fees": (
            "Fees go up without notice.", "I was charged an account fee although I met the conditions.",
            "Nobody can explain this fee to me.", "A cash withdrawal cost me {n} euros in fees.",
        ),
        "transfers": (
            "A transfer took {n} days.", "My transfer vanished from the history.",
            "My card was declined at the till for no reason.",
        ),
    },
    ("en", Band.PASSIVE): {
        "app": (
            "The app could be faster.", "I miss a dark mode in the app.",
            "Good app, but the history takes {n} seconds to load.",
        ),
        "login": ("Logging in takes one step too many.", "Login works, the code is sometimes late."),
        "support": (
            "Friendly support, but I waited {n} minutes.", "The chat helped on attempt number {n}.",
            "Help exists, it is just hard to find.",
        ),
        "fees": ("Fees are acceptable but poorly explained.", "The account is fine, the card a bit expensive."),
        "transfers": (
            "Transfers work, templates are missing.", "I would like all standing orders in one place.",
            "Confirmations could arrive at once.",
        ),
    },
    ("en", Band.PROMOTER): {
        "app": (
            "The app is fast and clear.", "I get everything done in {n} minutes.",
            "I love the new dashboard of the app.",
        ),
        "login": ("Face login is instant.", "Login is simple and feels safe."),
        "support": (
            "Support solved my problem in {n} minutes.", "The chat answers at once and to the point.",
            "My complaint was settled the next day, well done.",
        ),
        "fees": ("No hidden fees.", "Free means free here."),
        "transfers": (
            "The transfer arrived in {n} seconds.", "Sending money abroad is cheaper than anywhere else.",
            "Paying by phone never fails.",
        ),
    },
}  # fmt: skip

CLOSINGS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("pl", Band.DETRACTOR): (
        "", "", "", " Proszę to naprawić.", " Zastanawiam się nad zmianą banku.", " Czekam na kontakt.",
        " Kiedyś było lepiej.", " Zgłoszone już {n} razy.",
    ),
    ("pl", Band.PASSIVE): ("", "", "", " Jest co poprawiać.", " Liczę na poprawę.", " Poza tym bez uwag."),
    ("pl", Band.PROMOTER): ("", "", "", " Tak trzymać!", " Dziękuję.", " Oby tak dalej.", " Pozdrawiam cały zespół."),
    ("en", Band.DETRACTOR): (
        "", "", "", " Please fix it.", " I am thinking of leaving.", " Please get in touch.", " It used to be better.",
        " I reported this {n} times.",
    ),
    ("en", Band.PASSIVE): ("", "", "", " Room for improvement.", " I hope it gets better.", " Fine otherwise."),
    ("en", Band.PROMOTER): ("", "", "", " Keep it up!", " Thank you.", " Well done.", " Regards to the team."),
}  # fmt: skip

NUMBERS: Final = ("5", "6", "7", "8", "9", "10", "12")  # Polish nouns take one form after all of these
# Some people leave an address in their comment; what flags and masks it needs something to find.
CONTACTS: Final = {
    "pl": " Proszę pisać na adres klient.{n}@example.com.",
    "en": " You can reach me at customer.{n}@example.com.",
}
SHARE_WITH_CONTACT: Final = 0.01


def compose(random: Random, language: str, band: str) -> str:
    """Return a comment of a band in a language; a language without phrases is written in English."""
    key = (language if language in CONTACTS else "en", band)
    sentences = random.choice(list(THEMES[key].values()))
    comment = random.choice(OPENINGS[key]) + random.choice(sentences) + random.choice(CLOSINGS[key])
    if random.random() < SHARE_WITH_CONTACT:
        comment += CONTACTS[key[0]]
    return comment.replace("{n}", random.choice(NUMBERS))


# Words by which the demonstration finds the comments of a theme.
TAGGED_BY: Final = {
    "app": ("aplikac", "the app"),
    "login": ("logowa", "login"),
    "support": ("infolini", "czat", "reklamac", "support", "chat", "complaint"),
    "fees": ("opłat", "prowizj", "fee"),
    "transfers": ("przelew", "płatno", "transfer"),
}
