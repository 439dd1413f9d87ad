const words = {"region": "Your feedback", "appeared": "One short question, in the region “Your feedback”: {question}", "later": "Ask me later", "chosen": "Score {score} chosen. {question}", "reasons": "Tick what applies", "hint": "Please leave out passwords and what is private about other people.", "contact": "You may contact me about this answer", "send": "Send", "close": "Close", "unsent": "Your answer is kept on this device and will be sent as soon as there is a connection.", "receipt": "Your receipt code", "keep": "Keep it if you may want to see, correct or delete this answer one day: it proves that the answer is yours. It is shown only now.", "copy": "Copy", "copied": "The code was copied.", "privacy": "What happens with your data", "direction": "ltr"};
const styles = ":host{all: initial !important;display: contents !important}*,::before{box-sizing: border-box}[hidden]{display: none !important}.frame{--card: #fff;--sunken: #f5f6fb;--ink: #1b1d35;--muted: #565a78;--line: #d5d8e8;--edge: #7b80a3;--accent: var(--odzew-accent,#3a3f8f);--on-accent: var(--odzew-on-accent,#fff);--tint: #e6e8fa;--echo: #b9501f;--shadow: 0 1px 2px rgb(27 29 53 / 10%),0 16px 40px -12px rgb(27 29 53 / 32%);color-scheme: light;position: fixed;z-index: 2147483647;inset-inline: 0;inset-block-end: 0;display: flex;justify-content: center;padding: 1em calc(1em + env(safe-area-inset-right)) calc(1em + env(safe-area-inset-bottom)) calc(1em + env(safe-area-inset-left));pointer-events: none;font: 400 1em/1.45 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"Liberation Sans\",sans-serif;color: var(--ink);text-align: start;-webkit-text-size-adjust: 100%}.dark{--card: #1b1d2e;--sunken: #232539;--ink: #eceef8;--muted: #adb1cc;--line: #353853;--edge: #7d82a8;--accent: var(--odzew-accent-dark,#aab0ff);--on-accent: var(--odzew-on-accent-dark,#14162b);--tint: #2b2e4d;--echo: #ffb08a;--shadow: 0 1px 2px rgb(0 0 0 / 50%),0 16px 40px -12px rgb(0 0 0 / 70%);color-scheme: dark}.top{inset-block: 0 auto}.corner{justify-content: flex-end}.inline{position: static;padding: 0}.card{position: relative;inline-size: min(27em,100%);max-block-size: calc(100vh - 2em);max-block-size: calc(100dvh - 2em);overflow: hidden auto;overscroll-behavior: contain;pointer-events: auto;background: var(--card);border: 1px solid var(--line);border-radius: 1.1em;box-shadow: var(--shadow);overflow-wrap: break-word;container-type: inline-size}.top > .card,.bottom > .card,.inline > .card{inline-size: min(44em,100%)}.inline > .card{max-block-size: none;box-shadow: none}.inside{position: relative;padding: 1.25em}.inside::before{content: \"\";position: absolute;inset-block-start: 0;inset-inline-end: 0;inline-size: 9em;block-size: 9em;opacity: 0.13;background: repeating-radial-gradient(circle at 100% 0,transparent 0 1.4em,var(--accent) 1.4em 1.48em);mask-image: radial-gradient(circle at 100% 0,#000 1em,transparent 8em);pointer-events: none}[dir=\"rtl\"] .inside::before{transform: scaleX(-1)}.inside > *{position: relative}p,h2,fieldset,form{margin: 0;padding: 0;border: 0;min-inline-size: 0}legend,.question{padding: 0;padding-inline-end: 1.5em;font-size: 1.1em;font-weight: 650;line-height: 1.3;letter-spacing: -0.01em;text-wrap: pretty}[tabindex=\"-1\"]:focus{outline: none}:focus-visible,.score :focus-visible + .number{outline: 3px solid var(--echo) !important;outline-offset: 2px;border-radius: 0.4em}.unseen{position: absolute !important;inline-size: 1px;block-size: 1px;overflow: hidden;clip-path: inset(50%);white-space: nowrap}.scale{display: grid;grid-template-columns: repeat(6,minmax(0,1fr));gap: 0.25em;margin-block-start: 0.9em}.of-5{grid-template-columns: repeat(5,minmax(0,1fr))}.of-7{grid-template-columns: repeat(7,minmax(0,1fr))}.score{position: relative;display: block}.score input{position: absolute;inset: 0;z-index: 1;inline-size: 100%;block-size: 100%;margin: 0;opacity: 0;cursor: pointer}.number{display: grid;place-items: center;min-block-size: 2.75em;border: 1px solid var(--edge);border-radius: 0.6em;background: var(--sunken);font-weight: 600;font-variant-numeric: tabular-nums}.score input:checked + .number{border-color: var(--accent);background: var(--accent);color: var(--on-accent);font-weight: 800;box-shadow: 0 0 0 2px var(--card),0 0 0 3px var(--accent)}.score :focus-visible + .number{outline-offset: 3px;border-radius: 0.6em}.score:has(:checked){z-index: 1}.score:has(:focus-visible){z-index: 2}.answered > .card > .inside > form > fieldset > legend{font-size: 0.95em}.ends{display: flex;justify-content: space-between;gap: 1em;margin-block-start: 0.5em;color: var(--muted);font-size: 0.85em;line-height: 1.3}.ends > span{max-inline-size: 48%}.ends > :last-child{text-align: end}.ends b{color: var(--ink)}@container (min-width: 24em){.of-11{grid-template-columns: repeat(11,minmax(0,1fr))}}@container (max-width: 20em){.inside{padding: 1em}.ends{flex-direction: column;gap: 0.1em}.ends > span{max-inline-size: none;text-align: start !important}.answered .ends{display: none}textarea{min-block-size: 3.6em}}.why{display: grid;gap: 0.55em;margin-block-start: 1em;padding-block-start: 0.9em;border-block-start: 1px solid var(--line)}.why .question{font-size: 1em;padding: 0}.reasons legend{float: inline-start;inline-size: 100%;padding-block-end: 0.3em;font-size: 0.85em;font-weight: 400;letter-spacing: 0;color: var(--muted)}.reasons{display: flex;flex-wrap: wrap;gap: 0.4em}.tick{display: flex;align-items: center;gap: 0.55em;min-block-size: 1.75em;cursor: pointer}.reasons .tick{min-block-size: 2.25em;padding: 0.2em 0.8em 0.2em 0.6em;border: 1px solid var(--edge);border-radius: 0.6em;background: var(--sunken)}[dir=\"rtl\"] .reasons .tick{padding: 0.2em 0.6em 0.2em 0.8em}.reasons .tick:has(:checked){border-color: var(--accent);background: var(--tint)}.tick input{flex: none;inline-size: 1.15em;block-size: 1.15em;margin: 0;accent-color: var(--accent)}textarea{inline-size: 100%;min-block-size: 4.8em;padding: 0.6em 0.75em;border: 1px solid var(--edge);border-radius: 0.6em;background: var(--sunken);color: inherit;font: inherit;resize: vertical}::placeholder{color: var(--muted);opacity: 1}.hint,.foot{color: var(--muted);font-size: 0.85em}.actions{display: flex;flex-wrap: wrap;align-items: center;gap: 0.25em 0.5em;margin-block-start: 0.9em}button{min-block-size: 2.75em;padding: 0.4em 1.25em;border: 2px solid var(--accent);border-radius: 0.6em;background: var(--accent);color: var(--on-accent);font: inherit;font-weight: 650;cursor: pointer}.quiet,.second{background: none;color: var(--accent)}.quiet{padding-inline: 0.6em;border-color: transparent;color: var(--muted);font-weight: 500;text-decoration: underline;text-decoration-color: var(--edge);text-underline-offset: 0.25em}.quiet:first-child{margin-inline-start: calc(-0.6em - 2px)}.second{min-block-size: 2.25em;padding: 0.1em 0.9em;font-size: 0.9em}a{display: inline-block;padding-block: 0.3em;color: inherit;text-underline-offset: 0.2em}.foot{margin-block-start: 0.3em}.receipt{margin-block-start: 0.4em}.done .receipt{margin-block-start: 0.9em}summary{padding-block: 0.25em;color: var(--muted);font-size: 0.85em;cursor: pointer}details > :not(summary){margin-block-start: 0.4em}.done details{padding: 0.6em 0.9em 0.8em;border: 1px dashed var(--edge);border-radius: 0.6em;background: var(--sunken)}.code{display: flex;flex-wrap: wrap;align-items: center;gap: 0.5em 0.9em}code{font: 700 1.05em ui-monospace,\"Cascadia Mono\",Menlo,Consolas,\"DejaVu Sans Mono\",monospace;user-select: all}@media (hover: hover){.score input:hover:not(:checked) + .number{border-color: var(--accent);background: var(--tint)}button:hover{filter: brightness(0.92)}.quiet:hover,a:hover{color: var(--ink)}}@media (prefers-reduced-motion: no-preference){.card{animation: arrive 0.35s ease-out}.number{transition: background-color 0.12s,border-color 0.12s}@keyframes arrive{from{opacity: 0;transform: translateY(0.75em)}}}@media (max-width: 30em){.frame:not(.inline){padding-inline: 0;padding-block: 0}.frame:not(.inline) > .card{max-block-size: 100vh;max-block-size: 100dvh;border-inline: 0;border-radius: 1.1em 1.1em 0 0;padding-block-end: env(safe-area-inset-bottom)}.top > .card{border-radius: 0 0 1.1em 1.1em !important}}@media print{.frame{display: none}}@media (forced-colors: active){.score input:checked + .number{forced-color-adjust: none;background: Highlight;color: HighlightText}}";
const LATE = 60e3;
const TOO_LATE = 30 * 864e5;
function uuid() {
const bytes = crypto.getRandomValues(new Uint8Array(16));
bytes[6] = (bytes[6] & 15) | 64;
bytes[8] = (bytes[8] & 63) | 128;
const hex = Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join("");
return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
function unsentMessages(key) {
try {
return JSON.parse(localStorage.getItem(key)) || [];
} catch {
return [];
}
}
function keep(key, messages) {
try {
if (messages.length) localStorage.setItem(key, JSON.stringify(messages));
else localStorage.removeItem(key);
} catch {
}
}
function put(key, message) {
keep(key, [...unsentMessages(key).filter(({ path }) => path !== message.path), message]);
}
function forget(key, message) {
const isDone = ({ path, body }) => path === message.path && !(body.seq > message.body.seq);
keep(key, unsentMessages(key).filter((each) => !isDone(each)));
}
const addressOf = (home, message) => home + "api/v1/invitations/" + message.path;
const isLate = ({ at }) => Date.now() - at > LATE;
function textOf({ at, body }, saysWhen) {
return JSON.stringify(saysWhen ? { ...body, answered_at: new Date(at).toISOString() } : body);
}
async function deliver(home, key, message, saysWhen = isLate(message)) {
const response = await fetch(addressOf(home, message), {
method: "POST",
body: textOf(message, saysWhen),
credentials: "omit",
redirect: "error",
keepalive: true,
});
if (response.status === 400 && saysWhen) return deliver(home, key, message, false);
if (response.status === 429 || response.status >= 500) throw response.status;
const answer = response.ok && response.status !== 204 ? await response.json() : null;
forget(key, message);
return answer;
}
export async function deliverAll(home, key) {
addEventListener("online", () => deliverAll(home, key).catch(() => {}), { once: true });
let failed;
for (const message of unsentMessages(key)) {
if (Date.now() - message.at > TOO_LATE) forget(key, message);
else await deliver(home, key, message).catch((problem) => (failed = problem));
}
if (failed) throw failed;
}
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
(place || document.documentElement).append(this.host);
const { question } = this.survey;
setTimeout(() => (this.status.textContent = fill(words.appeared, { question })), 300);
this.watch();
addEventListener("online", () => this.deliverLast());
addEventListener("pagehide", () => this.leave(), this.leaving);
document.addEventListener("visibilitychange", () => document.hidden && this.hold(), this.leaving);
}
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
finish() {
if (!this.isDone) this.say({ comment: "", reasons: [], contact_permission: false });
this.isDone = true;
this.close();
}
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
tell(event, detail) {
this.emit(event, { survey: this.survey.id, metric: this.survey.metric, ...detail });
}
settle(outcome) {
const days = this.survey.rest_days[outcome];
this.rest(days);
this.remember(outcome, days);
}
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
