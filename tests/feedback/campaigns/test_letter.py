import email
import email.policy
import re

import pytest
from django.core import mail as outbox

from feedback import campaigns
from feedback.models import CampaignMail
from tests.mail_server import Mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(started, person, serve):
    """Send a campaign to one person; return the mail as the server got it, parsed."""

    def sent(*, wording=None, about=(), **overrides):
        mailbox = serve(Mailbox())
        campaign = started(person(**dict(about)), wording=wording, **overrides)
        campaigns.send_batch(campaign_id=campaign.pk)
        return email.message_from_bytes(mailbox.accepted[0].content, policy=email.policy.default)

    return sent


def parts(message):
    return {part: message.get_body([part]).get_content() for part in ("plain", "html")}


def test_the_mail_says_what_it_is_and_how_to_stop_it(sent):
    message = sent(sender_name="Bank – opinie", reply_to="care@bank.example")

    assert (message["To"], message["Reply-To"]) == ("anna@example.com", "care@bank.example")
    assert message["From"] == "Bank – opinie <privacy@odzew.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<campaign-mail-\d+-[0-9a-f]{12}@odzew\.example>", message["Message-ID"])
    assert re.fullmatch(r"<http://127\.0\.0\.1:8000/\S+>", message["List-Unsubscribe"].strip())
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_both_parts_hold_the_whole_scale_and_every_way_out(sent):
    message = sent()

    for text in parts(message).values():
        assert re.findall(r"/i/[\w-]{43}/\?s=(\d+)\b", text) == [str(score) for score in range(11)]
        assert message["List-Unsubscribe"].strip(" <>") in text
        assert "/privacy/object/" in text
        assert "/privacy/?lang=en" in text
        assert "Bank" in text
        assert "How likely are you to recommend us" in text


def test_no_address_stands_in_any_link_and_nothing_is_loaded(sent):
    message = sent(about={"name": "Anna", "company": "Acme"})

    html = parts(message)["html"]
    for text in parts(message).values():
        for link in re.findall(r"https?://[^\s\"<]+", text):
            assert "anna" not in link.casefold()
            assert "@" not in link
            assert "%40" not in link
    assert not re.search(r"<(img|script|link|iframe)\b|url\(|@import", html)


def test_the_picture_is_there_only_where_the_product_counts_opened_mails(sent, product, client):
    product.tracks_opens = True
    product.save()

    picture = re.search(r'<img src="http://127\.0\.0\.1:8000(/i/[\w-]+/opened\.gif)"', parts(sent())["html"])

    assert client.head(picture[1]).status_code == 200
    assert not campaigns_opened()
    answer = client.get(picture[1])
    assert (answer["Content-Type"], answer.content[:6]) == ("image/gif", b"GIF89a")
    assert campaigns_opened()


def campaigns_opened():
    return CampaignMail.objects.filter(opened_at__isnull=False).exists()


def test_an_unknown_picture_is_the_same_picture(client):
    assert client.get("/i/nobody/opened.gif").status_code == 200


def test_what_people_are_called_stays_text(sent):
    name = '<b>{company}</b> & "Co"\r\nBcc: evil@example.com'
    message = sent(
        about={"name": name, "company": "Acme"},
        wording={"en": ("For {name} of {company}", "Hello {name},\n\nplease.")},
    )

    assert message["Subject"] == '<b>{company}</b> & "Co" Bcc: evil@example.com'.join(["For ", " of Acme"])
    assert message["Bcc"] is None
    html = parts(message)["html"]
    assert "&lt;b&gt;{company}&lt;/b&gt; &amp; &quot;Co&quot;" in html
    assert "<b>" not in html


def test_everybody_is_asked_in_their_language(sent):
    message = sent(about={"language": "pl-PL"})

    text = parts(message)["plain"]
    assert "Na ile prawdopodobne jest" in text
    assert "/privacy/?lang=pl" in text
    assert '<html lang="pl"' in parts(message)["html"]


def test_who_speaks_no_language_of_the_survey_is_asked_in_the_products(sent):
    message = sent(about={"language": ""})

    assert "How likely" in parts(message)["plain"]


def test_sending_leaves_the_address_out_of_the_log(started, person, serve, caplog):
    serve(Mailbox(reply="554 no anna@example.com here"))
    campaign = started(person())
    caplog.clear()

    campaigns.send_batch(campaign_id=campaign.pk)

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("feedback")]
    assert len(ours) == 1
    assert "anna" not in ours[0]
    assert outbox.outbox == []
