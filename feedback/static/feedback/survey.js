// The pages work without this: it names the chosen score on the button, counts the last characters and copies the code.
(() => {
  "use strict";

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
})();
