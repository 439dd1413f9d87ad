"""What every list of staff pages obeys: rows, choices and filters end where the user's products end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RelatedDropdownFilter

from privacy.admin import histories
from privacy.admin.paging import CappedPaginator
from privacy.models import Product

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User
    from django.contrib.contenttypes.fields import GenericForeignKey
    from django.db.models import ForeignKey, ForeignObjectRel, Model, QuerySet
    from django.db.models.fields import Field
    from django.forms import ModelChoiceField
    from django.http import HttpRequest, HttpResponse

# What filters and the date hierarchy put into an address. Anything else could ask about columns nobody may see:
# "?email__startswith=a" answers with rows although the column is hidden.
LOOKUPS = ("", "__exact", "__id__exact", "__isnull", "__year", "__month", "__day")


def visible(model: type[Model], user: User | AnonymousUser) -> QuerySet[Any]:
    """Return the rows of a model that the user may see; all of them where the model has no products."""
    rows = model._default_manager.all()
    return rows.visible_to(user) if hasattr(rows, "visible_to") else rows


def staff(request: HttpRequest) -> User:
    """Return the user of a staff page; the admin lets nobody else in."""
    return cast("User", request.user)


class VisibleModelAdmin(ModelAdmin):
    """Shows only what ``visible_to`` returns, and filters by nothing but its own filters.

    Args:
        names_products: whether the user's products stand in the statements by their keys, so that the planner can
            tell a large one from a small one; for tables with a million rows.
    """

    list_filter_submit = True
    show_full_result_count = False
    paginator = CappedPaginator
    names_products = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        if self.names_products:
            seen: QuerySet[Any] = rows.filter(product__in=Product.objects.visible_to(request.user).keys())
        else:
            seen = rows.visible_to(request.user)
        return seen

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page: HttpResponse = super().history_view(request, object_id, extra_context)
        if isinstance(page, TemplateResponse) and page.context_data:
            histories.translate(page.context_data["action_list"])
        return page

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        names = {name for entry in self.get_list_filter(request) if (name := _name_of_filter(entry))}
        names |= {self.date_hierarchy} if self.date_hierarchy else set()
        return lookup in {f"{name}{suffix}" for name in names for suffix in LOOKUPS}

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if "queryset" not in kwargs:
            kwargs["queryset"] = visible(db_field.remote_field.model, request.user)
        field: ModelChoiceField[Any] | None = super().formfield_for_foreignkey(db_field, request, **kwargs)
        return field


class VisibleFilter(RelatedDropdownFilter):
    """A filter by a related row that offers only what the user may see."""

    def field_choices(
        self,
        field: Field[Any, Any] | ForeignObjectRel | GenericForeignKey,
        request: HttpRequest,
        model_admin: ModelAdmin,
    ) -> list[tuple[Any, str]]:
        return [(row.pk, str(row)) for row in visible(self.field.remote_field.model, request.user)]


def _name_of_filter(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    if isinstance(entry, tuple | list):
        return str(entry[0])
    return str(entry.parameter_name)
