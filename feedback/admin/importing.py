"""The admin of imports: upload a file, say what its columns hold, look at what it comes to, run it, read the report."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display

from feedback import imports, tasks
from feedback.admin.import_forms import ColumnsForm, UploadForm
from feedback.models import ImportRun
from surveys.scales import scale_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

ERRORS_PER_PAGE = 100
SAMPLE_ROWS = 3
State = ImportRun.State


@admin.register(ImportRun)
class ImportRunAdmin(ModelAdmin):
    """Imports are started and read, never edited or deleted: the report stays beside what was imported."""

    empty_hint = _(
        "Nothing was imported yet. Add an import to bring answers from a file; you see what it would do "
        "before it does it."
    )

    list_display = ("created_at", "file", "controller", "metric", "shown_state", "outcome", "created_by")
    list_display_links = ("created_at", "file")
    list_filter = ("state", "metric")
    list_select_related = ("controller", "created_by")
    search_fields = ()

    # --- Who may do what ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportRun]:
        return ImportRun.objects.visible_to(request.user).select_related("controller", "created_by").defer("content")

    def has_change_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return False

    def _own_run(self, request: HttpRequest, pk: int) -> ImportRun:
        """Return a run that this person uploaded: its rows may be about products that others do not see."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=pk, created_by=request.user)

    # --- List ---

    @display(description=gettext_lazy("file"), ordering="file_name")
    def file(self, run: ImportRun) -> str:
        return run.shown_name

    @display(
        description=gettext_lazy("state"),
        label={State.FINISHED: "success", State.FAILED: "danger", State.RUNNING: "info", State.QUEUED: "info"},
    )
    def shown_state(self, run: ImportRun) -> tuple[str, str]:
        return run.state, run.get_state_display()

    @admin.display(description=gettext_lazy("outcome"))
    def outcome(self, run: ImportRun) -> str:
        if run.state in {State.UPLOADED, State.FAILED}:
            return run.failure
        text = _("%(imported)d imported, %(already_there)d already there, %(in_error)d in error")
        if run.is_dry_run:
            text = _("dry run: %(imported)d to import, %(already_there)d already there, %(in_error)d in error")
        return text % {"imported": run.imported, "already_there": run.already_there, "in_error": run.in_error}

    # --- Pages ---

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "columns": self.columns_view,
            "preview": self.preview_view,
            "start": require_POST(self.start_view),
            "discard": require_POST(self.discard_view),
            "progress": self.progress_view,
        }
        own = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"feedback_importrun_{name}")
            for name, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None, user=request.user)
        if request.method == "POST" and form.is_valid():
            upload = form.cleaned_data
            try:
                run = imports.upload_file(
                    controller=upload["controller"],
                    file_name=upload["file"].name,
                    content=form.content(),
                    by=cast("User", request.user),
                )
            except ValidationError as error:
                form.add_error("file", error)
            else:
                return _redirect("columns", run)
        return self._page(request, "upload", _("Import responses"), form=form)

    def columns_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self._own_run(request, pk)
        if not imports.may_start(run):
            return _redirect("change", run)
        try:
            source = imports.source_of(run)
            rows = list(islice(source.rows(), SAMPLE_ROWS))
        except ValidationError as error:
            return self._refused(request, run, error)
        chosen = {**run.mapping, "metric": run.metric}
        form = ColumnsForm(request.POST or None, headers=source.headers, chosen=chosen)
        if request.method == "POST" and form.is_valid():
            try:
                imports.choose_columns(run=run, columns=form.columns(), metric=form.cleaned_data["metric"])
            except ValidationError as error:
                form.add_error(None, error)
            else:
                return _redirect("preview", run)
        return self._page(request, "columns", _("Columns"), run=run, form=form, source=source, rows=rows)

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self._own_run(request, pk)
        if not imports.may_start(run) or not run.metric:
            return _redirect("change" if run.metric else "columns", run)
        try:
            preview = imports.preview_run(run)
            source = imports.source_of(run)
        except ValidationError as error:
            return self._refused(request, run, error)
        scale = scale_of(run.metric)
        sample = [(answer, scale.band(answer.score).label) for answer in preview.sample]
        errors = [(imports.explain(code, run.metric), found) for code, found in preview.errors.items()]
        return self._page(
            request, "preview", _("Preview"), run=run, preview=preview, source=source, sample=sample, errors=errors
        )

    def start_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self._own_run(request, pk)
        try:
            imports.queue_run(run_id=run.pk, is_dry_run="dry_run" in request.POST)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
        else:
            tasks.queue_import(run.pk)
        return _redirect("change", run)

    def discard_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self._own_run(request, pk)
        try:
            imports.discard_file(run_id=run.pk)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
        return _redirect("change", run)

    def progress_view(self, request: HttpRequest, pk: int) -> JsonResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = get_object_or_404(self.get_queryset(request), pk=pk)
        return JsonResponse(_progress(run))

    @method_decorator(require_safe)
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not object_id.isdecimal():
            raise Http404
        run = get_object_or_404(self.get_queryset(request), pk=object_id)
        is_own = run.created_by == request.user and self.has_add_permission(request)
        if run.state == State.UPLOADED and is_own:
            return _redirect("preview" if run.metric else "columns", run)
        page = Paginator(run.errors.all(), ERRORS_PER_PAGE).get_page(request.GET.get("p"))
        return self._page(
            request,
            "report",
            run.get_state_display(),
            run=run,
            progress=_progress(run),
            may_start=is_own and imports.may_start(run),
            page=page,
            errors=[(error.line, imports.explain(error.code, run.metric)) for error in page],
            may_see_responses=request.user.has_perm("feedback.view_response"),
        )

    def _refused(self, request: HttpRequest, run: ImportRun, error: ValidationError) -> HttpResponse:
        return self._page(request, "refused", _("The file cannot be imported"), run=run, error=error)

    def _page(self, request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
        return TemplateResponse(
            request,
            f"admin/feedback/importrun/{name}.html",
            {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "step": name, **context},
        )


def _redirect(page: str, run: ImportRun) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse(f"admin:feedback_importrun_{page}", args=[run.pk]))


def _progress(run: ImportRun) -> dict[str, Any]:
    done = run.state in {State.FINISHED, State.FAILED}
    percent = 100 * run.done_rows // run.total_rows if run.total_rows else 0
    return {
        "state": run.state,
        "done": done,
        "percent": percent,
        "text": _("%(done)d of %(total)d rows") % {"done": run.done_rows, "total": run.total_rows}
        if run.total_rows
        else _("Waiting for a worker to read the file…"),
    }
