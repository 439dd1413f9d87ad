"""Pages of a list that may have millions of rows."""

from __future__ import annotations

from typing import Final

from django.core.paginator import Paginator
from django.utils.functional import cached_property

MOST_COUNTED: Final = 10_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # cannot be subscripted at run time
    """Counts exactly up to a limit and no further; beyond it, filters lead on faster than pages do."""

    template_name = "admin/privacy/pagination.html"
    limit = MOST_COUNTED

    @cached_property
    def found(self) -> int:
        return int(self.object_list.order_by()[: self.limit + 1].count())  # type: ignore[attr-defined]  # a queryset

    @cached_property
    def count(self) -> int:
        return min(self.found, self.limit)

    @property
    def is_capped(self) -> bool:
        return self.found > self.limit
