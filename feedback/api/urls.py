"""Addresses of the asking endpoints, below ``/api/v1/``."""

from django.urls import path
from django.views.decorators.http import conditional_page

from feedback.api import campaigns, inviting, views

app_name = "asking"
urlpatterns = [
    path(
        "products/<str:public_key>/surveys",
        conditional_page(views.SurveysView.as_view()),
        name="surveys",
    ),
    path("products/<str:public_key>/eligibility", views.EligibilityView.as_view(), name="eligibility"),
    path("invitations/", inviting.InvitationsView.as_view(), name="invite"),
    path("campaigns/<int:pk>", campaigns.CampaignView.as_view(), name="campaign"),
    path("campaigns/<int:pk>/pause", campaigns.PauseView.as_view(), name="campaign_pause"),
    path("campaigns/<int:pk>/resume", campaigns.ResumeView.as_view(), name="campaign_resume"),
    path("campaigns/<int:pk>/cancel", campaigns.CancelView.as_view(), name="campaign_cancel"),
    path("invitations/<str:token>/response", views.ResponseView.as_view(), name="response"),
    path("invitations/<str:token>/shown", views.ShownView.as_view(), name="shown"),
    path("invitations/<str:token>/decline", views.DeclineView.as_view(), name="decline"),
    path("invitations/<str:token>/snooze", views.SnoozeView.as_view(), name="snooze"),
]
