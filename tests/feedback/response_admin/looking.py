"""Addresses of the admin of responses, and what tests see of its pages."""

from django.contrib.messages import get_messages
from django.urls import reverse

LIST = reverse("admin:feedback_response_changelist")
COMMENT = "Write to jan.kowalski@example.com about the fees"


def page(response):
    return reverse("admin:feedback_response_change", args=[response.pk])


def do(response, name):
    return reverse("admin:feedback_response_do", args=[response.pk, name])


def text_of(answer):
    return answer.content.decode()


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def reveal(response):
    return reverse("admin:feedback_response_reveal", args=[response.pk])


def person(response):
    return reverse("admin:feedback_response_person", args=[response.pk])
