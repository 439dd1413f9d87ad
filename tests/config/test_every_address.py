"""Every address there is: who may open it, and what nobody without the right to identities finds behind it."""

import json

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse

from config.roles import ROLES
from privacy.inventory import STAFF, inventory
from privacy.models import AccessLogEntry, Membership
from tests.config.addresses import addresses_of_lists, every_name, names_of_lists
from tests.config.test_permission_matrix import PAGES, registered, rows  # noqa: F401  a fixture
from tests.factories import make_product, make_staff

pytestmark = pytest.mark.django_db

EVERYBODY = frozenset(ROLES)
ADMINISTRATOR = frozenset({"administrator"})
OFFICER = frozenset({"data_protection_officer"})
READERS = frozenset({"reviewer", "data_protection_officer"})
LOOKS_UP = READERS | {"privacy_officer"}
SEES_SURVEYS = frozenset({"analyst", "reviewer", "data_protection_officer", "administrator"})
IMPORTS = frozenset({"reviewer", "administrator"})
AGENT = frozenset({"agent"})
REVIEWER = frozenset({"reviewer"})
FOLLOWS_UP = AGENT | READERS
SEES_RESPONSES = FOLLOWS_UP | {"analyst"}
MAKES_RULES = REVIEWER | ADMINISTRATOR

# Pages of staff beside the lists: the model whose row is in the address, what else is in it, and who may open it.
BESIDE = {
    "feedback_audience_preview": ("surveys.survey", (), SEES_SURVEYS),
    "admin:privacy_product_secret": ("privacy.product", (), ADMINISTRATOR),
    "admin:privacy_product_retire_secret": ("privacy.product", (1,), ADMINISTRATOR),
    "admin:privacy_controller_record": ("privacy.controller", (), {"privacy_officer", *OFFICER, *ADMINISTRATOR}),
    "admin:privacy_breakglass_end": (None, (), ADMINISTRATOR),
    "admin:privacy_rightsrequest_reveal": ("privacy.rightsrequest", (), {"privacy_officer", *OFFICER}),
    "admin:privacy_rightsrequest_records": ("privacy.rightsrequest", (), {"privacy_officer", *OFFICER}),
    "admin:privacy_rightsrequest_dossier": ("privacy.rightsrequest", (), {"privacy_officer", *OFFICER}),
    "admin:privacy_rightsrequest_step": ("privacy.rightsrequest", ("note",), {"privacy_officer", *OFFICER}),
    "admin:privacy_rightsrequest_enter": (None, (), {"privacy_officer", *OFFICER}),
    "admin:privacy_requestitem_preview": (None, (1,), {"privacy_officer", *OFFICER}),
    "admin:privacy_requestitem_records": (None, (1, "feedback.Response"), {"privacy_officer", *OFFICER}),
    "admin:privacy_suppression_lift": ("privacy.suppression", (), OFFICER),
    "admin:privacy_suppression_suppress": (None, (), OFFICER),
    "admin:privacy_suppression_recognise": (None, (), OFFICER),
    "admin:auth_user_password_change": ("auth.user", (), ADMINISTRATOR | OFFICER),
    "admin:feedback_followup_status": ("feedback.followup", (), {"agent"}),
    "admin:feedback_followup_assign": ("feedback.followup", (), {"agent"}),
    "admin:feedback_followup_priority": ("feedback.followup", (), AGENT),
    "admin:feedback_followup_contact": ("feedback.followup", (), AGENT),
    "admin:feedback_followup_note": ("feedback.followup", (), FOLLOWS_UP),
    "admin:feedback_followup_write": ("feedback.followup", (), AGENT),
    "admin:feedback_followup_board": (None, (), FOLLOWS_UP),
    "admin:feedback_followup_show_board": (None, (), FOLLOWS_UP),
    "admin:feedback_campaign_step": ("feedback.campaign", ("start",), MAKES_RULES),
    "admin:feedback_campaign_audience": ("feedback.campaign", (), MAKES_RULES),
    "admin:feedback_campaign_dry_run": ("feedback.campaign", (1,), MAKES_RULES),
    "admin:feedback_campaign_remove": ("feedback.campaign", (1,), MAKES_RULES),
    "admin:feedback_campaign_mails": ("feedback.campaign", (), MAKES_RULES | OFFICER),
    "admin:feedback_campaign_settle": ("feedback.campaign", (1,), MAKES_RULES),
    "admin:feedback_campaign_settle_shown": ("feedback.campaign", (), MAKES_RULES),
    "admin:feedback_campaign_preview": ("feedback.campaign", ("en",), MAKES_RULES | OFFICER),
    "admin:feedback_campaign_frame": ("feedback.campaign", ("en",), MAKES_RULES | OFFICER),
    "admin:feedback_campaign_progress": ("feedback.campaign", (), MAKES_RULES | OFFICER),
    "admin:privacy_serverkey_revoke": ("privacy.serverkey", (), ADMINISTRATOR),
    "admin:feedback_improvement_step": ("feedback.improvement", ("publish",), REVIEWER),
    "admin:feedback_improvement_correct": ("feedback.improvement", (), REVIEWER),
    "admin:feedback_improvement_responses": ("feedback.improvement", (), READERS | {"analyst"}),
    "admin:feedback_response_save_view": (None, (), SEES_RESPONSES),
    "admin:feedback_response_saved_view": (None, (1,), SEES_RESPONSES),
    "admin:feedback_response_delete_view": (None, (1,), SEES_RESPONSES),
    "admin:feedback_response_undo": (None, (), READERS),
    "admin:feedback_response_reveal": ("feedback.response", (), FOLLOWS_UP),
    "admin:feedback_response_person": ("feedback.response", (), FOLLOWS_UP),
    "admin:feedback_rule_preview": (None, (1,), MAKES_RULES),
    "admin:feedback_rule_tag_existing": ("feedback.rule", (), REVIEWER),
    "admin:feedback_tag_themes": (None, (), SEES_RESPONSES),
    "admin:feedback_tag_rename": ("feedback.tag", (), REVIEWER),
    "admin:feedback_tag_merge": ("feedback.tag", (), REVIEWER),
    "admin:feedback_tag_discard": ("feedback.tag", (), REVIEWER),
    "feedback_my_mail": (None, (), EVERYBODY),
    "feedback_score_file": (None, (), EVERYBODY - {"privacy_officer"}),
    "admin:feedback_importrun_columns": ("feedback.importrun", (), IMPORTS),
    "admin:feedback_importrun_preview": ("feedback.importrun", (), IMPORTS),
    "admin:feedback_importrun_start": ("feedback.importrun", (), IMPORTS),
    "admin:feedback_importrun_discard": ("feedback.importrun", (), IMPORTS),
    "admin:feedback_importrun_progress": ("feedback.importrun", (), IMPORTS | OFFICER),
    "admin:feedback_respondent_never_met": (None, ("reference",), LOOKS_UP),
    "admin:feedback_respondent_moment": ("feedback.respondent", (), LOOKS_UP),
    "admin:feedback_respondent_contact": ("feedback.respondent", (), READERS),
    "admin:feedback_respondent_reached": ("feedback.respondent", (), READERS),
    "admin:feedback_channelpermission_withdraw": ("feedback.channelpermission", (), READERS),
    "admin:feedback_response_do": ("feedback.response", ("flag",), READERS),
    "admin:feedback_response_tags": ("feedback.response", (), READERS),
    "admin:surveys_survey_preview": ("surveys.survey", (), SEES_SURVEYS),
    "admin:surveys_survey_qr": ("surveys.survey", (), SEES_SURVEYS),
    "feedback_personal_links": ("surveys.survey", (), REVIEWER),
    "admin:surveys_survey_publish": ("surveys.survey", (), ADMINISTRATOR),
    "admin:surveys_survey_pause": ("surveys.survey", (), ADMINISTRATOR),
    "admin:surveys_survey_resume": ("surveys.survey", (), ADMINISTRATOR),
    "admin:surveys_survey_archive": ("surveys.survey", (), ADMINISTRATOR),
    "admin:index": (None, (), EVERYBODY),
    "admin:search": (None, (), EVERYBODY),
    "admin:password_change": (None, (), EVERYBODY),
    "admin:password_change_done": (None, (), EVERYBODY),
    "admin:jsi18n": (None, (), EVERYBODY),
}
# What needs no account, or decides by what is in its question; each has tests of its own.
ELSEWHERE = {
    *("asking:surveys", "asking:eligibility", "asking:response", "asking:shown", "asking:decline", "asking:snooze"),
    *("asking:campaign", "asking:campaign_pause", "asking:campaign_resume", "asking:campaign_cancel"),
    *("live", "ready", "set_language", "widget:loader", "widget:survey", "schema", "api/docs/"),
    *("feedback:opened", "privacy:object", "feedback:mail_events", "asking:invite"),
    *("privacy:notice", "privacy:cookies", "privacy:request", "privacy:received", "privacy:confirm"),
    *("privacy:package", "privacy:fetch", "privacy:object", "privacy:status"),
    *("rights:requests", "rights:links", "rights:request"),
    *("feedback:survey", "feedback:invitation", "feedback:inbound_mail", "feedback:unsubscribe"),
    "feedback:stop_mail",
    *("improvements:page", "improvements:object"),
    *("admin:login", "admin:logout", "admin:autocomplete", "admin:view_on_site", "admin:app_list"),
    *("admin:<path:object_id>/", "admin:(?P<url>.*)$"),  # old addresses of pages, and all that there is not
}
REFUSED = {403, 404}
ANSWERED = {200, 302, 400, 405}  # a page for POST only is asked by GET here


def test_every_address_of_the_project_is_decided():
    assert set(every_name()) - names_of_lists() - set(BESIDE) == ELSEWHERE & set(every_name())
    assert set(BESIDE) <= set(every_name())


def beside(rows, name):  # noqa: F811
    label, more, _roles = BESIDE[name]
    return reverse(name, args=[*([rows[label].pk] if label else []), *more])


def every_address(rows):  # noqa: F811
    """Return every address of staff, and those that search in lists."""
    of_lists = addresses_of_lists(rows)
    searches = {f"search {name}": f"{of_lists[name]}?q=canary" for name in of_lists if name.endswith("_changelist")}
    return {**of_lists, **searches, **{name: beside(rows, name) for name in BESIDE}}


@pytest.fixture(params=ROLES)
def role(request):
    return request.param


@pytest.fixture
def member(client, rows, role):  # noqa: F811
    """A browser in which somebody with the role is logged in, who sees all of the rows' controller."""
    user = make_staff(role)
    Membership.objects.create(user=user, controller=rows["privacy.controller"])
    client.force_login(user)
    return client


def test_pages_beside_the_lists_answer_as_the_matrix_says(member, rows, role):  # noqa: F811
    wrong = {}
    for name, (_label, _more, roles) in BESIDE.items():
        status = member.get(beside(rows, name)).status_code
        if role in roles:
            # The row may be in a state, or the reference of a kind, for which there is no such page.
            is_right = status in ANSWERED or (status == 404 and name in MAY_BE_MISSING)
        else:
            is_right = status in REFUSED or (status == 405)
        if not is_right:
            wrong[name] = status

    assert wrong == {}


MAY_BE_MISSING = {
    *("admin:privacy_requestitem_preview", "admin:privacy_requestitem_records"),
    *("admin:feedback_respondent_never_met", "admin:privacy_product_retire_secret"),
    *("admin:feedback_campaign_dry_run", "admin:feedback_campaign_remove"),
    *("admin:feedback_importrun_columns", "admin:feedback_importrun_preview"),
    *("admin:feedback_response_saved_view", "admin:feedback_response_delete_view", "admin:feedback_rule_preview"),
}


def test_visitors_are_sent_to_the_login_from_everywhere(client, rows):  # noqa: F811
    for address in every_address(rows).values():
        for method in (client.get, client.post):
            answer = method(address)
            assert answer.status_code == 302, address
            assert answer["Location"].startswith(reverse("admin:login")), address


# --- Canaries ---------------------------------------------------------------------------------------------------------

# What says nothing about who somebody is, and analysts work with.
CIRCUMSTANCES = {
    *("language", "country", "device", "app_version", "subject_key", "reference"),
    *("from_status", "to_status", "status", "action", "file_name", "code"),
}
# Reasons were chosen from a survey's list; staff wrote why a response is not counted.
CHOSEN = {"feedback.Response.reasons", "feedback.Response.exclusion_reason"}


def plant(label):
    """Write a canary into every text about a data subject that a table holds; return what was planted."""
    model, planted = apps.get_model(label), {}
    for column in model._meta.concrete_fields:
        declared = inventory.tables[label].columns[column.name]
        is_text = isinstance(column, models.CharField | models.TextField) and not column.choices
        name = f"{label}.{column.name}"
        if not declared.personal or declared.category == STAFF.category or column.unique:
            continue
        if column.name in CIRCUMSTANCES or name in CHOSEN or (column.max_length or 99) < 20:
            continue
        canary = f"canary-{column.name.replace('_', '-')}@{label.split('.')[1].lower()}.example"
        if column.name == "phone":
            canary = "+48601987654"
        if is_text:
            planted[column.name] = canary
        elif isinstance(column, models.JSONField):
            planted[column.name] = {"plan": canary}
        elif isinstance(column, ArrayField) and isinstance(column.base_field, models.CharField):
            planted[column.name] = [canary]
    if planted:
        model._base_manager.update(**planted)
    return {json.dumps(value) if isinstance(value, dict) else str(value) for value in planted.values()}


def needles(planted):
    """Return the parts to look for: of a mail address what stands before the sign, which a mask would have removed."""
    found = set()
    for text in planted:
        words = [word.strip("\"{}[]',: ") for word in text.split()]
        found |= {word.split("@")[0] for word in words if "canary" in word or word.startswith("+48")}
    return found


@pytest.fixture
def canaries(rows):  # noqa: F811
    planted = set().union(*(plant(label) for label in inventory.tables))
    assert len(planted) > 15
    return needles(planted)


def shown(client, addresses, canaries):
    """Return where a canary sings, in pages, errors and redirects alike."""
    singing = {}
    for address in addresses:
        answers = [client.get(address)]
        if "?" not in address:
            answers.append(client.post(address, {"answered": ""}))
        for answer in answers:
            page = b"".join(answer).decode(errors="replace")
            heard = {each for each in canaries if each in page or each in str(answer.headers)}
            if heard:
                singing[address] = heard
    return singing


def details(rows):  # noqa: F811
    """Return every address, and those that filter and autocomplete."""
    addresses = dict(every_address(rows))
    for model, page in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField):
                addresses[f"filter {name}.{field.name}"] = (
                    reverse(f"admin:{name}_changelist") + f"?{field.name}__startswith=canary"
                )
            if isinstance(field, models.ForeignKey):
                addresses[f"autocomplete {name}.{field.name}"] = (
                    reverse("admin:autocomplete")
                    + f"?app_label={model._meta.app_label}&model_name={model._meta.model_name}"
                    + f"&field_name={field.name}&term=c"
                )
        assert not page.list_editable
    return addresses


@pytest.mark.parametrize("role", ["analyst", "administrator"])
def test_roles_without_identities_find_nobody_on_any_page(client, rows, canaries, role):  # noqa: F811
    user = make_staff(role)
    Membership.objects.create(user=user, controller=rows["privacy.controller"])
    client.force_login(user)

    assert shown(client, details(rows).values(), canaries) == {}


def test_the_canaries_are_heard_by_who_may_hear_them(client, rows, canaries):  # noqa: F811
    user = make_staff("reviewer")
    Membership.objects.create(user=user, controller=rows["privacy.controller"])
    client.force_login(user)

    heard = set().union(*shown(client, [addresses_of_lists(rows)["admin:feedback_response_change"]], canaries).values())

    assert {"canary-email", "canary-name"} <= heard  # the comment is masked until it is revealed


def test_privacy_officers_find_people_only_on_pages_that_log_it(client, rows, canaries):  # noqa: F811
    user = make_staff("privacy_officer")
    Membership.objects.create(user=user, controller=rows["privacy.controller"])
    client.force_login(user)
    person = addresses_of_lists(rows)["admin:feedback_respondent_change"]
    logging = {
        person,
        beside(rows, "admin:privacy_rightsrequest_reveal"),
        beside(rows, "admin:feedback_respondent_moment"),
    }

    written_by_staff = {"canary-assessment"}  # of an incident, in which nobody is named

    assert set(shown(client, details(rows).values(), canaries - written_by_staff)) <= logging
    for address in logging:
        before = AccessLogEntry.objects.filter(user=user).count()
        assert shown(client, [address], canaries)
        assert AccessLogEntry.objects.filter(user=user).count() > before


def test_agents_find_nobody_once_the_work_is_closed(client, rows, canaries):  # noqa: F811
    type(rows["feedback.followup"]).objects.update(status="closed", closed_at=rows["feedback.followup"].created_at)
    user = make_staff("agent")
    Membership.objects.create(user=user, controller=rows["privacy.controller"])
    client.force_login(user)
    staff_wrote = {"canary-reason", "canary-closing-note"}  # about the case, for colleagues

    singing = shown(client, details(rows).values(), canaries - staff_wrote)

    assert singing == {}


def test_staff_of_another_product_find_nobody(client, rows, canaries, role):  # noqa: F811
    client.force_login(make_staff(role, product=make_product()))

    assert shown(client, every_address(rows).values(), canaries) == {}


def test_what_staff_do_is_remembered_and_logged_without_anybody(client, rows, canaries, caplog):  # noqa: F811
    user = make_staff("data_protection_officer")
    Membership.objects.create(user=user, controller=rows["privacy.controller"])
    client.force_login(user)

    with caplog.at_level("DEBUG"):
        shown(client, every_address(rows).values(), canaries)

    remembered = " ".join(f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all())
    assert not [each for each in canaries if each in remembered]
    written = [record.getMessage() for record in caplog.records if record.name != "django.db.backends"]
    assert not [line for line in written for each in canaries if each in line]


def test_names_of_rows_say_nothing_about_people(rows, canaries):  # noqa: F811
    names = [
        f"{row} {row!r}"
        for label, table in inventory.tables.items()
        if any(column.personal and column.category != STAFF.category for column in table.columns.values())
        for row in apps.get_model(label)._base_manager.all()
    ]

    assert names
    assert not [name for name in names for each in canaries if each in name]


def test_every_list_is_in_the_matrix():
    assert registered() == set(PAGES)
