// The script of the sample shop. It stands before the widget's, as everything that a host page wants to say first.
(() => {
  "use strict";

  const page = document.documentElement;
  const { run, consent, product, plan, event } = page.dataset;
  const ahead = Number(page.dataset.ahead) * 1000;

  // --- The moved clock, for this page and the widget in it ------------------------------------------------------------

  const RealDate = Date;
  if (ahead) {
    window.Date = class extends RealDate {
      constructor(...given) {
        super(...(given.length ? given : [RealDate.now() + ahead]));
      }
      static now() {
        return RealDate.now() + ahead;
      }
    };
  }

  // A browser lets cookies end by its own clock, so this remembers when they end by the shop's.
  const ENDS = "shop:cookies";
  const cookies = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  const read = (key, otherwise) => {
    try {
      return JSON.parse(localStorage.getItem(key)) || otherwise;
    } catch {
      return otherwise;
    }
  };
  const remove = (name) => cookies.set.call(document, name + "=; Max-Age=0; Path=/; Secure");
  Object.defineProperty(document, "cookie", {
    configurable: true,
    get: () => cookies.get.call(document),
    set(text) {
      const [, name, seconds] = /^\s*(odzew_\w+)=.*;\s*max-age=(\d+)/i.exec(text) || [];
      if (name) localStorage.setItem(ENDS, JSON.stringify({ ...read(ENDS, {}), [name]: Date.now() + seconds * 1000 }));
      cookies.set.call(document, text);
    },
  });
  const ends = Object.entries(read(ENDS, {}));
  for (const [name, end] of ends) if (end <= Date.now()) remove(name);
  localStorage.setItem(ENDS, JSON.stringify(Object.fromEntries(ends.filter(([, end]) => end > Date.now()))));

  // After "start over" nothing in this browser may remember anybody.
  if (localStorage.getItem("shop:run") !== run) {
    for (const name of Object.keys(localStorage)) if (/^(odzew|shop):/.test(name)) localStorage.removeItem(name);
    for (const [, name] of document.cookie.matchAll(/(odzew_\w+)=/g)) remove(name);
    localStorage.setItem("shop:run", run);
  }

  // --- The widget, as the README says -----------------------------------------------------------------------------------

  window.odzew = window.odzew || function () { (odzew.q = odzew.q || []).push(arguments); };
  if (plan) window.odzewSettings = { user: { properties: { plan } } };
  odzew("consent", consent === "true");
  if (event) odzew("track", event);

  // A change of view without loading a page.
  const show = (view) => {
    for (const part of document.querySelectorAll("[data-shows]")) part.hidden = part.dataset.shows !== view;
    for (const link of document.querySelectorAll("[data-view]")) {
      if (link.dataset.view === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    watch();
  };
  for (const link of document.querySelectorAll("[data-view]")) {
    link.addEventListener("click", (press) => {
      if (press.ctrlKey || press.metaKey || press.shiftKey) return;
      press.preventDefault();
      history.pushState({}, "", link.href);
      show(link.dataset.view);
    });
  }
  addEventListener("popstate", () => show(location.pathname.includes("/details/") ? "details" : "orders"));

  // --- What Odzew answered ----------------------------------------------------------------------------------------------

  const log = document.getElementById("log");
  const words = log.dataset;
  // In the shop's time, wherever the visitor is: it is read beside the shop's clock.
  const format = { dateStyle: "medium", timeStyle: "short", timeZone: "Europe/Warsaw" };
  const inWords = (time) => new Date(time).toLocaleString(page.lang, format);
  const note = (...parts) => {
    const line = document.createElement("p");
    line.append(...parts);
    log.prepend(line);
    document.getElementById("log-empty").hidden = true;
  };
  const code = (text) => Object.assign(document.createElement("code"), { textContent: text });

  let hasAnswered;
  odzew("on", "checked", ({ code: name, why, next_check_at }) => {
    hasAnswered = true;
    const next = words.next.replace("{time}", inWords(next_check_at));
    note(code(name), " ", why || "", next_check_at && name !== "eligible" ? ` – ${next}` : "");
  });
  for (const name of ["shown", "answered", "declined", "snoozed", "closed"]) {
    odzew("on", name, ({ score }) => note(words[name].replace("{score}", score)));
  }
  // The widget is silent where it knows that there is nothing to ask; what it knows is in the browser's storage, by a
  // checksum of who is logged in and what happened.
  const checksum = (text) => {
    let sum = 2166136261;
    for (const character of text) sum = Math.imul(sum ^ character.codePointAt(0), 16777619);
    return (sum >>> 0).toString(36);
  };
  const explainSilence = () => {
    if (hasAnswered || document.querySelector("odzew-survey")) return;
    const { who = "", anonymous_id, rest, pause, rested, checks = {} } = read("odzew:" + product, {});
    const isSame = rested === who || rested === checksum("" + anonymous_id);
    const times = [isSame ? pause : rest, checks[checksum(who + " ")]].filter((time) => time > Date.now());
    note(times.length ? words.quiet.replace("{time}", inWords(Math.max(...times))) : words.silent);
  };
  let timer;
  const watch = () => {
    hasAnswered = false;
    clearTimeout(timer);
    timer = setTimeout(explainSilence, 2500);
  };
  addEventListener("load", watch);
})();
