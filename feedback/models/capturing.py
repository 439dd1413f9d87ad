"""What people answer, the tags staff give it, and the tallies dashboards read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.db import models
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from feedback.models.asking import Invitation, Respondent, Suspicion
from feedback.searching import SIGNS, UNSPACED, raw_query, terms_of
from privacy.models import Product
from surveys.models import Channel, Survey, SurveyVersion
from surveys.scales import SCALES, Band, BandProfile, Metric

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

LONGEST_COMMENT: Final = 10_000


def _band_of_score() -> Case:
    """Return the SQL of ``Scale.band``, so that a score and its band can never disagree."""
    whens = []
    for (metric, profile), scale in SCALES.items():
        of_scale = Q(metric=metric, band_profile=profile)
        whens.append(When(of_scale & Q(score__gte=scale.promoter_from), then=Value(Band.PROMOTER.value)))
        whens.append(When(of_scale & Q(score__gte=scale.passive_from), then=Value(Band.PASSIVE.value)))
    return Case(*whens, default=Value(Band.DETRACTOR.value))


def _score_in_scale() -> Q:
    inside = Q()
    for metric in Metric:
        scale = SCALES[metric, BandProfile.STANDARD]
        inside |= Q(metric=metric, score__gte=scale.minimum, score__lte=scale.maximum)
    return inside


class ResponseQuerySet(models.QuerySet["Response"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the responses to products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))

    def counted(self) -> Self:
        """Keep what measures count: answered, not test, not excluded, not suspect, not restricted."""
        return self.filter(Response.COUNTED)

    def commented(self) -> Self:
        """Keep the responses that say why."""
        return self.exclude(comment="")

    def search(self, words: str, *, beginnings: bool = True) -> Self:
        """Keep the responses whose comment has all the words, whatever their capitals, accents and Polish endings.

        Where there are no words, none is kept.

        Args:
            beginnings: whether the beginning of a word is enough; where comments are masked it is not, because what
                is masked could be guessed letter by letter.
        """
        terms = terms_of(words, beginnings=beginnings)
        if not terms:
            return self.none()
        return self.filter(search=SearchQuery(raw_query(terms), config="simple", search_type="raw"))


class Folded(models.Func):
    """A text without accents, as ``searching.fold`` makes it but for capitals, of which the index knows none."""

    template = (
        "translate(regexp_replace(normalize(%(expressions)s, NFKD), '[\u0300-\u036f]', '', 'g'),"
        " 'łŁøØđĐħĦı', 'lLoOdDhHi')"
    )
    output_field = models.TextField()


class Searchable(Folded):
    """A folded text in which each character of a script without spaces is a word; see ``searching.pieces_of``."""

    template = (
        f"regexp_replace(regexp_replace({Folded.template}, '[{SIGNS}]', '', 'g'), '([{UNSPACED}])', ' \\1 ', 'g')"
    )


class UnrestrictedResponses(models.Manager.from_queryset(ResponseQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> ResponseQuerySet:
        everybody: ResponseQuerySet = super().get_queryset()
        return everybody.filter(restricted_at__isnull=True)


class Response(models.Model):
    """Score, then comment; belongs to one invitation. Beside them stands who and where, as at the first score.

    ``fingerprint`` recognises the browser that answered on our pages for as long as the answer can be changed, on that
    one page only; ``is_confirmed`` says that somebody was seen to touch, click or type there.
    """

    class State(models.TextChoices):
        PARTIAL = "partial", _("partial")
        COMPLETE = "complete", _("complete")

    class Triage(models.TextChoices):
        UNREAD = "unread", _("unread")
        READ = "read", _("read")
        ARCHIVED = "archived", _("archived")

    COUNTED: Final = Q(is_test=False, excluded_at__isnull=True, is_suspect=False, restricted_at__isnull=True)

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+", verbose_name=_("product"))
    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="responses", verbose_name=_("survey"))
    version = models.ForeignKey(SurveyVersion, on_delete=models.PROTECT, related_name="+", verbose_name=_("version"))
    respondent = models.ForeignKey(
        Respondent, on_delete=models.CASCADE, related_name="responses", verbose_name=_("respondent")
    )
    invitation = models.OneToOneField(
        Invitation, on_delete=models.CASCADE, related_name="response", verbose_name=_("invitation")
    )
    submission_id = models.UUIDField(_("submission"), unique=True, editable=False)
    seq = models.PositiveIntegerField(default=0, editable=False)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.PARTIAL)

    metric = models.CharField(_("metric"), max_length=4, choices=Metric)
    band_profile = models.CharField(_("bands"), max_length=10, choices=BandProfile)
    score = models.SmallIntegerField(_("score"))
    band = models.GeneratedField(
        expression=_band_of_score(),
        output_field=models.CharField(_("band"), max_length=10, choices=Band),
        db_persist=True,
        verbose_name=_("band"),
    )
    comment = models.TextField(_("comment"), max_length=LONGEST_COMMENT, blank=True)
    search = models.GeneratedField(
        expression=SearchVector(Searchable("comment"), config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
        verbose_name=_("search index"),
    )
    reasons = ArrayField(models.CharField(max_length=80), verbose_name=_("reasons"), default=list, blank=True)
    contact_permission = models.BooleanField(_("may be contacted about this"), default=False)
    receipt_hash = models.BinaryField(_("hash of the receipt code"), max_length=32, unique=True, editable=False)

    answered_at = models.DateTimeField(_("answered"))
    answered_on = models.DateField(_("day"), help_text=_("The day of the first score where the product is."))
    received_at = models.DateTimeField(_("received"))
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)

    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    language = models.CharField(_("language"), max_length=10)
    country = models.CharField(_("country"), max_length=2, blank=True)
    company = models.CharField(_("company"), max_length=200, blank=True)
    name = models.CharField(_("name or id"), max_length=255, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    url = models.CharField(_("address of the page"), max_length=500, blank=True)
    device = models.CharField(_("device"), max_length=16, blank=True)
    app_version = models.CharField(_("app version"), max_length=32, blank=True)
    properties = models.JSONField(_("properties"), default=dict, blank=True)

    is_test = models.BooleanField(_("test"), default=False)
    is_suspect = models.BooleanField(_("suspect"), default=False)
    suspicion = models.CharField(
        _("why it is suspect"), max_length=10, choices=Suspicion, default="", db_default="", blank=True, editable=False
    )
    is_confirmed = models.BooleanField(default=False, db_default=False, editable=False)
    fingerprint = models.BinaryField(max_length=32, null=True, editable=False)
    excluded_at = models.DateTimeField(_("excluded at"), null=True, blank=True, editable=False)
    excluded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("excluded by"),
    )
    exclusion_reason = models.CharField(_("reason for the exclusion"), max_length=300, blank=True, editable=False)
    restricted_at = models.DateTimeField(_("restricted"), null=True, blank=True, editable=False)
    rules_applied_at = models.DateTimeField(null=True, blank=True, editable=False)
    triage = models.CharField(_("triage"), max_length=8, choices=Triage, default=Triage.UNREAD)
    tags: models.ManyToManyField[Tag, ResponseTag] = models.ManyToManyField(
        "Tag", through="ResponseTag", related_name="responses", verbose_name=_("tags")
    )

    import_run = models.ForeignKey(
        "ImportRun",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="responses",
        verbose_name=_("import"),
    )
    import_key = models.BinaryField(_("key of the imported row"), max_length=32, null=True, unique=True, editable=False)

    objects = UnrestrictedResponses()
    including_restricted = ResponseQuerySet.as_manager()

    class Meta:
        base_manager_name = "including_restricted"
        ordering = ["-answered_at", "-pk"]
        verbose_name = _("response")
        verbose_name_plural = _("responses")
        permissions = [
            ("view_identity", _("Can see who answered")),
            ("read_comment", _("Can read comments unmasked")),
            ("triage_response", _("Can tag, archive and exclude responses")),
            ("flag_response", _("Can flag responses for follow-up")),
        ]
        constraints = [
            models.CheckConstraint(condition=_score_in_scale(), name="response_score_in_scale"),
            models.CheckConstraint(
                condition=Q(excluded_at__isnull=True) | ~Q(exclusion_reason=""), name="response_excluded_with_a_reason"
            ),
            # What follow-ups point at, so that their respondent is always the one who answered.
            models.UniqueConstraint(fields=["id", "respondent"], name="response_of_one_respondent"),
        ]
        indexes = [
            models.Index(fields=["-answered_at", "-id"], name="response_newest"),
            models.Index(fields=["product", "-answered_at", "-id"], name="response_newest_of_product"),
            models.Index(fields=["respondent", "-answered_at"], name="response_of_respondent"),
            GinIndex(fields=["search"], name="response_search", fastupdate=True),
            # Words that many comments have are looked for in the newest of these.
            models.Index(fields=["-answered_at", "-id"], name="response_commented", condition=~Q(comment="")),
            # What the work list shows and counts whenever it opens.
            models.Index(fields=["product", "triage", "-answered_at", "-id"], name="response_triaged"),
            # Every page of the list counts what is unread: from the index alone, wherever in the table that lies.
            models.Index(
                fields=["product", "-answered_at", "-id"],
                name="response_unread",
                condition=Q(triage="unread", restricted_at__isnull=True),
            ),
            models.Index(
                fields=["product", "-answered_at", "-id"],
                name="response_suspect",
                condition=Q(is_suspect=True),
            ),
            models.Index(
                fields=["product", "band", "-answered_at", "-id"],
                name="response_for_follow_up",
                condition=Q(contact_permission=True),
            ),
            models.Index(fields=["id"], name="response_restricted", condition=Q(restricted_at__isnull=False)),
            models.Index(
                fields=["product", "-answered_at", "-id"],
                name="response_excluded",
                condition=Q(excluded_at__isnull=False),
            ),
            models.Index(fields=["product", "-answered_at", "-id"], name="response_test", condition=Q(is_test=True)),
            models.Index(
                fields=["completed_at"],
                name="response_awaits_rules",
                condition=Q(rules_applied_at__isnull=True, completed_at__isnull=False),
            ),
            models.Index(fields=["received_at"], name="response_fingerprinted", condition=Q(fingerprint__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    def get_band_display(self) -> str:
        """Return the band in words; Django makes no such method for a generated column."""
        return str(Band(self.band).label)


class ScoreChange(models.Model):
    """A score that a person changed; the response holds the last one."""

    response = models.ForeignKey(
        Response, on_delete=models.CASCADE, related_name="score_changes", verbose_name=_("response")
    )
    score = models.SmallIntegerField(_("score before"))
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        ordering = ["changed_at"]
        verbose_name = _("change of score")
        verbose_name_plural = _("changes of score")

    def __str__(self) -> str:
        return f"score change {self.pk}"


class TagQuerySet(models.QuerySet["Tag"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the tags of products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))


class Tag(models.Model):
    """A theme that staff give to responses of one product."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+", verbose_name=_("product"))
    name = models.CharField(_("name"), max_length=60, help_text=_("A theme in a word or two. It names no person."))

    objects = TagQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        constraints = [models.UniqueConstraint("product", Upper("name"), name="tag_unique_in_product")]

    def __str__(self) -> str:
        return self.name


class ResponseTag(models.Model):
    """Who gave which response a tag, and when."""

    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="+", verbose_name=_("response"))
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+", verbose_name=_("tag"))
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("added by")
    )
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        verbose_name = _("tag of a response")
        verbose_name_plural = _("tags of responses")
        constraints = [models.UniqueConstraint(fields=["response", "tag"], name="response_tag_unique")]

    def __str__(self) -> str:
        return f"tagging {self.pk}"


class Tally(models.Model):
    """How often a score was given on a day: kept by a trigger on responses, whatever writes them.

    Connections count in slots of their own, so that on a busy day one answer does not wait for another one's commit.
    A tally is the sum over its slots; a single one may be negative, where an answer was taken back by another
    connection than the one that counted it.
    """

    DIMENSIONS: Final = ("product_id", "version_id", "channel", "language", "country", "day", "score")

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+", verbose_name=_("product"))
    version = models.ForeignKey(SurveyVersion, on_delete=models.PROTECT, related_name="+", verbose_name=_("version"))
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    language = models.CharField(_("language"), max_length=10)
    country = models.CharField(_("country"), max_length=2, blank=True)
    day = models.DateField(_("day"))
    score = models.SmallIntegerField(_("score"))
    slot = models.PositiveSmallIntegerField(_("slot"), default=0)
    count = models.IntegerField(_("count"))

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        constraints = [
            models.UniqueConstraint(
                fields=["product", "version", "channel", "language", "country", "day", "score", "slot"],
                name="tally_unique",
            ),
        ]
        indexes = [models.Index(fields=["product", "day"], name="tally_of_product")]

    def __str__(self) -> str:
        return f"tally {self.pk}"
