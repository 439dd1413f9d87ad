"""Every address of the project."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from config import health
from feedback.admin.audience import preview_audience
from feedback.admin.personal_links import personal_links
from feedback.admin.preferences import my_mail
from feedback.admin.score_file import score_file

urlpatterns = [
    path("api/v1/", include("feedback.api.urls")),  # first, because page views of other sites end up here
    path("api/v1/rights-requests/", include("privacy.api.urls")),
    path("livez", health.live, name="live"),
    path("readyz", health.ready, name="ready"),
    path("admin/i18n/", include("django.conf.urls.i18n")),  # the language switch of the admin's theme
    path(
        "admin/surveys/survey/<int:pk>/audience/",
        admin.site.admin_view(preview_audience),
        name="feedback_audience_preview",
    ),
    path("admin/surveys/survey/<int:pk>/links/", admin.site.admin_view(personal_links), name="feedback_personal_links"),
    path("admin/scores.csv", admin.site.admin_view(score_file), name="feedback_score_file"),
    path("admin/my-mail/", admin.site.admin_view(my_mail), name="feedback_my_mail"),
    path("admin/", admin.site.urls),
    path("widget/", include("feedback.widget.urls")),
    path("api/schema/", SpectacularAPIView.as_view(permission_classes=[], authentication_classes=[]), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(permission_classes=[], authentication_classes=[])),
    path("privacy/", include("privacy.urls")),
    path("improvements/", include("feedback.improvement_urls")),
    path("", include("feedback.urls")),
]
