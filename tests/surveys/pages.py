"""Opening and sending the admin's forms as a browser does: with every field that the page shows."""

from __future__ import annotations

from html.parser import HTMLParser

from django.contrib.messages import get_messages
from django.urls import reverse


class FormReader(HTMLParser):
    """Reads what a browser would send for the first form with an id: names and values of its fields."""

    def __init__(self, form_id):
        super().__init__()
        self.form_id, self.inside, self.fields = form_id, False, {}
        self.textarea = self.select = None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.inside = attrs.get("id") == self.form_id
        if not self.inside:
            return
        name = attrs.get("name")
        if tag == "input" and name and attrs.get("type") not in {"submit", "button"}:
            is_box = attrs.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in attrs:
                self.fields.setdefault(name, []).append(attrs.get("value", "on" if is_box else ""))
        elif tag == "textarea":
            self.textarea, self.fields[name] = name, [""]
        elif tag == "select":
            self.select = name
        elif tag == "option" and "selected" in attrs:
            self.fields.setdefault(self.select, []).append(attrs["value"])

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False
        if tag == "textarea":
            self.textarea = None

    def handle_data(self, data):
        if self.textarea:
            self.fields[self.textarea][0] += data


def form_of(response):
    """Return what a browser would send for the main form of a survey's page."""
    reader = FormReader("survey_form")
    reader.feed(response.content.decode())
    assert reader.fields, "there is no form on this page"
    return reader.fields


def page(survey, name="change"):
    return reverse(f"admin:surveys_survey_{name}", args=[survey.pk])


def send(client, survey, changes):
    """Open the page of a survey, change some fields and save."""
    return client.post(page(survey), {**form_of(client.get(page(survey))), **changes})


def save(client, survey, changes=None):
    """Do the same where it must succeed."""
    response = send(client, survey, changes or {})
    assert response.status_code == 302, response.context["errors"]
    return response


def messages_of(response):
    return [str(message) for message in get_messages(response.wsgi_request)]
