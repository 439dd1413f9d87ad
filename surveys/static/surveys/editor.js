// The survey's page in the admin: keeps the preview in step with the form, and copies the share link.
(() => {
  "use strict";

  const copyAddress = (button) => {
    const address = button.parentElement.querySelector("input");
    address.select();
    navigator.clipboard?.writeText(address.value).then(() => {
      button.textContent = button.dataset.copied;
    });
  };

  const startPreview = (panel) => {
    const frame = panel.querySelector("iframe");
    const controls = Object.fromEntries(
      [...panel.querySelectorAll("[data-preview-control]")].map((control) => [control.dataset.previewControl, control]),
    );
    let language = "";

    // Every text of one language that is in the form, as [band, field, text].
    const textsOf = () =>
      [...document.querySelectorAll(`[data-words-language="${language}"] [data-words-band]`)].flatMap((part) =>
        [...part.querySelectorAll("input[type=text], textarea")].map((input) => [
          part.dataset.wordsBand,
          input.name.split("-").pop(),
          input.value,
        ]),
      );

    const update = () => {
      const { step, band, theme } = controls;
      frame.contentWindow.postMessage(
        { to: "survey-preview", texts: textsOf(), theme: theme.value, step: step.value, band: band.value },
        window.location.origin,
      );
    };

    const speak = (code) => {
      if (code === language) return;
      language = code;
      frame.src = `${panel.dataset.preview}?language=${encodeURIComponent(code)}`;
    };

    window.addEventListener("message", (event) => {
      if (event.source !== frame.contentWindow || event.origin !== window.location.origin) return;
      const { from, ready, height, step, band } = event.data;
      if (from !== "survey-preview") return;
      if (ready) {
        update();
        return;
      }
      frame.style.height = `${height}px`;
      controls.step.value = step;
      controls.band.value = band;
    });

    panel.addEventListener("change", () => {
      panel.classList.toggle("narrow", controls.width.value === "narrow");
      update();
    });

    // The text one is working on is the text to look at.
    document.addEventListener("focusin", (event) => {
      const part = event.target.closest("[data-words-band]");
      if (!part || !event.target.name) return;
      if (part.dataset.wordsBand) {
        controls.band.value = part.dataset.wordsBand;
        controls.step.value = event.target.name.endsWith("-thanks") ? "thanks" : "follow_up";
      } else {
        controls.step.value = "score";
      }
      update();
    });
    document.addEventListener("input", (event) => {
      if (event.target.closest("[data-words-band]")) update();
    });

    // The tab of a language says which one to preview.
    const followTab = () => {
      const [, code] = window.location.hash.match(/^#wording-([\w-]+)$/) ?? [];
      speak(code ?? (language || panel.dataset.language));
    };
    window.addEventListener("hashchange", followTab);
    controls.theme.value = document.documentElement.classList.contains("dark") ? "dark" : "light";
    followTab();
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-preview]").forEach(startPreview);
    document.querySelectorAll("[data-copied]").forEach((button) => {
      button.addEventListener("click", () => copyAddress(button));
    });
  });
})();
