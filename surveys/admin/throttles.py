"""How often a product's users are asked: one row per product, for all of its surveys that set nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from privacy.admin.visibility import VisibleModelAdmin
from privacy.models import Product
from surveys.admin.forms import ProductThrottlesForm
from surveys.models import ProductThrottles
from surveys.throttling import NUMBERS

if TYPE_CHECKING:
    from django.db.models import ForeignKey
    from django.forms import ModelChoiceField
    from django.http import HttpRequest


@admin.register(ProductThrottles)
class ProductThrottlesAdmin(VisibleModelAdmin):
    empty_hint = _(
        "No product has limits of its own yet. Add them to decide how often its users may be asked, whatever "
        "the survey."
    )
    form = ProductThrottlesForm
    list_display = ("product", "first_survey_delay_days", "response_days", "decline_days", "snooze_days")
    list_select_related = ("product",)
    search_fields = ("product__name",)
    compressed_fields = False

    def get_fields(self, request: HttpRequest, obj: ProductThrottles | None = None) -> tuple[str, ...]:
        return ("product", *NUMBERS)

    def get_readonly_fields(self, request: HttpRequest, obj: ProductThrottles | None = None) -> tuple[str, ...]:
        return ("product",) if obj else ()

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.name == "product":
            kwargs["queryset"] = Product.objects.visible_to(request.user).filter(throttles=None)
        field: ModelChoiceField[Any] | None = super().formfield_for_foreignkey(db_field, request, **kwargs)
        return field
