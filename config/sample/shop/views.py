"""The pages of the sample shop, and the switches of the demonstration's panel beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from config.sample import clock
from config.sample.keys import MOBILE_KEY, SHOP_SECRET
from config.sample.shop.people import PEOPLE
from config.sample.shop.words import PRODUCTS, WORDS

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

STEPS: Final = {"day": timedelta(days=1), "week": timedelta(days=7), "quarter": timedelta(days=92)}
YEAR: Final = 365 * 24 * 60 * 60  # seconds


@dataclass(frozen=True)
class Ware:
    """A product in one language; its price is in złoty."""

    key: str
    name: str
    text: str
    price: int


def wares(language: str) -> dict[str, Ware]:
    """Return what is for sale, in a language."""
    return {key: Ware(key, *words[language], price) for key, (price, words) in PRODUCTS.items()}


@require_safe
def choose_language(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/pl/" if request.headers.get("Accept-Language", "pl").startswith("pl") else "/en/")


@require_safe
def home(request: HttpRequest, language: str) -> HttpResponse:
    return show(request, language, "home.html", wares=wares(language).values())


@require_safe
def product(request: HttpRequest, language: str, name: str) -> HttpResponse:
    if name not in PRODUCTS:
        raise Http404
    return show(request, language, "product.html", ware=wares(language)[name])


def basket(request: HttpRequest, language: str) -> HttpResponse:
    """Show the basket, or put something into it."""
    chosen = chosen_wares(request)
    if request.method == "POST" and request.POST.get("ware") in PRODUCTS:
        answer = see_other(f"/{language}/basket/")
        remember(answer, "shop_basket", ".".join([*chosen, request.POST["ware"]][-20:]))
        return answer
    inside = [wares(language)[key] for key in chosen]
    return show(request, language, "basket.html", inside=inside, total=sum(ware.price for ware in inside))


@require_POST
def order(request: HttpRequest, language: str) -> HttpResponse:
    answer = see_other(f"/{language}/done/")
    answer.delete_cookie("shop_basket")
    return answer


@require_safe
def done(request: HttpRequest, language: str) -> HttpResponse:
    return show(request, language, "done.html", event="order_completed")


@require_safe
def account(request: HttpRequest, language: str, view: str) -> HttpResponse:
    return show(request, language, "account.html", view=view)


# --- The panel --------------------------------------------------------------------------------------------------------


@require_POST
def choose_person(request: HttpRequest, language: str) -> HttpResponse:
    answer = back_to_page(request, language)
    remember(answer, "shop_person", request.POST.get("person", ""))
    return answer


@require_POST
def move_clock(request: HttpRequest, language: str) -> HttpResponse:
    step = request.POST.get("step", "")
    if step in STEPS:
        clock.move(STEPS[step])
    else:
        clock.move_back()
    return back_to_page(request, language)


@require_POST
def choose_consent(request: HttpRequest, language: str) -> HttpResponse:
    answer = back_to_page(request, language)
    remember(answer, "shop_consent", "yes" if request.POST.get("consent") == "yes" else "")
    return answer


@require_POST
def start_over(request: HttpRequest, language: str) -> HttpResponse:
    """Forget everything on this side; the page's script clears the browser when it finds that the run is another."""
    clock.move_back()
    answer = see_other(f"/{language}/")
    for name in ("shop_person", "shop_basket", "shop_consent"):
        answer.delete_cookie(name)
    remember(answer, "shop_run", str(new_run()))
    return answer


# --- What they share --------------------------------------------------------------------------------------------------


def show(request: HttpRequest, language: str, template: str, **context: Any) -> HttpResponse:
    """Answer with a page of the shop, as it looks to whoever is logged in."""
    stored = request.COOKIES.get("shop_run", "")
    run = int(stored) if stored.isascii() and stored.isdigit() and len(stored) < 11 else new_run()
    with translation.override(language):
        answer = render(
            request,
            template,
            {
                "words": WORDS[language],
                "language": language,
                "addresses": {code: f"/{code}{request.path[3:]}" for code in WORDS},
                "path": request.path,
                "odzew": settings.PUBLIC_URL,
                "public_key": MOBILE_KEY,
                "run": run,
                "people": PEOPLE.values(),
                "consent": request.COOKIES.get("shop_consent") == "yes",
                "basket_size": len(chosen_wares(request)),
                "now": clock.now(),
                "ahead": int(clock.ahead().total_seconds()),
                "steps": [(step, WORDS[language][step]) for step in STEPS],
                **logged_in(request, run),
                **context,
            },
        )
    remember(answer, "shop_run", str(run))
    answer["Cache-Control"] = "no-store"
    return answer


def logged_in(request: HttpRequest, run: int) -> dict[str, Any]:
    """Return what a page knows about the person who is logged in."""
    person = PEOPLE.get(request.COOKIES.get("shop_person", ""))
    if person is None:
        return {"person": None}
    token = person.signed_identity(run, secret=SHOP_SECRET, at=clock.now()) if person.is_signed else ""
    since = person.customer_since(run)
    return {
        "person": person,
        "user_id": person.identifier(run),
        "identity": token,
        "since": since,
        "since_day": datetime.fromisoformat(since),
    }


def new_run() -> int:
    return int(clock.real_now().timestamp())


def chosen_wares(request: HttpRequest) -> list[str]:
    return [key for key in request.COOKIES.get("shop_basket", "").split(".") if key in PRODUCTS]


def back_to_page(request: HttpRequest, language: str) -> HttpResponse:
    page = request.POST.get("page", "")
    return see_other(page if url_has_allowed_host_and_scheme(page, allowed_hosts=None) else f"/{language}/")


def see_other(address: str) -> HttpResponse:
    answer = HttpResponseRedirect(address)
    answer.status_code = HTTPStatus.SEE_OTHER
    return answer


def remember(answer: HttpResponse, name: str, value: str) -> None:
    answer.set_cookie(name, value, max_age=YEAR, samesite="Lax", httponly=True)
