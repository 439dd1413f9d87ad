// The survey itself, fetched only when somebody may be asked. The server makes one module of two constants, words
// (what the survey says apart from its own wording) and styles (survey.css), then messages.js, then this.

const IN_VIEW = 1000;
const LONGEST_COOKIE = 390;

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// What does not look like a survey is not shown: no answer of a broken server may fail later, in the page's face.
function isSound({ id, scale, bands, labels, question, language, decline, follow_up, thanks, rest_days }) {
  const spread = scale.max - scale.min;
  const { answered, declined, snoozed, ignored } = rest_days;
  const numbers = [id, scale.min, spread, bands.passive, bands.promoter, answered, declined, snoozed, ignored];
  const texts = ["detractor", "passive", "promoter"].flatMap((band) => {
    const { question, placeholder, reasons } = follow_up[band];
    return [question, placeholder, thanks[band], ...reasons];
  });
  texts.push(question, language, decline, labels.low, labels.high);
  const isText = (text) => typeof text === "string";
  return numbers.every(Number.isInteger) && texts.every(isText) && spread > 0 && spread <= 20;
}

class Survey {
  constructor(asked) {
    Object.assign(this, asked, { survey: asked.answer.survey, token: asked.answer.invitation });
    if (!this.token || !isSound(this.survey)) throw new TypeError("no survey");
    this.closed = new Promise((resolve) => (this.resolve = resolve));
    this.leaving = new AbortController();
    this.build();
    this.appear();
  }

  // --- What is on the screen ---

  build() {
    const { survey } = this;
    this.status = element("p", { role: "status", class: "unseen" });
    this.scores = this.buildScores();
    this.why = element("div", { class: "why", hidden: true });
    this.actions = element(
      "div",
      { class: "actions" },
      this.button(survey.decline, "quiet", () => this.end("decline", "declined")),
      this.button(words.later, "quiet", () => this.end("snooze", "snoozed")),
    );
    const notice = element("a", { href: this.home + "privacy/", target: "_blank", rel: "noopener noreferrer" }, words.privacy);
    this.receipt = element("div", { class: "receipt", hidden: true });
    this.form = element("form", { submit: (event) => this.send(event) }, this.scores, this.why, this.actions);
    const card = element(
      "section",
      { class: "card", "aria-label": words.region, keydown: (event) => this.escape(event) },
      element("div", { class: "inside" }, this.form, this.receipt, element("p", { class: "foot" }, notice), this.status),
    );
    this.frame = element("div", { class: "frame", lang: survey.language, dir: this.direction() }, card);
    this.host = element("odzew-survey", { focusin: ({ relatedTarget }) => (this.before = relatedTarget || this.before) });
    const root = (this.root = this.host.attachShadow({ mode: "open" }));
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
    root.adoptedStyleSheets = [sheet];
    root.append(this.frame);
  }

  buildScores() {
    const { scale, labels, question } = this.survey;
    const scores = Array.from({ length: scale.max - scale.min + 1 }, (_, index) => scale.min + index);
    const ends = { [scale.min]: labels.low, [scale.max]: labels.high };
    this.radios = scores.map((score, index) =>
      element("input", { type: "radio", name: "score", value: score, tabindex: index ? -1 : 0 }),
    );
    const boxes = scores.map((score, index) => {
      const label = element("span", { class: "number" }, String(score));
      const end = ends[score] ? [element("span", { class: "unseen" }, ", " + ends[score])] : [];
      return element("label", { class: "score" }, this.radios[index], label, ...end);
    });
    const shownEnds = [scale.min, scale.max].map((score) =>
      element("span", {}, element("b", {}, String(score)), " ", ends[score]),
    );
    return element(
      "fieldset",
      { keydown: (event) => this.move(event), change: ({ target }) => this.choose(Number(target.value)) },
      element("legend", {}, question),
      element("div", { class: "scale of-" + scores.length }, ...boxes),
      element("div", { class: "ends", "aria-hidden": "true" }, ...shownEnds),
    );
  }

  button(label, kind, press) {
    return element("button", { type: press ? "button" : "submit", class: kind, click: press }, label);
  }

  // A page in the survey's language knows how that language runs; otherwise the language itself decides.
  direction() {
    const page = document.documentElement;
    const isSame = page.lang.split("-")[0].toLowerCase() === this.survey.language.split("-")[0];
    return isSame ? getComputedStyle(page).direction : words.direction;
  }

  appear() {
    const { position = "corner", target, theme } = this.settings;
    const place = position === "inline" && document.querySelector(target);
    this.frame.classList.add(place ? "inline" : ["top", "bottom"].includes(position) ? position : "corner");
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const paint = () => this.frame.classList.toggle("dark", theme === "dark" || (theme !== "light" && dark.matches));
    dark.addEventListener("change", paint, this.leaving);
    paint();
    // Next to <body>, not in it: frameworks replace what is in it when the route changes.
    (place || document.documentElement).append(this.host);
    const { question } = this.survey;
    // A live region speaks only of what changes after it is there.
    setTimeout(() => (this.status.textContent = fill(words.appeared, { question })), 300);
    this.watch();
    addEventListener("online", () => this.deliverLast());
    addEventListener("pagehide", () => this.leave(), this.leaving);
    document.addEventListener("visibilitychange", () => document.hidden && this.hold(), this.leaving);
  }

  // Shown means at least half of it in view for a second.
  watch() {
    let timer;
    const observer = new IntersectionObserver(
      (entries) => {
        clearTimeout(timer);
        if (entries.at(-1).isIntersecting) timer = setTimeout(() => document.hidden || seen(), IN_VIEW);
      },
      { threshold: 0.5 },
    );
    const seen = () => {
      observer.disconnect();
      if (this.message) return;
      this.rest(this.survey.rest_days.ignored);
      this.post("shown");
      this.tell("shown");
      if (this.settings.setOn !== "display") return;
      if (String(this.settings.consent) === "true") this.remember("shown", this.survey.rest_days.ignored);
      else this.complain("no cookie is set on display without odzew('consent', true)");
    };
    this.leaving.signal.addEventListener("abort", () => {
      clearTimeout(timer);
      observer.disconnect();
    });
    observer.observe(this.frame.firstChild);
  }

  // --- Keys ---

  // Arrows move without choosing, so that nobody answers by looking around; native radio buttons would choose.
  move(event) {
    const ahead = getComputedStyle(this.frame).direction === "rtl" ? -1 : 1;
    const steps = { ArrowRight: ahead, ArrowLeft: -ahead, ArrowDown: 1, ArrowUp: -1, Home: -99, End: 99 };
    const last = this.radios.length - 1;
    const here = this.radios.indexOf(event.target);
    if (event.key === "Enter") {
      event.preventDefault();
      event.target.click();
    } else if (event.key in steps) {
      event.preventDefault();
      const there = here + steps[event.key];
      const isJump = Math.abs(steps[event.key]) > 1;
      this.focusOn(this.radios[isJump ? Math.max(0, Math.min(last, there)) : (there + last + 1) % (last + 1)]);
    }
  }

  focusOn(radio) {
    for (const each of this.radios) each.tabIndex = each === radio ? 0 : -1;
    radio.focus();
  }

  escape(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    if (this.message) this.finish();
    else this.end("decline", "declined");
  }

  // --- What the person does ---

  choose(score) {
    const isFirst = !this.message;
    const band = this.bandOf(score);
    this.say({ score });
    for (const radio of this.radios) radio.tabIndex = Number(radio.value) === score ? 0 : -1;
    if (band !== this.band) this.askWhy(band);
    this.status.textContent = fill(words.chosen, { score, question: this.survey.follow_up[band].question });
    if (isFirst) this.settle("answered");
    this.tell("answered", { score });
  }

  bandOf(score) {
    const { passive, promoter } = this.survey.bands;
    return score >= promoter ? "promoter" : score >= passive ? "passive" : "detractor";
  }

  askWhy(band) {
    this.band = band;
    const { question, placeholder, reasons } = this.survey.follow_up[band];
    this.comment ||= element("textarea", { rows: 3, maxlength: 10000, dir: "auto", "aria-labelledby": "why", "aria-describedby": "hint" });
    this.comment.placeholder = placeholder;
    this.permission ||= this.tick(words.contact);
    this.reasons = reasons.map((reason) => this.tick(reason));
    const choices = element("fieldset", { class: "reasons" }, element("legend", {}, words.reasons), ...this.reasons.map(labelOf));
    this.why.replaceChildren(
      element("p", { id: "why", class: "question" }, question),
      ...(reasons.length ? [choices] : []),
      this.comment,
      element("p", { id: "hint", class: "hint" }, words.hint),
      ...(this.isKnown ? [labelOf(this.permission)] : []),
    );
    if (!this.why.hidden) return;
    this.why.hidden = false;
    this.frame.classList.add("answered");
    this.actions.replaceChildren(this.button(words.send, "main"), this.button(words.close, "quiet", () => this.finish()));
  }

  tick(label) {
    const box = element("input", { type: "checkbox", value: label });
    element("label", { class: "tick" }, box, element("span", {}, label));
    return box;
  }

  secondStep() {
    return {
      comment: this.comment.value,
      reasons: this.reasons.filter(({ checked }) => checked).map(({ value }) => value),
      contact_permission: this.permission.checked,
    };
  }

  send(event) {
    event.preventDefault();
    if (!this.message || this.isDone) return;
    this.say(this.secondStep());
    this.isDone = true;
    const thanks = element("p", { class: "question", tabindex: -1 }, this.survey.thanks[this.band]);
    this.frame.classList.replace("answered", "done");
    this.showReceipt();
    this.actions.replaceChildren(this.button(words.close, "main", () => this.close()));
    this.form.replaceChildren(thanks, this.receipt, this.actions);
    thanks.focus();
  }

  // Closing says no to the second step; what was typed is not sent then.
  finish() {
    if (!this.isDone) this.say({ comment: "", reasons: [], contact_permission: false });
    this.isDone = true;
    this.close();
  }

  // Ends it without a score.
  end(path, outcome) {
    this.settle(outcome);
    this.post(path);
    this.tell(outcome);
    this.close();
  }

  close() {
    if (!this.host.isConnected) return;
    const hadFocus = this.root.activeElement;
    this.leaving.abort();
    this.host.remove();
    if (hadFocus && this.before?.isConnected) this.before.focus({ preventScroll: true });
    this.tell("closed");
    this.resolve();
  }

  // --- What the server and the device are told ---

  tell(event, detail) {
    this.emit(event, { survey: this.survey.id, metric: this.survey.metric, ...detail });
  }

  settle(outcome) {
    const days = this.survey.rest_days[outcome];
    this.rest(days);
    this.remember(outcome, days);
  }

  // The cookie says which survey, in which month and how it ended; it does not say who.
  remember(outcome, days) {
    if (this.isTest) return;
    const value = [this.survey.id, new Date().toISOString().slice(0, 7), outcome].join(".");
    const age = Math.min(days, LONGEST_COOKIE) * 86400;
    document.cookie = "odzew_" + this.survey.id + "=" + value + "; Max-Age=" + age + "; Path=/; SameSite=Lax; Secure";
  }

  post(what) {
    const message = { path: this.token + "/" + what, at: Date.now(), body: {} };
    if (what !== "shown") put(this.unsent, message);
    deliver(this.home, this.unsent, message).catch(() => {});
  }

  // Keep what the person said so far, to be delivered with the next message.
  note(parts) {
    const { at = Date.now(), body = { submission_id: uuid(), seq: -1 } } = this.message || {};
    this.message = { path: this.token + "/response", at, body: { ...body, ...parts, seq: body.seq + 1 } };
    put(this.unsent, this.message);
  }

  say(parts) {
    this.note(parts);
    this.deliverLast();
  }

  async deliverLast() {
    const { message } = this;
    if (!message || message === this.delivered) return;
    try {
      const answer = await deliver(this.home, this.unsent, message);
      this.delivered = message;
      this.code ||= answer?.receipt;
    } catch {
      this.isWaiting = true;
    }
    this.showReceipt();
  }

  // What was typed or ticked and not sent survives the page: here on the device, and by a last message to the server.
  hold() {
    if (!this.message || this.isDone) return;
    const { comment = "", reasons = [], contact_permission = false } = this.message.body;
    const parts = this.secondStep();
    if (JSON.stringify(parts) !== JSON.stringify({ comment, reasons, contact_permission })) this.note(parts);
  }

  leave() {
    this.hold();
    if (!this.message || this.message === this.delivered) return;
    navigator.sendBeacon(addressOf(this.home, this.message), textOf(this.message, isLate(this.message)));
  }

  // The code proves later who gave the answer; the server tells it once.
  showReceipt() {
    const isWaiting = this.isWaiting && this.message !== this.delivered;
    this.receipt.hidden = !(this.code || (isWaiting && this.isDone));
    if (isWaiting) this.receipt.replaceChildren(element("p", { class: "hint" }, words.unsent));
    else if (this.code) this.receipt.replaceChildren(this.buildReceipt());
  }

  buildReceipt() {
    const code = element("code", { translate: "no" }, this.code);
    const copied = element("p", { role: "status", class: "hint" });
    const copy = this.button(words.copy, "second", () =>
      navigator.clipboard.writeText(this.code).then(
        () => (copied.textContent = words.copied),
        () => getSelection().selectAllChildren(code),
      ),
    );
    copy.hidden = !navigator.clipboard;
    return element(
      "details",
      { open: Boolean(this.isDone) },
      element("summary", {}, words.receipt),
      element("p", { class: "code" }, code, copy),
      copied,
      element("p", { class: "hint" }, words.keep),
    );
  }
}

const labelOf = (input) => input.parentElement;

export function ask(asked) {
  return new Survey(asked);
}
