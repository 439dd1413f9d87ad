// Inside the preview's frame: shows one step, and what the form beside it says. Text arrives by message from the page
// that frames this one, and becomes text only: never markup, never an address.
(() => {
  "use strict";

  const root = document.documentElement;
  const steps = [...document.querySelectorAll("[data-step]")];
  const scores = [...document.querySelectorAll("input[name=score]")];
  const bands = document.body.dataset.bands.split(" ");
  const now = { step: "score", band: "promoter" };

  // Dark mode is a media query of the public style sheet; the choice made beside the preview stands in for it.
  const darkRules = [...document.styleSheets].flatMap((sheet) =>
    [...sheet.cssRules].filter((rule) => rule.media && rule.media.mediaText.includes("prefers-color-scheme")),
  );
  const colour = (theme) => {
    root.style.colorScheme = theme;
    for (const rule of darkRules) rule.media.mediaText = theme === "dark" ? "all" : "not all";
  };

  const tell = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    window.parent.postMessage({ from: "survey-preview", height, ...now }, window.location.origin);
  };

  const chosen = () => {
    const picked = scores.findIndex((score) => score.checked && bands[scores.indexOf(score)] === now.band);
    return picked === -1 ? bands.lastIndexOf(now.band) : picked;
  };

  const show = ({ step, band }) => {
    Object.assign(now, { step, band });
    for (const part of steps) {
      part.hidden = part.dataset.step !== step || (part.dataset.band ?? band) !== band;
    }
    const score = scores[chosen()].value;
    for (const mark of document.querySelectorAll(".given-score")) mark.textContent = score;
    for (const line of document.querySelectorAll("[data-saved]")) {
      line.textContent = line.dataset.saved.replace("{score}", score);
    }
  };

  const write = (elements, text) => {
    for (const element of elements) element.textContent = text;
  };

  const listReasons = (list, reasons) => {
    list.replaceChildren(
      ...reasons.map((reason) => {
        const label = document.createElement("label");
        const box = document.createElement("input");
        const text = document.createElement("span");
        label.className = "choice";
        box.type = "checkbox";
        text.textContent = reason;
        label.append(box, " ", text);
        return label;
      }),
    );
    list.closest("fieldset").hidden = reasons.length === 0;
  };

  const say = (band, field, text) => {
    const parts = band ? steps.filter((part) => part.dataset.band === band) : steps.filter((part) => !part.dataset.band);
    const find = (selector) => parts.flatMap((part) => [...part.querySelectorAll(selector)]);
    if (field === "low_label" || field === "high_label") write(find(`.${field.replace("_", "-")}`), text);
    else if (field === "placeholder") for (const area of find("[data-placeholder]")) area.placeholder = text;
    else if (field === "reasons") {
      const lines = [...new Set(text.split("\n").map((line) => line.trim()).filter(Boolean))];
      for (const list of find("[data-reasons]")) listReasons(list, lines);
    } else write(find("[data-text]").filter((element) => element.dataset.text === field), text);
  };

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== window.location.origin) return;
    const { to, texts, theme, step, band } = event.data;
    if (to !== "survey-preview") return;
    for (const [ofBand, field, text] of texts) say(ofBand, field, text);
    colour(theme);
    show({ step, band });
    tell();
  });

  const send = document.querySelector("[data-label-with-score]");
  document.addEventListener("change", (event) => {
    const index = scores.indexOf(event.target);
    if (index === -1) return;
    now.band = bands[index];
    send.textContent = send.dataset.labelWithScore.replace("{score}", event.target.value);
    tell();
  });
  document.addEventListener("submit", (event) => {
    event.preventDefault();
    show({ step: now.step === "score" ? "follow_up" : "thanks", band: now.band });
    tell();
  });

  new ResizeObserver(tell).observe(document.body);
  window.parent.postMessage({ from: "survey-preview", ready: true }, window.location.origin);
})();
