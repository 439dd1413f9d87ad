"""Which figures are about so few people that they could give one away, and which could be subtracted to find those.

Who sees identities sees everything. Everybody else is told about five answers or more, in the same way on the
dashboard, in digests and in files. Tallies count answers and know nobody, so somebody who answers again counts again;
where the answers themselves are read, as for the movers of a digest, people are counted:

- a product with fewer than five answers has no figures, and it is not in those of several products together either.
  What is said of several products is therefore the sum of what is said of each: no choice of products can be
  subtracted from another one to find the product that is not told;
- a step of a trend with fewer than five answers of a product is not told; where the steps that are not told have
  fewer than five answers in all, the smallest of the others is kept back with them, because the whole minus the steps
  would tell;
- the values before are not told where one of the products had fewer than five answers then.

What this does not prevent, and the definitions beside the figures say so: who chooses other first and last days can
subtract one period from another. Whole weeks or months in the fields of days would not end it, because weeks and months
overlap, and "the last 30 days" of today and of yesterday differ by two days. Only one set of steps that everything is
told in would, cut where five people have answered; erasures and exclusions move those cuts, and two sets of them can be
subtracted again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALLEST_GROUP: Final = 5

Name = TypeVar("Name")


def is_small(n: int) -> bool:
    """Tell whether a group is too small to be told: nobody at all gives nobody away."""
    return 0 < n < SMALLEST_GROUP


def kept_back(sizes: Mapping[Name, int]) -> set[Name]:
    """Return which parts of a whole that is told are not: the small ones, and one more if they could be computed."""
    small = {name for name, n in sizes.items() if is_small(n)}
    if not is_small(sum(sizes[name] for name in small)):
        return small
    others = [name for name, n in sizes.items() if n >= SMALLEST_GROUP]
    return small | ({min(others, key=lambda name: sizes[name])} if others else set())
