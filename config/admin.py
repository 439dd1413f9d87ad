"""Staff accounts, roles and the schedule, in the admin's theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.forms import ModelMultipleChoiceField
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from django_celery_beat.admin import PeriodicTaskAdmin  # noqa: F401  registers before we unregister
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import BooleanRadioFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from config.roles import ROLES
from privacy import staffing
from privacy.admin.organisation import UserMembershipInline, record_members
from privacy.admin.visibility import staff
from privacy.tasks import queue_alerts_of

if TYPE_CHECKING:
    from django.db.models import ManyToManyField, QuerySet
    from django.http import HttpRequest, HttpResponse

# These modules registered their own pages; ours take the place of three, and the schedule is edited in code only.
for model in (User, Group, PeriodicTask, ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule):
    admin.site.unregister(model)


class RolesField(ModelMultipleChoiceField):  # type: ignore[type-arg]  # cannot be subscripted at run time
    """Groups by the names of their roles."""

    def label_from_instance(self, group: Group) -> str:
        return str(ROLES[group.name].label)


class AccountForm(UserChangeForm):
    """An account; groups that are not offered, retired ones or made by hand, stay as they are and are told of."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.not_offered: list[Group] = []
        field = self.fields.get("groups")
        if field is None:
            return
        offered = set(field.queryset)
        self.not_offered = [group for group in self.initial.get("groups", ()) if group not in offered]
        self.initial["groups"] = [group for group in self.initial.get("groups", ()) if group in offered]
        if self.not_offered:
            names = ", ".join(group.name for group in self.not_offered)
            stays = _("The account also has groups that are not offered here, and keeps them: %(names)s.")
            field.help_text = f"{field.help_text} {stays % {'names': names}}"

    def _save_m2m(self) -> None:
        if "groups" in self.cleaned_data:
            self.cleaned_data["groups"] = [*self.cleaned_data["groups"], *self.not_offered]
        super()._save_m2m()


@admin.register(User)
class StaffAdmin(UserAdmin, ModelAdmin):  # type: ignore[type-arg]  # the theme is untyped
    """Accounts of staff. Administrators make colleagues and give them roles; what they may not have they cannot give.

    Only a superuser makes or changes superusers. Nobody changes their own role or what they see.
    """

    empty_hint = _("You see nobody's account. Add a colleague, give them a role and then a product.")

    form = AccountForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "role_names", "is_active", "last_login")
    list_filter = (("is_active", BooleanRadioFilter), ("groups", RelatedDropdownFilter))
    list_filter_submit = True
    search_fields = ("username", "first_name", "last_name")
    search_help_text = _("Names of staff")
    filter_horizontal = ()
    inlines = (UserMembershipInline,)
    account_fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("What they may do"), {"fields": ("is_active", "groups")}),
        (_("Account"), {"fields": ("last_login", "date_joined")}),
    )
    superuser_fields = (_("Everything"), {"fields": ("is_staff", "is_superuser", "user_permissions")})

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.filter(pk__in=staffing.visible_staff(staff(request)).values("pk")).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        return (*self.account_fieldsets, self.superuser_fields) if request.user.is_superuser else self.account_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fields: tuple[str, ...] = ("last_login", "date_joined")
        if request.user.is_superuser:
            return fields
        fields += ("is_staff", "is_superuser", "user_permissions")
        return (*fields, "groups", "is_active") if obj and obj.pk == request.user.pk else fields

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return self.inlines if obj else ()

    def formfield_for_manytomany(self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "groups":
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        roles = staffing.roles_to_give(staff(request)).filter(name__in=ROLES).order_by("pk")
        return RolesField(
            label=_("Roles"),
            queryset=roles,
            required=False,
            widget=UnfoldAdminCheckboxSelectMultipleWidget,
            help_text=_("What each role may do is listed under Roles."),
        )

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or staffing.may_manage(staff(request), obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False  # what somebody did stays attributed; an account is switched off

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        form.before = staffing.standing_of(obj) if change else None
        if not change:
            obj.is_staff = True  # nobody else has an account here
        super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        record_members(request, formset)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        changes = staffing.record_changes(by=staff(request), account=form.instance, before=form.before)
        for recorded in changes:
            queue_alerts_of(recorded)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        account = self.get_object(request, id)
        before = staffing.standing_of(account) if account else None
        with transaction.atomic():
            answer = super().user_change_password(request, id, form_url)
            if account and before:
                for recorded in staffing.record_changes(by=staff(request), account=account, before=before):
                    queue_alerts_of(recorded)
        return answer

    @display(description=_("roles"), label=True)
    def role_names(self, user: User) -> list[str]:
        return [str(ROLES[group.name].label) for group in user.groups.all() if group.name in ROLES]


@admin.register(Group)
class RoleAdmin(ModelAdmin):
    """Roles to look at; what they may do is decided in config/roles.py and applied by ``sync_roles``."""

    empty_hint = _("There are no roles yet. Whoever runs the server makes them with the command sync_roles.")

    list_display = ("name", "label")
    fields = ("label", "permission_names")
    readonly_fields = ("label", "permission_names")

    @display(description=_("role"))
    def label(self, group: Group) -> str:
        return str(ROLES[group.name].label) if group.name in ROLES else group.name

    @display(description=_("permissions"))
    def permission_names(self, group: Group) -> str:
        names = [(_(permission.name),) for permission in group.permissions.select_related("content_type")]
        return format_html_join("", "<div>{}</div>", names)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return False


@admin.register(PeriodicTask)
class ScheduleAdmin(ModelAdmin):
    """The schedule of config/celery.py as it runs; a task can be switched off here, and nothing else."""

    empty_hint = _("Nothing is scheduled yet. The schedule is written here when the scheduler starts.")

    list_display = ("name", "enabled", "schedule", "last_run_at", "total_run_count")
    fields = ("name", "task", "schedule", "enabled", "last_run_at", "total_run_count")
    readonly_fields = ("name", "task", "schedule", "last_run_at", "total_run_count")
    list_select_related = ("interval", "crontab", "solar", "clocked")

    @display(description=_("when"))
    def schedule(self, task: PeriodicTask) -> str:
        return str(task.scheduler)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PeriodicTask | None = None) -> bool:
        return False
