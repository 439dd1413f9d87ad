(() => {
"use strict";
const MINUTE = 60e3;
const DAY = 1440 * MINUTE;
const PATIENCE = 5e3;
const LONGEST = 390 * DAY; // as the inventory of personal data says
const script = document.currentScript || document.querySelector('script[src*="/widget/v1.js"]');
if (!script) return;
const home = new URL("..", script.src).href;
const given = window.odzewSettings || {};
const product = script.dataset.product || given.product;
const settings = { ...given, ...given[product], ...script.dataset };
const asksByItself = settings.auto !== "off";
const listeners = [];
let isStopped = false;
let shown;
let complained;
const complain = (problem) => {
if (!complained) console.debug("odzew:", String(problem));
complained = true;
};
const safely = (work) => {
try {
work();
} catch (problem) {
complain(problem);
}
};
const key = "odzew:" + product;
let memory = {};
let isForgetful = false;
const read = () => {
try {
return (!isForgetful && JSON.parse(localStorage.getItem(key))) || memory;
} catch {
return memory;
}
};
const write = (changes) => {
memory = { ...read(), ...changes };
try {
localStorage.setItem(key, JSON.stringify(memory));
} catch {
isForgetful = true;
}
return !isForgetful;
};
const hash = (text) => {
let sum = 2166136261;
for (const character of text) sum = Math.imul(sum ^ character.codePointAt(0), 16777619);
return (sum >>> 0).toString(36);
};
const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte + 256).toString(16).slice(1)).join("");
const isAhead = (time) => time > Date.now() && time < Date.now() + LONGEST + DAY;
const soonest = (time, otherwise) => Math.min(time > Date.now() ? time : Date.now() + otherwise, Date.now() + LONGEST);
let user = { ...settings.user };
let identity = settings.identity;
for (const [name, value] of Object.entries(script.dataset)) {
const field = /^user([A-Z].*)/.exec(name);
if (field && value) user[field[1].replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase()).slice(1)] = value;
}
const signed = () => {
try {
const { id, email, phone } = JSON.parse(atob(identity.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
return id || email || phone;
} catch {
return identity;
}
};
const recognise = () => {
const known = user.id || user.email || user.phone || signed();
const who = known ? hash(String(known)) : "";
const before = read().who;
if (before && before !== who) write({ anonymous_id: undefined });
if (who !== (before || "")) write({ who, pause: 0 });
return who;
};
const inTime = (promise) =>
Promise.race([promise, new Promise((_, fail) => setTimeout(() => fail("no answer in time"), PATIENCE))]);
const isEntrance = () =>
history.length < 3 &&
!document.referrer.startsWith(location.origin) &&
performance.getEntriesByType("navigation")[0]?.type === "navigate";
const inView = () =>
document.visibilityState === "visible" ||
new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
const survey = (language) => inTime(import(home + "widget/survey-9e8faeda62fa." + encodeURIComponent(language) + ".js"));
const emit = (event, detail) => {
for (const [name, listener] of listeners) if (name === event) safely(() => listener({ product, ...detail }));
};
const question = (event, anonymous_id) => {
const isTouch = matchMedia("(pointer: coarse)").matches;
const isSmall = Math.min(screen.width, screen.height) < 600;
return {
user: { ...user, id: user.id && String(user.id) },
identity,
anonymous_id,
context: {
channel: "web",
url: location.href.split("#")[0].slice(0, 2000),
event: event || undefined,
language: settings.language || document.documentElement.lang || navigator.language,
device: isTouch ? (isSmall ? "phone" : "tablet") : "desktop",
},
test_key: settings.testKey,
force: settings.testKey && true,
};
};
const attempt = async (event) => {
await inView();
const who = recognise();
const { rest, pause, rested, checks = {}, ...known } = read();
const isKept = known.anonymous_id && Date.now() - known.since < LONGEST;
const { anonymous_id, since } = isKept ? known : { anonymous_id: who ? undefined : random(), since: Date.now() };
const check = hash(who + " " + event);
const visitor = hash("" + anonymous_id);
const quiet = rested === who || rested === visitor ? pause : rest;
const isOver = api.asked && !(rested === visitor && pause === 0);
if (isStopped || isOver || (!settings.testKey && (isAhead(quiet) || isAhead(checks[check])))) return;
const checkAgain = (time) =>
write({ checks: { ...Object.fromEntries(Object.entries(checks).filter((entry) => isAhead(entry[1]))), [check]: time } });
if (!write({ anonymous_id, since }) && !who && !settings.testKey && !isEntrance()) return;
checkAgain(Date.now() + 10 * MINUTE);
const response = await inTime(
fetch(home + "api/v1/products/" + encodeURIComponent(product) + "/eligibility", {
method: "POST",
body: JSON.stringify(question(event, anonymous_id)),
credentials: "omit",
redirect: "error",
signal: AbortSignal.timeout(PATIENCE),
}),
);
const answer = JSON.parse((await inTime(response.text())).slice(0, 1e5));
if (!response.ok) throw answer.code;
const { code, eligible, why, next_check_at } = answer;
emit("checked", { code, eligible, why, next_check_at });
const moment = answer.code === "url_blocked" ? MINUTE : 30 * MINUTE;
checkAgain(soonest(answer.eligible ? 0 : Date.parse(answer.next_check_at), moment));
if (answer.eligible && !isStopped && !api.asked) await show(answer, who, who || visitor);
};
const show = async (answer, who, rested) => {
const { id, language } = answer.survey;
const isTest = Boolean(settings.testKey);
const after = (days) => Date.now() + days * DAY;
const rest = (days, longest = 1) =>
isTest || write({ rest: after(Math.min(days, 7)), pause: after(Math.min(days, longest)), rested });
if (!isTest && ("; " + document.cookie).includes("; odzew_" + id + "=")) return rest(7, 7);
write({ language });
api.asked = true;
const askedAt = Date.now();
const { ask } = await survey(language);
if (isStopped || Date.now() - askedAt > 20 * MINUTE) return;
shown = ask({ home, answer, settings, isTest, isKnown: Boolean(who), unsent: key + ":unsent", rest, emit, complain });
await shown.closed;
};
let api = window.odzew;
if (!api?.products) {
const calls = api?.q || [];
api = window.odzew = (...call) => {
if (calls.length < 100) calls.push(call);
for (const run of Object.values(api.products)) run(call);
};
Object.assign(api, { calls, products: {}, turn: Promise.resolve() });
}
if (!product || api.products[product]) return;
const ask = (event = "") => {
api.turn = api.turn.then(() => attempt(String(event))).catch(complain);
};
const commands = {
identify(person) {
user = { ...person };
identity = user.identity;
delete user.identity;
recognise();
if (asksByItself && document.readyState === "complete") ask();
},
track: ask,
ask: () => ask(),
stop() {
isStopped = true;
shown?.leave();
shown?.close();
},
consent(given) {
settings.consent = given;
if (String(given) === "true") return;
for (const [, name] of document.cookie.matchAll(/(odzew_\d+)=[^;]*\.shown/g)) document.cookie = name + "=; Max-Age=0; Path=/";
},
on: (event, listener) => listeners.push([event, listener]),
};
const run = ([name, ...values]) => {
const [command, only = product] = String(name).split(":").reverse();
if (only === product) safely(() => commands[command](...values));
};
api.products[product] = run;
for (const call of api.calls) safely(() => run([...call]));
const begin = () => {
if (asksByItself) {
ask();
let here = location.href;
if (window.navigation?.currentEntry) navigation.addEventListener("navigatesuccess", () => ask());
else setInterval(() => here !== (here = location.href) && ask(), 1e3);
}
const { language } = read();
if (language && localStorage.getItem(key + ":unsent")) {
survey(language).then(({ deliverAll }) => deliverAll(home, key + ":unsent")).catch(complain);
}
};
if (document.readyState === "complete") safely(begin);
else addEventListener("load", () => setTimeout(() => safely(begin)), { once: true });
})();
