// The pages work without this: it says whether somebody touched, clicked or typed, names the chosen score on the button,
// counts the last characters, copies the code, and tells an app around an embedded page how it went.
(() => {
  "use strict";

  // Programs that look through mail run this page, too, and send its form. What the browser itself reports as input, a
  // page's script cannot make up. A label that a script clicks passes on a click that looks real: it does not count.
  const evidence = document.querySelector("[data-evidence]");
  if (evidence) {
    const loaded = performance.now();
    const kinds = { pointerdown: "pointer", touchstart: "touch", keydown: "key", click: "click" };
    let byScript = false;
    evidence.value = "none";
    for (const [name, kind] of Object.entries(kinds)) {
      const look = (event) => {
        if (!event.isTrusted) {
          byScript = true;
          setTimeout(() => { byScript = false; });
        } else if (!byScript && evidence.value === "none") {
          evidence.value = `${kind}:${Math.max(0, Math.round(event.timeStamp - loaded))}`;
        }
      };
      addEventListener(name, look, { capture: true, passive: true });
    }
  }

  const scores = document.querySelector("[data-score-form]");
  if (scores) {
    const button = scores.querySelector("[data-label-with-score]");
    const name = () => {
      const chosen = scores.querySelector("input[name=score]:checked");
      if (chosen) button.textContent = button.dataset.labelWithScore.replace("{score}", chosen.value);
    };
    scores.addEventListener("change", name);
    // Going back, the browser restores the choice after this script has run.
    window.addEventListener("pageshow", name);
    name();

    // The product wants the score of the link sent at the first sign of a person; never by itself, and not where that
    // sign is another choice.
    if ("assisted" in scores.dataset) {
      document.querySelector("[data-assisted-hint]").hidden = false;
      const ready = performance.now() + 1000;
      const signs = ["pointerdown", "keydown", "touchstart"];
      const send = (event) => {
        if (!event.isTrusted || event.timeStamp < ready) return;
        const chosenOtherwise = event.target.closest?.("a, button, label, input");
        const moves = event.type === "keydown" && /^(Tab|Escape|Shift|Control|Alt|Meta|AltGraph|F\d+)$/.test(event.key);
        if (moves) return;
        for (const sign of signs) removeEventListener(sign, send, true);
        if (!chosenOtherwise) scores.requestSubmit(button);
      };
      for (const sign of signs) addEventListener(sign, send, true);
    }
  }

  const remaining = document.querySelector("[data-remaining]");
  if (remaining) {
    const comment = document.getElementById("id_comment");
    const count = () => {
      const left = Math.max(0, comment.maxLength - comment.value.length);
      remaining.hidden = left > 500;
      remaining.textContent = remaining.hidden ? "" : remaining.dataset.remaining.replace("{count}", left);
    };
    comment.addEventListener("input", count);
    count();
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    const code = document.getElementById(button.dataset.copy);
    const status = document.querySelector("[data-copied]");
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        status.textContent = status.dataset.copied;
        status.classList.remove("unseen");
      } catch {
        // The browser refused: leave the code selected, ready for the person's own copy command.
        getSelection().selectAllChildren(code);
      }
    });
  }

  const message = document.querySelector("meta[name=odzew-message]");
  if (!message) return;

  // The bare name of the event and nothing else, so that it may reach whoever is around: that can only be an app's web
  // view, or a site that the product lists, because no other may show this page in a frame.
  const tell = (name) => {
    if (window.parent !== window) window.parent.postMessage(name, "*");
    window.ReactNativeWebView?.postMessage(name);
    window.webkit?.messageHandlers?.odzew?.postMessage(name);
    window.odzew?.postMessage?.(name);
  };
  if (message.content) tell(message.content);
  for (const place of document.querySelectorAll("[data-close]")) {
    place.hidden = false;
    place.addEventListener("click", () => tell("odzew:closed"));
  }

  // Shown means the scale was in view for a second.
  const shown = document.querySelector("meta[name=odzew-shown]");
  const scale = document.querySelector(".scale");
  if (shown && scale) {
    let timer;
    const observer = new IntersectionObserver(
      (entries) => {
        clearTimeout(timer);
        if (entries.at(-1).isIntersecting) timer = setTimeout(report, 1000);
      },
      { threshold: 0.5 },
    );
    const report = () => {
      if (document.hidden) return;
      observer.disconnect();
      fetch(shown.content, { method: "POST", credentials: "omit", keepalive: true }).catch(() => {});
    };
    document.addEventListener("visibilitychange", () => {
      observer.unobserve(scale);
      observer.observe(scale);
    });
    observer.observe(scale);
  }
})();
