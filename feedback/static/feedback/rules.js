// The preview of a rule: what the form says now is looked for while one edits. Without this script the button opens it.
(() => {
  "use strict";

  const PAUSE = 600; // milliseconds after the last change

  document.addEventListener("DOMContentLoaded", () => {
    const panel = document.querySelector("[data-rule-preview]");
    const form = panel?.closest("form");
    if (!form) return;
    const result = panel.querySelector("[data-rule-result]");
    let timer = 0;
    let running = null;

    const look = async () => {
      clearTimeout(timer);
      running?.abort();
      const mine = new AbortController();
      running = mine;
      result.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(panel.dataset.rulePreview, {
          method: "POST",
          body: new FormData(form),
          signal: mine.signal,
        });
        if (!answer.ok) throw new Error(String(answer.status));
        result.innerHTML = await answer.text();
      } catch (error) {
        if (error.name === "AbortError") return;
        result.textContent = panel.dataset.failed;
      }
      result.removeAttribute("aria-busy");
    };
    const lookSoon = () => {
      clearTimeout(timer);
      timer = setTimeout(look, PAUSE);
    };

    panel.querySelector("button").addEventListener("click", (event) => {
      event.preventDefault();
      look();
    });
    form.addEventListener("input", lookSoon);
    form.addEventListener("change", lookSoon);
    look();
  });
})();
