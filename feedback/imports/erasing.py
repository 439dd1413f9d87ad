"""Rows about people whose data were erased: a file that still has them must not bring them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedback.imports.planning import RowError
from feedback.imports.recognising import fold_name
from privacy.models import Suppression
from privacy.suppression import suppression_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from feedback.imports.planning import Answer
    from privacy.models import Product


def without_erased(
    answers: Sequence[Answer], *, products: Mapping[str, Product]
) -> tuple[list[Answer], list[RowError]]:
    """Return the answers of people who may be stored, and an error for each of the others; one statement.

    Args:
        products: those that exist, by folded name.
    """
    keys = {answer.line: _keys(answer, products) for answer in answers}
    everything = {key for of_one in keys.values() for key in of_one}
    erased = Suppression.objects.filter(
        reason=Suppression.Reason.ERASED,
        product__in={product for product, _digest in everything},
        digest__in={digest for _product, digest in everything},
    )
    found = {(product, bytes(digest)) for product, digest in erased.values_list("product", "digest")}
    refused = {line for line, of_one in keys.items() if not found.isdisjoint(of_one)}
    kept = [answer for answer in answers if answer.line not in refused]
    return kept, [RowError(line, "erased_person") for line in sorted(refused)]


def _keys(answer: Answer, products: Mapping[str, Product]) -> set[tuple[int, bytes]]:
    product = products.get(fold_name(answer.product))
    if product is None:
        return set()
    names = {answer.subject, f"mail:{answer.email}" if answer.email else ""} - {""}
    return {(product.pk, suppression_digest(name)) for name in names}
